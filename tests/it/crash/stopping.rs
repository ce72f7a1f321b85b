//! Stop: nothing is written once the job is STOPPED.

use std::time::Duration;

use muster::domain::job::{JobStatus as S, Transition};
use muster::importer::Outcome;
use muster::store::finish::{End, Folded, end};
use muster::store::lanes::{Checkpoint, Locked, advance, lock, release};
use tokio_util::sync::CancellationToken;

use super::dispatched;
use crate::support::gate::Gate;
use crate::support::imports::{claim, claim_for, counted};
use crate::support::muster::{ManualClock, TestMuster};

async fn finish(test: &TestMuster) -> u64 {
    test.scheduler().finish_tick().await.expect("a finish")
}

#[tokio::test]
async fn a_stopping_job_is_stopped_once_its_worker_has_given_the_lease_back() {
    let test = TestMuster::new();
    let job = dispatched(&test).await;
    let claim = claim(&test.db).await.expect("the job");
    test.stop(&job).await.expect("a stop");
    assert_eq!(finish(&test).await, 0);
    assert_eq!(test.status(&job).await, S::Stopping);

    let never = CancellationToken::new();
    let outcome = test.importer().run(&claim, &never).await;
    assert_eq!(outcome.expect("an import"), Outcome::Stopped);
    assert_eq!(test.rows("users").await, 0);
    assert_eq!(finish(&test).await, 0);
    release(&test.db, &claim).await.expect("a release");
    assert_eq!(finish(&test).await, 1);
    assert_eq!(test.status(&job).await, S::Stopped);
}

#[tokio::test]
async fn a_stopping_job_whose_worker_is_lost_is_stopped_when_the_lease_has_run_out() {
    let test = TestMuster::new();
    let job = dispatched(&test).await;
    let lost = claim(&test.db).await.expect("the job");
    test.stop(&job).await.expect("a stop");
    assert_eq!(finish(&test).await, 0);
    test.expire_leases().await;
    assert_eq!(finish(&test).await, 1);

    // The worker was only slow, and comes back.
    let never = CancellationToken::new();
    let outcome = test.importer().run(&lost, &never).await;
    assert_eq!(outcome.expect("an import"), Outcome::Lost);
    let stopped = test.describe(&job).await;
    assert_eq!(stopped.status, S::Stopped);
    assert_eq!(stopped.counters, counted(0, 0, 0));
    for table in ["users", "rejected_rows", "import_lanes"] {
        assert_eq!(test.rows(table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn the_end_of_a_stopping_job_waits_for_the_batch_that_is_being_written_and_counts_it() {
    let test = TestMuster::new();
    let job = dispatched(&test).await;
    let slow = claim_for(&test.db, Duration::ZERO).await.expect("the job");
    let mut tx = test.db.begin("batch").await.expect("a transaction");
    let Locked::Held { checkpoint, status } = lock(&mut tx, &slow, 0).await.expect("a lane") else {
        panic!("the lease was lost");
    };
    assert_eq!(status, S::InProgress);
    test.stop(&job).await.expect("a stop");

    let mut gate = Gate::shut(&test, "SELECT 1").await;
    let scheduler = test.scheduler();
    let end = tokio::spawn(async move { scheduler.finish_tick().await });
    gate.waiting(1).await;
    assert_eq!(test.status(&job).await, S::Stopping);
    let to = Checkpoint {
        bytes: 77,
        ..checkpoint
    };
    let added = counted(3, 2, 1);
    advance(&mut tx, &slow, 0, checkpoint, to, added, Duration::ZERO)
        .await
        .expect("a batch");
    tx.commit().await.expect("a batch");

    assert_eq!(end.await.expect("a task").expect("a finish"), 1);
    let stopped = test.describe(&job).await;
    assert_eq!(stopped.status, S::Stopped);
    assert_eq!(stopped.counters, added);
    let mut tx = test.db.begin("batch").await.expect("a transaction");
    let late = lock(&mut tx, &slow, 0).await.expect("a look");
    assert_eq!(late, Locked::Lost);
}

#[tokio::test]
async fn users_imported_before_a_stop_stay_and_are_counted() {
    let test = TestMuster::new();
    let job = dispatched(&test).await;
    let first = claim(&test.db).await.expect("the job");
    // The stop comes with the first batch of each lane written.
    let lanes = first.lanes.len();
    let stop = "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            UPDATE user_import_jobs SET status = 'STOPPING' WHERE status = 'IN_PROGRESS';
            RETURN NULL;
        END $$;
        CREATE TRIGGER stop AFTER INSERT ON users FOR EACH STATEMENT EXECUTE FUNCTION stop()";
    test.sql(stop).await.expect("a stop in waiting");
    let never = CancellationToken::new();
    let outcome = test
        .importer_with(test.db.clone(), test.clock.clone(), 1)
        .run(&first, &never)
        .await;
    assert_eq!(outcome.expect("an import"), Outcome::Stopped);
    release(&test.db, &first).await.expect("a release");
    assert_eq!(finish(&test).await, 1);

    let stopped = test.describe(&job).await;
    assert_eq!(stopped.status, S::Stopped);
    let users = test.users(&job.pool).await.len() as u64;
    assert_eq!(stopped.counters.imported, users);
    assert!((1..=lanes as u64).contains(&users), "{users} users");
    let rejected = test.rejections(&stopped).await.len() as u64;
    assert_eq!(stopped.counters.skipped + stopped.counters.failed, rejected);
}

/// Its worker has read the file to its end, and the Stop comes before the job
/// has ended.
#[tokio::test]
async fn a_job_that_is_stopping_ends_stopped_and_not_as_its_worker_would_have_it() {
    let test = TestMuster::new();
    let job = dispatched(&test).await;
    let done = claim(&test.db).await.expect("the job");
    let never = CancellationToken::new();
    let outcome = test.importer().run(&done, &never).await;
    assert_eq!(outcome.expect("an import"), Outcome::Done);
    test.stop(&job).await.expect("a stop");

    let ending = End {
        transition: Transition::FinishSucceeded,
        message: "made up".to_owned(),
        reason: None,
        now: ManualClock::START,
        purge_at: ManualClock::START,
    };
    for status in [S::Stopping, S::Stopped] {
        let mut tx = test.db.begin("test").await.expect("a transaction");
        let none = Folded::default();
        let ended = end(&mut tx, &done.job, none, &ending).await;
        assert!(!ended.expect("an answer"), "from {status:?}");
        tx.commit().await.expect("a commit");
        assert_eq!(test.status(&job).await, status);
        release(&test.db, &done).await.expect("a release");
        finish(&test).await;
    }
    let stopped = test.describe(&job).await;
    assert!(stopped.counters.imported > 0, "its rows count");
}
