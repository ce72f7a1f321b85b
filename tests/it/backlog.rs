//! What there is to do, and how long it has waited.

use std::time::Duration;

use muster::domain::clock::Clock as _;
use muster::domain::job::{Counters, JobStatus};
use muster::meters::Backlog;
use muster::store::backlog::backlog;
use muster::store::lanes::{Locked, advance, lock};

use crate::support::imports::{claim, users_csv, work};
use crate::support::muster::TestMuster;

async fn look(test: &TestMuster) -> Backlog {
    backlog(&test.db, test.clock.now()).await.expect("a count")
}

fn jobs([created, pending, in_progress, stopping]: [f64; 4]) -> [(JobStatus, f64); 4] {
    [
        (JobStatus::Created, created),
        (JobStatus::Pending, pending),
        (JobStatus::InProgress, in_progress),
        (JobStatus::Stopping, stopping),
    ]
}

#[tokio::test]
async fn jobs_that_have_not_ended_are_counted_by_status() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    assert_eq!(look(&test).await.jobs, jobs([0.0; 4]));

    test.create(&pool).await;
    test.uploaded(&pool, users_csv(["ann"])).await;
    for name in ["bob", "carol", "dave"] {
        // Of pools of their own, or they are taken up together.
        let pool = test.pool().await;
        test.started(&pool, users_csv([name])).await;
    }
    assert_eq!(look(&test).await.jobs, jobs([2.0, 3.0, 0.0, 0.0]));

    let scheduler = test.scheduler_with(|settings| settings.max_jobs = 2);
    assert_eq!(scheduler.dispatch_tick().await.expect("a dispatch"), 2);
    assert_eq!(look(&test).await.jobs, jobs([2.0, 1.0, 2.0, 0.0]));

    let stopped = test.started(&pool, users_csv(["eve"])).await;
    test.stop(&stopped).await.expect("a stop");
    assert_eq!(look(&test).await.jobs, jobs([2.0, 1.0, 2.0, 1.0]));

    work(&test.scheduler()).await;
    assert_eq!(look(&test).await.jobs, jobs([2.0, 0.0, 0.0, 0.0]));
    test.clock.advance(Duration::from_secs(25 * 3600));
    test.scheduler().expire_tick().await.expect("an expiry");
    assert_eq!(look(&test).await.jobs, jobs([0.0; 4]));
}

#[tokio::test]
async fn the_oldest_job_that_waits_has_waited_since_its_start() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    assert_eq!(look(&test).await.oldest_pending, 0.0);
    let first = test.uploaded(&pool, users_csv(["ann"])).await;
    test.clock.advance(Duration::from_secs(60));
    test.start(&first).await.expect("a start");
    test.clock.advance(Duration::from_secs(30));
    test.started(&pool, users_csv(["bob"])).await;
    test.clock.advance(Duration::from_secs(12));
    assert_eq!(look(&test).await.oldest_pending, 42.0);

    work(&test.scheduler()).await;
    assert_eq!(look(&test).await.oldest_pending, 0.0);
}

#[tokio::test]
async fn a_job_stands_still_until_one_of_its_lanes_moves_whoever_claims_it() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    test.started(&pool, users_csv(["ann", "bob", "carol"]))
        .await;
    let scheduler = test.scheduler();
    scheduler.dispatch_tick().await.expect("a dispatch");
    test.sql("UPDATE import_lanes SET moved_at = clock_timestamp() - interval '1 hour'")
        .await
        .expect("an hour");
    let worker = claim(&test.db).await.expect("the job");
    let stood = look(&test).await.oldest_unmoved;
    assert!((3_600.0..5_000.0).contains(&stood), "{stood}");

    let mut tx = test.db.begin("batch").await.expect("a transaction");
    let Ok(Locked::Held { checkpoint, .. }) = lock(&mut tx, &worker, 1).await else {
        panic!("a lane that is held");
    };
    let to = muster::store::lanes::Checkpoint {
        bytes: 60,
        line: 2,
        ..checkpoint
    };
    let lease = Duration::from_secs(300);
    advance(
        &mut tx,
        &worker,
        1,
        checkpoint,
        to,
        Counters::default(),
        lease,
    )
    .await
    .expect("a move");
    tx.commit().await.expect("a commit");
    let stood = look(&test).await.oldest_unmoved;
    assert!(stood < 1_800.0, "{stood}");
}
