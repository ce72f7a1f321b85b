//! Page tokens: good for the listing that answered them, and nothing else.

use muster::domain::error::{ErrorKind, Reason};

use super::{KINDS, Kind, page};
use crate::support::imports::{TestJob, users_csv, work};
use crate::support::muster::TestMuster;

/// A job in a pool with more than one of everything.
async fn job(test: &TestMuster) -> TestJob {
    let pool = test.pool().await;
    test.create(&pool).await;
    let csv = users_csv(["ann", "bob", "ann", "bob"]);
    let job = test.started(&pool, csv).await;
    work(&test.scheduler()).await;
    job
}

async fn token(test: &TestMuster, kind: Kind, job: &TestJob) -> String {
    let (_, next) = page(test, kind, job, Some(1), None).await.expect("a page");
    next.expect("another page")
}

async fn assert_refused(test: &TestMuster, kind: Kind, job: &TestJob, token: String) {
    let said = format!("{kind:?} with {token:?}");
    let answer = page(test, kind, job, Some(1), Some(token)).await;
    let error = answer.expect_err(&said);
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{said}");
    assert_eq!(error.reason(), Reason::InvalidPageToken, "{said}");
}

#[tokio::test]
async fn a_token_is_opaque_and_opens_its_own_listing() {
    let test = TestMuster::new();
    let job = job(&test).await;
    test.pool().await;
    for kind in KINDS {
        let token = token(&test, kind, &job).await;
        assert!(!token.is_empty() && !token.contains(char::is_whitespace));
        let answer = page(&test, kind, &job, Some(1), Some(token)).await;
        assert_eq!(answer.expect("a page").0.len(), 1, "{kind:?}");
    }
}

#[tokio::test]
async fn a_token_of_another_pool_is_refused() {
    let test = TestMuster::new();
    let (one, other) = (job(&test).await, job(&test).await);
    for kind in [Kind::Jobs, Kind::Users, Kind::Rejected] {
        let token = token(&test, kind, &one).await;
        assert_refused(&test, kind, &other, token).await;
    }
}

#[tokio::test]
async fn a_token_of_another_job_is_refused() {
    let test = TestMuster::new();
    let one = job(&test).await;
    let other = test.started(&one.pool, users_csv(["ann", "bob"])).await;
    work(&test.scheduler()).await;
    let token = token(&test, Kind::Rejected, &one).await;
    assert_refused(&test, Kind::Rejected, &other, token).await;
}

#[tokio::test]
async fn a_token_of_another_listing_is_refused() {
    let test = TestMuster::new();
    let job = job(&test).await;
    test.pool().await;
    for from in KINDS {
        let token = token(&test, from, &job).await;
        for to in KINDS.into_iter().filter(|to| *to != from) {
            assert_refused(&test, to, &job, token.clone()).await;
        }
    }
}

#[tokio::test]
async fn a_changed_or_invented_token_is_refused() {
    let test = TestMuster::new();
    let job = job(&test).await;
    test.pool().await;
    for kind in KINDS {
        let token = token(&test, kind, &job).await;
        let mut forged: Vec<String> = ["", " ", "AAAA", "%%%", "ä", "null"]
            .map(str::to_owned)
            .into();
        forged.extend(["A", "=", " "].map(|more| format!("{token}{more}")));
        forged.push(token[1..].to_owned());
        forged.push(token[..token.len() - 2].to_owned());
        forged.push("A".repeat(10_000));
        for at in 0..token.len() - 1 {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            forged.push(String::from_utf8(changed).expect("ASCII"));
        }
        for token in forged {
            assert_refused(&test, kind, &job, token).await;
        }
    }
}
