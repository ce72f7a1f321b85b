//! Leases: one worker has a job at a time, and one that has lost its lease
//! writes nothing any more.

use std::time::Duration;

use muster::domain::job::Counters;
use muster::importer::Outcome;
use muster::store::finish::fold_claimed;
use muster::store::lanes::{Checkpoint, Claim, Locked, advance, excuse, lock, release, renew};
use tokio_util::sync::CancellationToken;

use super::{dispatched, undisturbed};
use crate::batches::left;
use crate::support::gate::Gate;
use crate::support::imports::{claim, claim_for, counted, work};
use crate::support::muster::TestMuster;

const LEASE: Duration = Duration::from_secs(300);

async fn run(test: &TestMuster, claim: &Claim) -> Outcome {
    let never = CancellationToken::new();
    let outcome = test.importer().run(claim, &never).await;
    outcome.expect("an import")
}

async fn locked(test: &TestMuster, claim: &Claim) -> Locked {
    let mut tx = test.db.begin("test").await.expect("a transaction");
    lock(&mut tx, claim, 0).await.expect("a look at the lane")
}

#[tokio::test]
async fn a_job_has_one_worker_until_the_lease_is_given_back_or_has_run_out() {
    let test = TestMuster::new();
    dispatched(&test).await;
    let first = claim(&test.db).await.expect("the job");
    assert!(!first.resumed);
    assert!(claim(&test.db).await.is_none());
    release(&test.db, &first).await.expect("a release");

    let second = claim(&test.db).await.expect("the job");
    assert_ne!(second.token, first.token);
    assert!(claim(&test.db).await.is_none());
    test.expire_leases().await;
    assert!(claim(&test.db).await.is_some());
}

#[tokio::test]
async fn a_lease_changes_hands_under_its_jobs_lock_for_all_lanes_or_none() {
    let test = TestMuster::new();
    dispatched(&test).await;
    let free = "import_lanes WHERE lease_token IS NULL";
    let all = test.rows(free).await;
    assert!(all > 1);
    let the_job = "SELECT FROM user_import_jobs FOR UPDATE";
    let gate = Gate::shut(&test, the_job).await;
    assert!(claim(&test.db).await.is_none(), "another has its eye on it");
    gate.open().await;

    let held = claim(&test.db).await.expect("the job");
    let mut gate = Gate::shut(&test, the_job).await;
    let db = test.db.clone();
    let giving_back = tokio::spawn(async move { release(&db, &held).await });
    gate.waiting(1).await;
    assert_eq!(test.rows(free).await, 0);
    // No lane of its own is locked meanwhile.
    test.sql("SELECT FROM import_lanes FOR UPDATE NOWAIT")
        .await
        .expect("lanes that nobody has locked");
    gate.open().await;
    giving_back.await.expect("a task").expect("a release");
    assert_eq!(test.rows(free).await, all);
}

#[tokio::test]
async fn the_oldest_job_comes_first_whether_a_dead_worker_had_it_or_nobody() {
    let test = TestMuster::new();
    let first = dispatched(&test).await;
    let dead = claim(&test.db).await.expect("the job");
    test.expire_leases().await;
    let second = dispatched(&test).await;
    for job in [first, second] {
        let next = claim(&test.db).await.expect("a job");
        assert_eq!(next.job, job.key());
        assert_ne!(next.token, dead.token);
    }
    assert!(claim(&test.db).await.is_none());
}

#[tokio::test]
async fn a_lease_that_is_renewed_keeps_others_away() {
    let test = TestMuster::new();
    dispatched(&test).await;
    let first = claim_for(&test.db, Duration::ZERO).await.expect("the job");
    assert!(renew(&test.db, &first, LEASE).await.expect("a renewal"));
    assert!(claim(&test.db).await.is_none());
}

#[tokio::test]
async fn stale_worker_cannot_commit_after_its_lease_was_taken() {
    let test = TestMuster::new();
    let job = dispatched(&test).await;
    let stale = claim(&test.db).await.expect("the job");
    test.expire_leases().await;
    let fresh = claim(&test.db).await.expect("the job");

    assert_eq!(locked(&test, &stale).await, Locked::Lost);
    assert_eq!(run(&test, &stale).await, Outcome::Lost);
    for table in ["users", "rejected_rows"] {
        assert_eq!(test.rows(table).await, 0, "{table}");
    }
    assert_eq!(test.describe(&job).await.counters, counted(0, 0, 0));
    // Even a batch that got past the lock could not move the lane.
    let mut tx = test.db.begin("test").await.expect("a transaction");
    let from = fresh.lanes[0];
    let to = Checkpoint { bytes: 90, ..from };
    let moved = advance(&mut tx, &stale, 0, from, to, Counters::default(), LEASE);
    assert!(moved.await.is_err());
    drop(tx);
    assert!(matches!(locked(&test, &fresh).await, Locked::Held { .. }));
}

