//! A store that is away, busy or slow for a while costs time, and no job.

use muster::domain::error::{ErrorKind, Reason};
use muster::domain::job::JobStatus as S;

use super::Site;
use crate::support::imports::{counted, users_csv, work};
use crate::support::s3::Mood;

#[tokio::test]
async fn a_store_that_is_away_keeps_a_start_waiting_and_a_caller_may_try_again() {
    let site = Site::new();
    let pool = site.test.pool().await;
    let job = site.uploaded(&pool, users_csv(["ann"])).await;
    for mood in [Mood::Busy, Mood::Away] {
        site.s3.be(mood);
        let before = site.s3.seen("HEAD ").len();
        let error = site.test.start(&job).await.expect_err("away");
        assert_eq!(error.reason(), Reason::ObjectStoreUnavailable, "{mood:?}");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let tries = site.s3.seen("HEAD ").len() - before;
        assert!(tries > 1, "{mood:?}: {tries} tries");
        // What needs no store goes on.
        assert_eq!(site.view(&job).await.job.status, S::Created);
        assert!(site.view(&job).await.pre_signed_url.is_some());
    }
    site.s3.be(Mood::Well);
    site.test.start(&job).await.expect("a start");
}

#[tokio::test]
async fn a_job_outlasts_a_store_that_is_away_longer_than_any_worker_may_be_lost() {
    let site = Site::new();
    let pool = site.test.pool().await;
    let job = site.started(&pool, users_csv(["ann", "bob"])).await;
    let scheduler = site.test.scheduler_with(|s| s.max_fruitless = 2);
    scheduler.dispatch_tick().await.expect("a dispatch");
    for mood in [Mood::Busy, Mood::Away, Mood::Busy, Mood::Away] {
        site.s3.be(mood);
        let begun = scheduler.import_tick().await.expect("a claim");
        assert_eq!(begun.len(), 1, "{mood:?}");
        for import in begun {
            import.await.expect("an import");
        }
        scheduler.rescue_tick().await.expect("a rescue");
        assert_eq!(site.view(&job).await.job.status, S::InProgress, "{mood:?}");
        // The lease is the pause before the next try.
        site.test
            .sql("UPDATE import_lanes SET lease_expires_at = now() - interval '1 second'")
            .await
            .expect("its end");
    }
    site.s3.be(Mood::Well);
    work(&scheduler).await;
    let ended = site.view(&job).await.job;
    assert_eq!(
        (ended.status, ended.counters),
        (S::Succeeded, counted(2, 0, 0))
    );
}

#[tokio::test]
async fn a_store_that_stumbles_for_a_moment_is_not_noticed() {
    let site = Site::new();
    let pool = site.test.pool().await;
    let mut options = site.s3.options();
    options.patience = std::time::Duration::from_secs(30);
    let patient = site.s3.objects_with(&options);
    let job = site.started(&pool, users_csv(["ann"])).await;
    let upload = site.view(&job).await.job.upload.expect("an upload");
    site.s3.be(Mood::Busy);
    let head = tokio::spawn(async move { patient.head_of(&upload).await });
    let refused = async {
        // One for the start, which was well; then those that are refused.
        while site.s3.seen("HEAD ").len() < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), refused)
        .await
        .expect("tries");
    site.s3.be(Mood::Well);
    let head = head.await.expect("an answer").expect("the store");
    assert!(head.is_some());
}
