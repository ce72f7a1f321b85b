//! What callers put into the store is deleted with its job, also when it came
//! after that.

use std::time::Duration;

use muster::domain::error::ErrorKind;
use muster::domain::job::JobStatus as S;

use super::Site;
use crate::support::imports::{RETAIN, users_csv, work};
use crate::support::muster::admin;
use crate::support::s3::Mood;

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn purge(site: &Site) -> u64 {
    let purged = site.test.scheduler().purge_tick().await;
    purged.expect("a purge")
}

#[tokio::test]
async fn an_upload_is_kept_for_its_time_and_then_deleted() {
    let site = Site::new();
    let pool = site.test.pool().await;
    let job = site.started(&pool, users_csv(["ann"])).await;
    work(&site.test.scheduler()).await;
    site.test.clock.advance(RETAIN - Duration::from_secs(1));
    assert_eq!((purge(&site).await, site.s3.files()), (0, 1));
    site.test.clock.advance(Duration::from_secs(1));
    assert_eq!((purge(&site).await, site.s3.files()), (1, 0));
    assert_eq!(site.view(&job).await.job.upload, None);
    // Its URL is dead for days: nothing to come back for.
    assert_eq!(site.test.rows("uploads_to_sweep").await, 0);
}

#[tokio::test]
async fn a_file_of_an_expired_job_is_deleted_and_so_is_one_that_comes_later() {
    let site = Site::new();
    let pool = site.test.pool().await;
    let job = site.uploaded(&pool, users_csv(["ann"])).await;
    let late = site.test.create(&pool).await;
    site.test.clock.advance(DAY);
    let scheduler = site.test.scheduler();
    assert_eq!(scheduler.expire_tick().await.expect("an expiry"), 2);
    assert_eq!(site.test.status(&job).await, S::Expired);
    assert_eq!(site.s3.files(), 0);
    // An upload that began in time, over a slow line.
    assert_eq!(super::put(&late.url, &super::kms(), "x").await, 200);
    assert_eq!((purge(&site).await, site.s3.files()), (0, 1));
    site.test.clock.advance(DAY);
    assert_eq!((purge(&site).await, site.s3.files()), (2, 0));
    assert_eq!(site.test.rows("uploads_to_sweep").await, 0);
    assert_eq!(purge(&site).await, 0, "the second time");
}

#[tokio::test]
async fn a_deleted_job_and_a_deleted_pool_take_late_files_along() {
    let site = Site::new();
    let (pool, gone) = (site.test.pool().await, site.test.pool().await);
    let one = site.uploaded(&pool, users_csv(["ann"])).await;
    let two = site.uploaded(&gone, users_csv(["ann"])).await;
    let deleted = site.test.muster.delete_job(&admin(), &pool, &one.id).await;
    deleted.expect("a deletion");
    let deleted = site.test.muster.delete_pool(&admin(), &gone).await;
    deleted.expect("a deletion");
    // The job, and the pool.
    assert_eq!((purge(&site).await, site.s3.files()), (2, 0));
    assert_eq!(site.test.rows("user_import_jobs").await, 0);
    assert_eq!(site.test.rows("user_pools").await, 1);

    // The URLs are good for some minutes more.
    for job in [&one, &two] {
        assert_eq!(super::put(&job.url, &super::kms(), "x").await, 200);
    }
    assert_eq!((purge(&site).await, site.s3.files()), (0, 2));
    site.test.clock.advance(2 * DAY);
    assert_eq!((purge(&site).await, site.s3.files()), (2, 0));
}

#[tokio::test]
async fn with_no_time_to_keep_it_an_upload_goes_at_the_end_and_is_swept_up_later() {
    let site = Site::new();
    let pool = site.test.pool().await;
    let job = site.started(&pool, users_csv(["ann"])).await;
    let scheduler = site
        .test
        .scheduler_with(|s| s.retain_upload = Duration::ZERO);
    work(&scheduler).await;
    assert_eq!(site.s3.files(), 0);
    assert_eq!(site.put(&job, "late").await, 200);
    site.test.clock.advance(2 * DAY);
    assert_eq!((purge(&site).await, site.s3.files()), (1, 0));
}

#[tokio::test]
async fn a_purge_that_does_not_reach_the_store_comes_back() {
    let site = Site::new();
    let pool = site.test.pool().await;
    let job = site.uploaded(&pool, users_csv(["ann"])).await;
    let deleted = site.test.muster.delete_job(&admin(), &pool, &job.id).await;
    deleted.expect("a deletion");
    site.s3.be(Mood::Away);
    let error = site.test.scheduler().purge_tick().await;
    assert_eq!(error.expect_err("away").kind(), ErrorKind::Unavailable);
    assert_eq!(site.test.rows("user_import_jobs").await, 1);
    site.s3.be(Mood::Well);
    assert_eq!((purge(&site).await, site.s3.files()), (1, 0));
    assert_eq!(site.test.rows("user_import_jobs").await, 0);
}