/// The lease is the same, and the lane is elsewhere: somebody wrote past it.
#[tokio::test]
async fn a_lane_that_is_not_where_its_worker_left_it_is_not_written() {
    let test = TestMuster::new();
    let job = dispatched(&test).await;
    let worker = claim(&test.db).await.expect("the job");
    test.sql("UPDATE import_lanes SET checkpoint_bytes = 7, checkpoint_line = 2")
        .await
        .expect("another place");

    let never = CancellationToken::new();
    let refused = test.importer().run(&worker, &never).await;
    let refused = refused.expect_err("a lane elsewhere");
    let why = std::error::Error::source(&refused).expect("a source");
    assert!(
        why.to_string().contains("where its worker left it"),
        "{why}"
    );
    // Even a batch that did not look could not move the lane.
    let mut tx = test.db.begin("test").await.expect("a transaction");
    let from = worker.lanes[0];
    let to = Checkpoint { bytes: 90, ..from };
    let moved = advance(&mut tx, &worker, 0, from, to, Counters::default(), LEASE);
    assert!(moved.await.is_err());
    drop(tx);
    for table in ["users", "rejected_rows"] {
        assert_eq!(test.rows(table).await, 0, "{table}");
    }
    assert_eq!(test.describe(&job).await.counters, counted(0, 0, 0));
}

#[tokio::test]
async fn a_stale_worker_can_neither_renew_nor_release_nor_end_what_another_holds() {
    let test = TestMuster::new();
    dispatched(&test).await;
    let stale = claim(&test.db).await.expect("the job");
    test.expire_leases().await;
    let fresh = claim(&test.db).await.expect("the job");
    let fruitless = "import_lanes WHERE fruitless_claims = 2";
    let lanes = test.rows(fruitless).await;
    assert_eq!(lanes, fresh.lanes.len() as i64);

    assert!(!renew(&test.db, &stale, LEASE).await.expect("a renewal"));
    release(&test.db, &stale).await.expect("a release");
    excuse(&test.db, &stale).await.expect("an excuse");
    assert_eq!(test.rows(fruitless).await, lanes);
    let mut tx = test.db.begin("test").await.expect("a transaction");
    let ending = fold_claimed(&mut tx, &stale).await.expect("a look");
    assert!(ending.is_none());
    drop(tx);
    assert!(claim(&test.db).await.is_none(), "the job is still held");
    assert!(matches!(locked(&test, &fresh).await, Locked::Held { .. }));
}

#[tokio::test]
async fn a_lease_that_ran_out_with_nobody_waiting_is_still_the_workers() {
    let test = TestMuster::new();
    let expected = undisturbed(&test).await;
    let job = dispatched(&test).await;
    let late = claim_for(&test.db, Duration::ZERO).await.expect("the job");
    assert_eq!(run(&test, &late).await, Outcome::Done);
    work(&test.scheduler()).await;
    assert_eq!(left(&test, &job).await, expected);
}

#[tokio::test]
async fn whoever_takes_a_lane_over_waits_for_the_batch_that_is_being_written_and_goes_on_after_it()
{
    let test = TestMuster::new();
    dispatched(&test).await;
    let slow = claim_for(&test.db, Duration::ZERO).await.expect("the job");
    let mut tx = test.db.begin("batch").await.expect("a transaction");
    let Locked::Held { checkpoint, .. } = lock(&mut tx, &slow, 0).await.expect("a lane") else {
        panic!("the lease was lost");
    };

    let mut gate = Gate::shut(&test, "SELECT 1").await;
    let db = test.db.clone();
    let next = tokio::spawn(async move { claim(&db).await });
    gate.waiting(1).await;
    let to = Checkpoint {
        bytes: 77,
        line: 3,
        finished: false,
    };
    let added = counted(1, 0, 0);
    advance(&mut tx, &slow, 0, checkpoint, to, added, Duration::ZERO)
        .await
        .expect("a batch");
    tx.commit().await.expect("a batch");

    let next = next.await.expect("a task").expect("the job");
    assert_eq!(next.lanes[0], to);
    assert!(next.resumed);
    assert_eq!(locked(&test, &slow).await, Locked::Lost);
}

#[tokio::test]
async fn a_worker_that_goes_on_with_a_job_checks_that_the_file_is_still_the_same() {
    let test = TestMuster::new();
    let job = dispatched(&test).await;
    let first = claim(&test.db).await.expect("the job");
    assert!(matches!(locked(&test, &first).await, Locked::Held { .. }));
    // As if a batch had been written; and the file replaced by one that only
    // its content tells from the first.
    test.sql("UPDATE import_lanes SET checkpoint_bytes = 77, checkpoint_line = 3")
        .await
        .expect("a batch");
    test.sql("UPDATE user_import_jobs SET upload_blake3 = decode(repeat('00', 32), 'hex')")
        .await
        .expect("another file");
    release(&test.db, &first).await.expect("a release");
    work(&test.scheduler()).await;
    let ended = test.describe(&job).await;
    let reason = muster::domain::job::FailureReason::UploadChanged;
    assert_eq!(ended.failure_reason, Some(reason));
    assert!(test.users(&job.pool).await.is_empty());
}
