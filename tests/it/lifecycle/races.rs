//! Two calls on one job at the same instant, in each order that can be.

use std::time::Duration;

use muster::domain::error::{Error, Reason};
use muster::domain::job::JobStatus as S;
use muster::importer::Outcome;
use muster::operations::jobs::JobView;
use muster::store::lanes::release;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::statuses::DAY;
use crate::support::gate::Gate;
use crate::support::imports::{TestJob, claim, counted, users_csv};
use crate::support::muster::{TestMuster, admin};

/// Lets statements read and lock rows, and holds up those that change a job.
const NO_UPDATES: &str = "LOCK TABLE user_import_jobs IN SHARE MODE";

fn start(test: &TestMuster, job: &TestJob) -> JoinHandle<Result<JobView, Error>> {
    let (muster, job) = (test.muster.clone(), job.clone());
    tokio::spawn(async move { muster.start_job(&admin(), &job.pool, &job.id, None).await })
}

fn stop(test: &TestMuster, job: &TestJob) -> JoinHandle<Result<JobView, Error>> {
    let (muster, job) = (test.muster.clone(), job.clone());
    tokio::spawn(async move { muster.stop_job(&admin(), &job.pool, &job.id).await })
}

fn delete_pool(test: &TestMuster, pool: &str) -> JoinHandle<Result<(), Error>> {
    let (muster, pool) = (test.muster.clone(), pool.to_owned());
    tokio::spawn(async move { muster.delete_pool(&admin(), &pool).await })
}

