//! A job that nobody starts in time (`docs/contract.md`, "Life of a job").

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use muster::domain::clock::Clock as _;
use muster::domain::error::{ErrorKind, Reason};
use muster::domain::job::{JobStatus as S, Upload};
use muster::operations::Page;

use crate::support::imports::{TestJob, upload_request, users_csv, work};
use crate::support::muster::{ManualClock, TestMuster, admin};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

async fn uploaded(test: &TestMuster) -> TestJob {
    test.uploaded(&test.pool().await, users_csv(["ann"])).await
}

async fn sweep(test: &TestMuster) -> u64 {
    test.scheduler().expire_tick().await.expect("a sweep")
}

#[tokio::test]
async fn a_second_before_24_hours_a_job_can_be_started_and_then_never_expires() {
    let test = TestMuster::new();
    let job = uploaded(&test).await;
    assert_eq!(
        test.describe(&job).await.expires_at,
        ManualClock::START + DAY
    );
    test.clock.advance(DAY - SECOND);
    assert_eq!(sweep(&test).await, 0);
    test.start(&job).await.expect("a start");
    test.clock.advance(SECOND);
    assert_eq!(sweep(&test).await, 0);
    work(&test.scheduler()).await;
    assert_eq!(test.status(&job).await, S::Succeeded);
}

#[tokio::test]
async fn at_24_hours_a_job_cannot_be_started_though_no_sweep_has_come() {
    let test = TestMuster::new();
    let job = uploaded(&test).await;
    test.clock.advance(DAY);
    let error = test.start(&job).await.expect_err("too late");
    assert_eq!(error.kind(), ErrorKind::FailedPrecondition);
    assert_eq!(error.reason(), Reason::JobExpired);
    assert_eq!(error.to_string(), "The user import job has expired.");
    assert_eq!(test.status(&job).await, S::Created);
    let view = test.muster.describe_job(&admin(), &job.pool, &job.id).await;
    assert_eq!(view.expect("the job").pre_signed_url, None);
}

#[tokio::test]
async fn the_sweep_at_24_hours_leaves_the_job_listed_as_expired() {
    let test = TestMuster::new();
    let job = uploaded(&test).await;
    test.clock.advance(DAY);
    assert_eq!(sweep(&test).await, 1);

    let error = test.start(&job).await.expect_err("too late");
    assert_eq!(error.reason(), Reason::JobNotStartable);
    assert!(error.to_string().contains("EXPIRED"), "{error}");
    let (jobs, _) = test
        .muster
        .list_jobs(&admin(), &job.pool, &Page::default())
        .await
        .expect("a listing");
    let [view] = &jobs[..] else {
        panic!("{} jobs", jobs.len());
    };
    assert_eq!(view.pre_signed_url, None);
    let expired = &view.job;
    assert_eq!(expired.job_id, job.job_id());
    assert_eq!(expired.status, S::Expired);
    assert_eq!(
        expired.completion_message.as_deref(),
        Some("The user import job has expired.")
    );
    assert_eq!(expired.completion_date, Some(test.clock.now()));
    assert_eq!(expired.start_date, None);
}

#[tokio::test]
async fn a_scheduler_that_was_down_for_days_expires_what_is_due_and_nothing_else() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let mut old = Vec::new();
    for _ in 0..3 {
        old.push(test.uploaded(&pool, users_csv(["ann"])).await);
        test.clock.advance(HOUR);
    }
    test.clock.advance(5 * DAY);
    let young = test.uploaded(&pool, users_csv(["ann"])).await;
    for job in &old {
        let error = test.start(job).await.expect_err("too late");
        assert_eq!(error.reason(), Reason::JobExpired);
    }
    test.settled().await;
    assert_eq!(sweep(&test).await, 3);
    for job in &old {
        let job = test.describe(job).await;
        assert_eq!(job.status, S::Expired);
        assert_eq!(job.completion_date, Some(test.clock.now()));
    }
    assert_eq!(test.status(&young).await, S::Created);
}

#[tokio::test]
async fn expiring_deletes_the_upload_and_says_why_there_is_no_report() {
    let test = TestMuster::new();
    let job = uploaded(&test).await;
    assert_eq!(test.files(), 1);
    let bytes = test.describe(&job).await.total_bytes;
    test.clock.advance(DAY);
    assert_eq!(sweep(&test).await, 1);

    assert_eq!(test.files(), 0);
    let expired = test.describe(&job).await;
    assert_eq!(expired.upload, None::<Upload>);
    assert_eq!(expired.total_bytes, bytes);
    let error = test.muster.rejected_csv(&admin(), &job.id).await.err();
    assert_eq!(error.map(|e| e.reason()), Some(Reason::UploadNotFound));
    assert_eq!(test.scheduler().purge_tick().await.expect("a purge"), 0);
}

