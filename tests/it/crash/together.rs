//! Small jobs that are imported together, and a worker that loses one of them.

use std::time::Duration;

use muster::domain::job::{JobStatus, SUCCEEDED_MESSAGE, Transition};
use muster::importer::{Outcome, Together};
use muster::store::finish::End;
use muster::store::lanes::{Claim, release, release_all};
use muster::store::together::claim_with;
use time::macros::datetime;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::imports::{TestJob, claim, users_csv};
use crate::support::muster::TestMuster;

const LEASE: Duration = Duration::from_secs(300);

/// Three small jobs of one pool that are IN_PROGRESS.
async fn dispatched(test: &TestMuster) -> Vec<TestJob> {
    let pool = test.pool().await;
    let mut jobs = Vec::new();
    for name in ["ann", "bob", "carol"] {
        jobs.push(test.started(&pool, users_csv([name])).await);
        test.clock.advance(Duration::from_secs(1));
    }
    let scheduler = test.scheduler_with(|s| s.lanes = 1);
    assert_eq!(scheduler.dispatch_tick().await.expect("a dispatch"), 3);
    jobs
}

/// A worker's claim of as many of them as nobody has.
async fn claim_all(test: &TestMuster) -> Vec<Claim> {
    let first = claim(&test.db).await.expect("a job");
    let others = claim_with(&test.db, &first, Uuid::new_v4(), LEASE, 15).await;
    let others = others.expect("a look for jobs");
    std::iter::once(first).chain(others).collect()
}

async fn run(test: &TestMuster, claims: &[Claim]) -> Together {
    let never = CancellationToken::new();
    let end = |_: &_, _: &_| End {
        transition: Transition::FinishSucceeded,
        message: SUCCEEDED_MESSAGE.to_owned(),
        reason: None,
        now: datetime!(2026-03-01 12:00 UTC),
        purge_at: datetime!(2026-03-08 12:00 UTC),
    };
    let done = test.importer().run_together(claims, &never, &end).await;
    done.expect("an import")
}

#[tokio::test]
async fn a_worker_that_lost_one_of_them_writes_none_of_them() {
    let test = TestMuster::new();
    let jobs = dispatched(&test).await;
    let stale = claim_all(&test).await;
    assert_eq!(stale.len(), 3);
    test.expire_leases().await;
    let fresh = claim(&test.db).await.expect("the oldest job");
    assert_eq!(fresh.job, jobs[0].key());

    assert!(run(&test, &stale).await.ended.is_empty());
    assert_eq!(test.rows("users").await, 0);
    assert_eq!(test.rows("import_lanes").await, 3);
    // What it has still is its own, and the other's is the other's.
    let kept = run(&test, &stale[1..]).await.ended;
    assert_eq!(kept.len(), 2);
    let never = CancellationToken::new();
    let done = test.importer().run(&fresh, &never).await;
    assert_eq!(done.expect("an import"), Outcome::Done);
    assert_eq!(test.rows("users").await, 3);
    for job in &jobs[1..] {
        assert_eq!(test.status(job).await, JobStatus::Succeeded);
    }
}

#[tokio::test]
async fn one_that_somebody_has_or_has_had_is_not_claimed_with_others() {
    let test = TestMuster::new();
    let jobs = dispatched(&test).await;
    let held = claim(&test.db).await.expect("the oldest job");
    let rest = claim_all(&test).await;
    let keys: Vec<_> = rest.iter().map(|claim| claim.job.clone()).collect();
    assert_eq!(keys, [jobs[1].key(), jobs[2].key()]);
    assert!(rest.iter().all(|claim| claim.token == rest[0].token));
    assert_ne!(rest[0].token, held.token);

    // Whose lease ran out may still be writing.
    test.expire_leases().await;
    release(&test.db, &held).await.expect("a release");
    let again = claim_all(&test).await;
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].job, jobs[0].key());

    // What was given back in good order is anybody's, all of it.
    release_all(&test.db, &rest).await.expect("a release");
    release(&test.db, &again[0]).await.expect("a release");
    assert_eq!(claim_all(&test).await.len(), 3);
}
