//! What each duty of the scheduler does to a job in each status, and what it
//! leaves alone.

use muster::domain::job::{
    EXPIRED_MESSAGE, FailureReason, JobStatus as S, STOPPED_MESSAGE, SUCCEEDED_MESSAGE,
    TOO_MANY_REJECTED_MESSAGE,
};

use super::statuses::{DAY, Statuses};
use crate::support::muster::TestMuster;

#[tokio::test]
async fn dispatch_moves_pending_jobs_only() {
    let test = TestMuster::new();
    let jobs = Statuses::build(&test).await;
    assert_eq!(test.scheduler().dispatch_tick().await.expect("a tick"), 1);
    jobs.are(&test, &[(S::Pending, S::InProgress)]).await;
}

#[tokio::test]
async fn import_takes_up_jobs_in_progress_only() {
    let test = TestMuster::new();
    let jobs = Statuses::build(&test).await;
    let scheduler = test.scheduler();
    let begun = scheduler.import_tick().await.expect("a tick");
    assert_eq!(begun.len(), 1);
    for import in begun {
        import.await.expect("an import");
    }
    // At its end an import finishes its own job.
    jobs.are(&test, &[(S::InProgress, S::Succeeded)]).await;
}

#[tokio::test]
async fn finish_ends_stopping_jobs_and_none_that_is_not_done() {
    let test = TestMuster::new();
    let jobs = Statuses::build(&test).await;
    assert_eq!(test.scheduler().finish_tick().await.expect("a tick"), 1);
    jobs.are(&test, &[(S::Stopping, S::Stopped)]).await;
}

#[tokio::test]
async fn expiry_moves_created_jobs_only() {
    let test = TestMuster::new();
    let jobs = Statuses::build(&test).await;
    test.clock.advance(DAY);
    assert_eq!(test.scheduler().expire_tick().await.expect("a tick"), 1);
    jobs.are(&test, &[(S::Created, S::Expired)]).await;
}

#[tokio::test]
async fn rescue_gives_up_jobs_in_progress_only() {
    let test = TestMuster::new();
    let jobs = Statuses::build(&test).await;
    let scheduler = test.scheduler();
    assert_eq!(scheduler.rescue_tick().await.expect("a tick"), 0);
    jobs.are(&test, &[]).await;

    test.sql("UPDATE import_lanes SET fruitless_claims = 3")
        .await
        .expect("lost workers");
    assert_eq!(scheduler.rescue_tick().await.expect("a tick"), 1);
    jobs.are(&test, &[(S::InProgress, S::Failed)]).await;
}

#[tokio::test]
async fn purge_moves_no_job() {
    let test = TestMuster::new();
    let jobs = Statuses::build(&test).await;
    test.clock.advance(30 * DAY);
    test.scheduler().purge_tick().await.expect("a tick");
    jobs.are(&test, &[]).await;
}

#[tokio::test]
async fn duties_that_run_twice_do_nothing_the_second_time() {
    let test = TestMuster::new();
    let jobs = Statuses::build(&test).await;
    let scheduler = test.scheduler();
    test.clock.advance(DAY);
    for again in [false, true] {
        let dispatched = scheduler.dispatch_tick().await.expect("a dispatch");
        let finished = scheduler.finish_tick().await.expect("a finish");
        let expired = scheduler.expire_tick().await.expect("a sweep");
        let each = u64::from(!again);
        assert_eq!([dispatched, finished, expired], [each; 3], "again: {again}");
    }
    let moved = [
        (S::Pending, S::InProgress),
        (S::Stopping, S::Stopped),
        (S::Created, S::Expired),
    ];
    jobs.are(&test, &moved).await;
}

#[tokio::test]
async fn only_jobs_that_have_ended_bear_message_and_date_and_only_failed_ones_a_reason() {
    let test = TestMuster::new();
    for (status, job) in Statuses::build(&test).await.iter() {
        let job = test.describe(job).await;
        let message = match status {
            S::Stopped => Some(STOPPED_MESSAGE),
            S::Succeeded => Some(SUCCEEDED_MESSAGE),
            S::Failed => Some(TOO_MANY_REJECTED_MESSAGE),
            S::Expired => Some(EXPIRED_MESSAGE),
            S::Created | S::Pending | S::InProgress | S::Stopping => None,
        };
        assert_eq!(job.completion_message.as_deref(), message, "{status:?}");
        assert_eq!(job.completion_date.is_some(), message.is_some());
        let reason = (status == S::Failed).then_some(FailureReason::TooManyRejectedRows);
        assert_eq!(job.failure_reason, reason, "{status:?}");
        let started = !matches!(status, S::Created | S::Expired);
        assert_eq!(job.start_date.is_some(), started, "{status:?}");
    }
}