#[tokio::test]
async fn of_two_starts_at_once_one_wins_and_the_other_is_told_the_status() {
    let test = TestMuster::new();
    let job = test.uploaded(&test.pool().await, users_csv(["ann"])).await;
    let mut gate = Gate::shut(&test, "SELECT 1 FROM user_import_jobs FOR UPDATE").await;
    let calls = [start(&test, &job), start(&test, &job)];
    gate.waiting(2).await;
    gate.open().await;

    let mut won = 0;
    for call in calls {
        match call.await.expect("a call") {
            Ok(view) => {
                assert_eq!(view.job.status, S::Pending);
                won += 1;
            }
            Err(error) => {
                assert_eq!(error.reason(), Reason::JobNotStartable);
                assert!(error.to_string().contains("PENDING"), "{error}");
            }
        }
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn a_start_that_waited_until_the_job_expired_is_refused() {
    let test = TestMuster::new();
    let job = test.uploaded(&test.pool().await, users_csv(["ann"])).await;
    test.clock.advance(DAY - Duration::from_secs(1));
    let mut gate = Gate::shut(&test, "SELECT 1 FROM user_import_jobs FOR UPDATE").await;
    let call = start(&test, &job);
    gate.waiting(1).await;
    test.clock.advance(Duration::from_secs(1));
    // Passes the locked job over rather than wait for it.
    assert_eq!(test.scheduler().expire_tick().await.expect("a sweep"), 0);
    gate.open().await;

    let error = call.await.expect("a call").expect_err("too late");
    assert_eq!(error.reason(), Reason::JobExpired);
    test.settled().await;
    assert_eq!(test.scheduler().expire_tick().await.expect("a sweep"), 1);
    assert_eq!(test.status(&job).await, S::Expired);
}

#[tokio::test]
async fn a_sweep_does_not_expire_a_job_whose_start_came_first() {
    let test = TestMuster::new();
    let job = test.uploaded(&test.pool().await, users_csv(["ann"])).await;
    test.clock.advance(DAY - Duration::from_secs(1));
    let mut gate = Gate::shut(&test, NO_UPDATES).await;
    // Has judged the time, and is about to write.
    let call = start(&test, &job);
    gate.waiting(1).await;
    test.clock.advance(Duration::from_secs(1));
    let scheduler = test.scheduler();
    let sweep = tokio::spawn(async move { scheduler.expire_tick().await });
    gate.waiting(2).await;
    gate.open().await;

    let started = call.await.expect("a call").expect("a start");
    assert_eq!(started.job.status, S::Pending);
    assert_eq!(sweep.await.expect("a tick").expect("a sweep"), 0);
    assert_eq!(test.status(&job).await, S::Pending);
}

#[tokio::test]
async fn a_stop_that_comes_as_the_job_succeeds_is_told_so() {
    let test = TestMuster::new();
    let job = done_but_not_ended(&test).await;
    let mut gate = Gate::shut(&test, NO_UPDATES).await;
    let scheduler = test.scheduler();
    let finish = tokio::spawn(async move { scheduler.finish_tick().await });
    gate.waiting(1).await;
    let stop = stop(&test, &job);
    gate.waiting(2).await;
    gate.open().await;

    assert_eq!(finish.await.expect("a tick").expect("a finish"), 1);
    let error = stop.await.expect("a call").expect_err("too late");
    assert_eq!(error.reason(), Reason::JobNotStoppable);
    assert!(error.to_string().contains("SUCCEEDED"), "{error}");
    assert_eq!(test.status(&job).await, S::Succeeded);
}

#[tokio::test]
async fn a_job_that_is_stopped_as_it_would_succeed_ends_stopped_with_all_its_rows() {
    let test = TestMuster::new();
    let job = done_but_not_ended(&test).await;
    let mut gate = Gate::shut(&test, NO_UPDATES).await;
    let stop = stop(&test, &job);
    gate.waiting(1).await;
    let scheduler = test.scheduler();
    assert_eq!(scheduler.finish_tick().await.expect("a finish"), 0);
    gate.open().await;

    let stopping = stop.await.expect("a call").expect("a stop");
    assert_eq!(stopping.job.status, S::Stopping);
    assert_eq!(scheduler.finish_tick().await.expect("a finish"), 1);
    let ended = test.describe(&job).await;
    assert_eq!(ended.status, S::Stopped);
    assert_eq!(ended.counters, counted(2, 0, 0));
    assert_eq!(test.users(&job.pool).await.len(), 2);
}

/// A job whose rows are all accounted for, and that nobody has ended yet.
async fn done_but_not_ended(test: &TestMuster) -> TestJob {
    let job = test
        .started(&test.pool().await, users_csv(["ann", "bob"]))
        .await;
    let dispatched = test.scheduler().dispatch_tick().await;
    assert_eq!(dispatched.expect("a dispatch"), 1);
    let claim = claim(&test.db).await.expect("the job");
    let outcome = test.importer().run(&claim, &CancellationToken::new()).await;
    assert_eq!(outcome.expect("an import"), Outcome::Done);
    release(&test.db, &claim).await.expect("a release");
    job
}

#[tokio::test]
async fn a_pool_is_not_deleted_under_a_start_that_came_first() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let job = test.uploaded(&pool, users_csv(["ann"])).await;
    let mut gate = Gate::shut(&test, NO_UPDATES).await;
    let start = start(&test, &job);
    gate.waiting(1).await;
    let deletion = delete_pool(&test, &pool);
    gate.waiting(2).await;
    gate.open().await;

    start.await.expect("a call").expect("a start");
    let error = deletion.await.expect("a call").expect_err("a busy pool");
    assert_eq!(error.reason(), Reason::UserImportInProgress);
    assert_eq!(test.status(&job).await, S::Pending);
}

#[tokio::test]
async fn a_job_is_not_started_in_a_pool_whose_deletion_came_first() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let job = test.uploaded(&pool, users_csv(["ann"])).await;
    let mut gate = Gate::shut(&test, "SELECT 1 FROM user_pools FOR UPDATE").await;
    let deletion = delete_pool(&test, &pool);
    gate.waiting(1).await;
    let start = start(&test, &job);
    gate.waiting(2).await;
    gate.open().await;

    deletion.await.expect("a call").expect("a deletion");
    let error = start.await.expect("a call").expect_err("no pool");
    assert_eq!(error.reason(), Reason::UserPoolNotFound);
}
