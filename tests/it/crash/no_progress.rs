//! A job that worker after worker is lost over.

use muster::domain::job::{FailureReason, JobStatus as S};
use muster::store::lanes::{Checkpoint, Locked, advance, excuse, lock, release};

use super::dispatched;
use crate::support::imports::{claim, counted, scheduler_settings, work};
use crate::support::muster::TestMuster;

async fn rescue(test: &TestMuster) -> u64 {
    test.scheduler().rescue_tick().await.expect("a rescue")
}

#[tokio::test]
async fn a_job_that_loses_three_workers_without_a_batch_is_failed_and_says_so() {
    let test = TestMuster::new();
    let job = dispatched(&test).await;
    for lost in 0..3 {
        assert_eq!(rescue(&test).await, 0, "{lost} workers lost");
        assert!(claim(&test.db).await.is_some(), "{lost} workers lost");
        assert_eq!(rescue(&test).await, 0, "a worker has it");
        test.expire_leases().await;
    }
    assert!(claim(&test.db).await.is_none(), "no fourth worker");
    assert_eq!(rescue(&test).await, 1);
    let failed = test.describe(&job).await;
    assert_eq!(failed.status, S::Failed);
    assert_eq!(failed.failure_reason, Some(FailureReason::NoProgress));
    assert_eq!(
        failed.completion_message.as_deref(),
        Some("The import was given up: 3 workers in a row were lost without progress.")
    );
    assert_eq!(rescue(&test).await, 0);
}

#[tokio::test]
async fn a_batch_that_was_written_forgives_the_workers_lost_before_it() {
    let test = TestMuster::new();
    let job = dispatched(&test).await;
    let lease = scheduler_settings().lease;
    for line in 1..=6 {
        let worker = claim(&test.db).await.expect("the job");
        if line % 2 == 0 {
            let mut tx = test.db.begin("batch").await.expect("a transaction");
            let Locked::Held { checkpoint, .. } = lock(&mut tx, &worker, 0).await.expect("a lane")
            else {
                panic!("the lease was lost");
            };
            let to = Checkpoint {
                bytes: checkpoint.bytes + 10,
                line,
                finished: false,
            };
            advance(&mut tx, &worker, 0, checkpoint, to, counted(0, 0, 0), lease)
                .await
                .expect("a batch");
            tx.commit().await.expect("a batch");
        }
        test.expire_leases().await;
        assert_eq!(rescue(&test).await, 0);
    }
    assert_eq!(test.status(&job).await, S::InProgress);
}

#[tokio::test]
async fn a_claim_that_was_given_back_or_excused_was_not_fruitless() {
    let test = TestMuster::new();
    let job = dispatched(&test).await;
    for n in 0..8 {
        let worker = claim(&test.db).await.expect("the job");
        if n % 2 == 0 {
            release(&test.db, &worker).await.expect("a release");
        } else {
            excuse(&test.db, &worker).await.expect("an excuse");
            test.expire_leases().await;
        }
        assert_eq!(rescue(&test).await, 0);
    }
    work(&test.scheduler()).await;
    assert_eq!(test.status(&job).await, S::Succeeded);
}

#[tokio::test]
async fn a_job_that_was_given_up_keeps_its_rows_and_its_counts() {
    let test = TestMuster::new();
    let job = dispatched(&test).await;
    let worker = claim(&test.db).await.expect("the job");
    let mut tx = test.db.begin("batch").await.expect("a transaction");
    lock(&mut tx, &worker, 0).await.expect("a lane");
    let to = Checkpoint {
        bytes: 77,
        line: 3,
        finished: true,
    };
    let lease = scheduler_settings().lease;
    advance(
        &mut tx,
        &worker,
        0,
        worker.lanes[0],
        to,
        counted(1, 2, 3),
        lease,
    )
    .await
    .expect("a batch");
    tx.commit().await.expect("a batch");
    for _ in 0..3 {
        test.expire_leases().await;
        claim(&test.db).await;
    }
    test.expire_leases().await;
    assert_eq!(rescue(&test).await, 1, "its other lane got nowhere");
    let failed = test.describe(&job).await;
    assert_eq!(failed.counters, counted(1, 2, 3));
    assert_eq!(test.rows("import_lanes").await, 0);
}
