//! Usernames that are there already: in the pool, or on an earlier line.

use muster::domain::job::JobStatus;
use muster::domain::rejection::RejectionCode as C;

use super::{at, report};
use crate::support::imports::{counted, users_csv, work};
use crate::support::muster::TestMuster;

const USERNAME: &str = "cognito:username";

#[tokio::test]
async fn the_first_line_of_a_username_wins_in_whatever_case() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let csv = "cognito:username,email,email_verified\n\
               Ann,first@example.com,true\n\
               bob,bob@example.com,true\n\
               ann,second@example.com,true\n\
               Ann,third@example.com,true\n\
               ANN,fourth@example.com,true\n\
               JÜRGEN,j1@example.com,true\n\
               jürgen,j2@example.com,true\n";
    let job = test.import(&pool, csv).await;
    assert_eq!(job.counters, counted(3, 4, 0));
    let rejections = test.rejections(&job).await;
    let told: Vec<_> = rejections
        .iter()
        .map(|r| (r.line, r.code, r.detail))
        .collect();
    assert_eq!(
        told,
        [
            (4, C::DuplicateInFile, Some(2)),
            (5, C::DuplicateInFile, Some(2)),
            (6, C::DuplicateInFile, Some(2)),
            (8, C::DuplicateInFile, Some(7)),
        ]
    );
    assert_eq!(
        rejections[0].message(),
        "The username is on line 2 of this file already."
    );
    let users = test.users(&pool).await;
    let ann = &users[0];
    assert_eq!(ann.username, "Ann", "as given");
    assert_eq!(ann.attributes["email"], "first@example.com");
    assert_eq!(ann.import_line, 2);
}

#[tokio::test]
async fn a_user_of_an_earlier_job_is_told_from_a_duplicate_in_the_file() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let first = test.import(&pool, users_csv(["ann", "bob"])).await;
    let again = test
        .import(&pool, users_csv(["carol", "ANN", "ann", "carol", "dave"]))
        .await;
    assert_eq!(again.counters, counted(2, 3, 0));
    assert_eq!(
        report(&test, &again).await,
        [
            at(3, C::UserAlreadyExists, USERNAME),
            at(4, C::UserAlreadyExists, USERNAME),
            at(5, C::DuplicateInFile, USERNAME),
        ]
    );
    let users = test.users(&pool).await;
    let jobs: Vec<_> = users.iter().map(|u| u.import_job_id).collect();
    let (first, again) = (first.job_id, again.job_id);
    assert_eq!(jobs, [first, first, again, again], "ann bob carol dave");
}

#[tokio::test]
async fn a_row_that_breaks_a_rule_does_not_hold_its_username() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let csv = "cognito:username,email,email_verified\n\
               ann,nonsense,true\n\
               ann,ann@example.com,true\n\
               ann,nonsense,true\n";
    let job = test.import(&pool, csv).await;
    assert_eq!(job.counters, counted(1, 0, 2));
    assert_eq!(
        report(&test, &job).await,
        [
            at(2, C::InvalidEmail, "email"),
            at(4, C::InvalidEmail, "email")
        ]
    );
    assert_eq!(test.users(&pool).await[0].import_line, 3);
}

#[tokio::test]
async fn a_case_sensitive_pool_tells_usernames_apart_by_case() {
    let test = TestMuster::new();
    let pool = test.pool_with(|p| p.case_sensitive = true).await;
    let job = test
        .import(&pool, users_csv(["ann", "Ann", "ANN", "Ann"]))
        .await;
    assert_eq!(job.counters, counted(3, 1, 0));
    assert_eq!(
        report(&test, &job).await,
        [at(5, C::DuplicateInFile, USERNAME)]
    );
}

#[tokio::test]
async fn the_same_usernames_in_another_pool_are_other_users() {
    let test = TestMuster::new();
    for _ in 0..2 {
        let pool = test.pool().await;
        let job = test.import(&pool, users_csv(["ann", "bob"])).await;
        assert_eq!(job.counters, counted(2, 0, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_jobs_of_one_pool_at_once_import_each_username_once() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let names: Vec<String> = (0..300).map(|n| format!("user-{n}")).collect();
    let jobs = [
        test.started(&pool, users_csv(&names)).await,
        test.started(&pool, users_csv(names.iter().rev())).await,
    ];
    work(&test.scheduler_with(|s| s.batch_rows = 40)).await;
    let mut imported = 0;
    let mut skipped = 0;
    for job in &jobs {
        let job = test.describe(job).await;
        assert!(job.status.is_terminal());
        assert_ne!(job.status, JobStatus::Stopped);
        assert_eq!(job.counters.total(), 300);
        let rejections = test.rejections(&job).await;
        assert!(rejections.iter().all(|r| r.code == C::UserAlreadyExists));
        assert_eq!(rejections.len() as u64, job.counters.skipped);
        imported += job.counters.imported;
        skipped += job.counters.skipped;
        let users = test.users(&pool).await;
        let own = users.iter().filter(|u| u.import_job_id == job.job_id);
        assert_eq!(own.count() as u64, job.counters.imported);
    }
    assert_eq!((imported, skipped), (300, 300));
}
