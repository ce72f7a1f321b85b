//! Pages of any size, and the order of what is on them.

use std::time::Duration;

use muster::domain::error::{ErrorKind, Reason};
use muster::operations::Page;

use super::{KINDS, Kind, page, pages, reader_of};
use crate::support::imports::{TestJob, users_csv, work};
use crate::support::muster::{TestMuster, admin};

/// As many as a page of the largest size holds, and one more.
const MANY: usize = 61;

/// A pool with that many jobs, users and rejected rows, among as many pools.
async fn full(test: &TestMuster) -> TestJob {
    for _ in 1..MANY {
        test.pool().await;
    }
    let pool = test.pool().await;
    let mut csv = users_csv((0..MANY).map(|n| format!("user-{n:02}")));
    for n in 0..MANY {
        csv.push_str(&format!("bad-{n},nonsense,true\n"));
    }
    let job = test.started(&pool, csv).await;
    work(&test.scheduler()).await;
    for _ in 1..MANY {
        test.create(&pool).await;
    }
    job
}

#[tokio::test]
async fn a_page_holds_1_to_60_and_20_unless_asked() {
    let test = TestMuster::with(|s| s.max_jobs_per_pool = 100);
    let job = full(&test).await;
    for kind in KINDS {
        for (asked, held) in [(None, 20), (Some(1), 1), (Some(59), 59), (Some(60), 60)] {
            let (found, next) = page(&test, kind, &job, asked, None).await.expect("a page");
            assert_eq!(found.len(), held, "{kind:?}");
            assert!(next.is_some(), "{kind:?}");
        }
        for size in [0, -1, 61, i32::MAX, i32::MIN] {
            let error = page(&test, kind, &job, Some(size), None).await.err();
            let error = error.unwrap_or_else(|| panic!("{kind:?} with pages of {size}"));
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert_eq!(error.reason(), Reason::InvalidField);
            assert!(error.to_string().starts_with("page_size "), "{error}");
        }
        // The last page is full, and there is none after it.
        let all = pages(&test, kind, &job, 60).await;
        assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [60, 1]);
        let all = pages(&test, kind, &job, 1).await;
        assert_eq!(all.len(), MANY, "{kind:?}: no empty page at the end");
        assert!(all.iter().all(|page| page.len() == 1));
    }
}

#[tokio::test]
async fn whatever_its_pages_a_listing_has_everything_once_and_in_order() {
    let test = TestMuster::with(|s| s.max_jobs_per_pool = 100);
    let mut pools = Vec::new();
    for n in 0..7 {
        pools.push(test.pool().await);
        // Some of one instant, some not.
        test.clock.advance(Duration::from_micros(n % 3));
    }
    let pool = pools[6].clone();
    let names = ["Ärmel", "ann", "Bob", "carol", "Zoë", "_x", "9"];
    let mut csv = users_csv(names);
    csv.push_str("a,nonsense,true\nb,nonsense,true\n\nc,nonsense,true\nann,ann@example.com,true\n");
    let job = test.started(&pool, csv).await;
    work(&test.scheduler()).await;
    let mut jobs = vec![job.id.clone()];
    for n in 0..6 {
        jobs.push(test.create(&pool).await.id);
        test.clock.advance(Duration::from_micros(n % 2));
    }
    jobs.reverse();
    for size in 1..=8 {
        let whole = async |kind| pages(&test, kind, &job, size).await.concat();
        assert_eq!(whole(Kind::Jobs).await, jobs, "newest first");
        assert_eq!(whole(Kind::Rejected).await, ["9", "10", "12", "13"]);
        let mut users = whole(Kind::Users).await;
        assert_eq!(users, test.usernames(&pool).await);
        users.sort();
        let mut sorted = names;
        sorted.sort_unstable();
        assert_eq!(users, sorted);
        let mut found = whole(Kind::Pools).await;
        assert_eq!(found[0], pool, "newest first");
        found.sort();
        let mut all = pools.clone();
        all.sort();
        assert_eq!(found, all);
    }
}

#[tokio::test]
async fn an_empty_listing_is_one_empty_page_and_that_of_no_pool_is_not_found() {
    let test = TestMuster::new();
    let job = test.create(&test.pool().await).await;
    for kind in [Kind::Users, Kind::Rejected] {
        let answer = page(&test, kind, &job, None, None).await;
        assert_eq!(answer.expect("a page"), (Vec::new(), None));
    }
    let gone = TestJob {
        pool: "local_123456789".to_owned(),
        ..job
    };
    for kind in [Kind::Jobs, Kind::Users, Kind::Rejected] {
        let error = page(&test, kind, &gone, None, None).await.err();
        let reason = error.map(|e| e.reason());
        assert_eq!(reason, Some(Reason::UserPoolNotFound), "{kind:?}");
    }
}

#[tokio::test]
async fn a_caller_of_some_pools_pages_through_those_only() {
    let test = TestMuster::new();
    let mut pools = Vec::new();
    for _ in 0..6 {
        pools.push(test.pool().await);
        test.clock.advance(Duration::from_secs(1));
    }
    let caller = reader_of(&[&pools[0], &pools[2], &pools[5]]);
    let mut seen = Vec::new();
    let mut token = None;
    loop {
        let page = Page {
            size: Some(1),
            token,
        };
        let (found, next) = test.muster.list_pools(&caller, &page).await.expect("pools");
        seen.extend(found.iter().map(|p| p.user_pool_id.to_string()));
        token = next;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, [&pools[5], &pools[2], &pools[0]].map(Clone::clone));

    // Another's pool is not found, and nor is what is in it.
    for (pool, there) in [(&pools[0], true), (&pools[1], false)] {
        let page = Page::default();
        let found = [
            test.muster.describe_pool(&caller, pool).await.err(),
            test.muster.list_jobs(&caller, pool, &page).await.err(),
            test.muster.list_users(&caller, pool, &page).await.err(),
        ];
        for error in found {
            let reason = error.map(|e| e.reason());
            assert_eq!(reason, (!there).then_some(Reason::UserPoolNotFound));
        }
    }
    let nobody = reader_of(&[]);
    let (none, next) = test
        .muster
        .list_pools(&nobody, &Page::default())
        .await
        .expect("no pools");
    assert!(none.is_empty() && next.is_none());
    let (all, _) = test
        .muster
        .list_pools(&admin(), &Page::default())
        .await
        .expect("pools");
    assert_eq!(all.len(), pools.len());
}