#[tokio::test]
async fn expiring_deletes_the_parts_of_an_upload_that_never_ended() {
    let test = TestMuster::new();
    let job = test.create(&test.pool().await).await;
    let name = muster::objects::upload_name(
        &job.key().user_pool_id,
        job.job_id(),
        "8d4b5a6e-58a7-4f0e-a0a1-2c0d7a0b9c12"
            .parse()
            .expect("an id"),
    );
    // As a server leaves it that dies on the way: neither finished nor aborted.
    let mut writer = test.objects.writer(&name).await.expect("a writer");
    for _ in 0..2 {
        let part = vec![b'a'; 9 << 20].into();
        writer.write(part).await.expect("a part");
    }
    std::mem::forget(writer);
    assert_eq!(test.files(), 1);
    test.clock.advance(DAY);
    assert_eq!(sweep(&test).await, 1);
    assert_eq!(test.files(), 0);
}

#[tokio::test]
async fn the_url_ends_with_the_job_at_the_latest() {
    let test = TestMuster::new();
    let job = test.create(&test.pool().await).await;
    let fresh = async || {
        let view = test.muster.describe_job(&admin(), &job.pool, &job.id).await;
        let url = view.expect("the job").pre_signed_url;
        TestJob {
            url: url.expect("a URL"),
            ..job.clone()
        }
    };
    test.clock.advance(DAY - 15 * SECOND);
    let late = fresh().await;
    let expires = test.describe(&job).await.expires_at.unix_timestamp();
    assert_eq!(upload_request(&late.url).expires, expires);
    test.clock.advance(15 * SECOND);
    for swept in [false, true] {
        if swept {
            assert_eq!(sweep(&test).await, 1);
        }
        let error = test.upload(&late, users_csv(["ann"])).await.err();
        let error = error.expect("a URL that is void");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    }
    assert_eq!(test.files(), 0);
}

#[tokio::test]
async fn an_upload_that_ends_after_the_job_expired_is_not_kept() {
    for swept in [false, true] {
        let test = TestMuster::new();
        let job = test.create(&test.pool().await).await;
        let view = {
            test.clock.advance(DAY - SECOND);
            let view = test.muster.describe_job(&admin(), &job.pool, &job.id).await;
            view.expect("the job")
        };
        let url = view.pre_signed_url.expect("a URL");
        let (clock, scheduler) = (test.clock.clone(), test.scheduler());
        let last = stream::once(async move {
            clock.advance(SECOND);
            if swept {
                assert_eq!(scheduler.expire_tick().await.expect("a sweep"), 1);
            }
            Ok(users_csv(["ann"]).into())
        });
        let answer = test
            .muster
            .receive_upload(upload_request(&url), last.boxed())
            .await;
        let error = answer.expect_err("too late");
        assert_eq!(error.reason(), Reason::UploadClosed, "swept: {swept}");
        assert_eq!(test.files(), 0, "swept: {swept}");
        assert_eq!(test.describe(&job).await.upload, None);
    }
}

#[tokio::test]
async fn expire_after_can_be_set() {
    for after in [Duration::from_secs(60), 48 * HOUR] {
        let test = TestMuster::with(|s| s.expire_after = after);
        let job = uploaded(&test).await;
        let other = uploaded(&test).await;
        test.clock.advance(after - SECOND);
        assert_eq!(sweep(&test).await, 0);
        test.start(&job).await.expect("a start");
        test.clock.advance(SECOND);
        test.start(&other).await.expect_err("too late");
        test.settled().await;
        assert_eq!(sweep(&test).await, 1);
        assert_eq!(test.status(&other).await, S::Expired);
    }
}

#[tokio::test]
async fn two_schedulers_that_sweep_at_once_expire_each_job_once() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    for _ in 0..6 {
        test.create(&pool).await;
    }
    test.clock.advance(DAY);
    let (one, other) = (test.scheduler(), test.scheduler());
    let (one, other) = tokio::join!(one.expire_tick(), other.expire_tick());
    assert_eq!(one.expect("a sweep") + other.expect("a sweep"), 6);
}
