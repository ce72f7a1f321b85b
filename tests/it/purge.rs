//! What is deleted for good, and when.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use muster::domain::error::{Error, Reason};
use muster::domain::job::JobStatus as S;

use crate::support::gate::Gate;
use crate::support::imports::{RETAIN, TestJob, users_csv, work};
use crate::support::muster::{TestMuster, admin};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// One row that is imported, one that is skipped.
const FILE: [&str; 2] = ["ann", "ANN"];

async fn purge(test: &TestMuster) -> u64 {
    test.scheduler().purge_tick().await.expect("a purge")
}

async fn ended(test: &TestMuster, pool: &str) -> TestJob {
    let job = test.started(pool, users_csv(FILE)).await;
    work(&test.scheduler()).await;
    assert!(test.status(&job).await.is_terminal());
    job
}

async fn rejected_csv(test: &TestMuster, job: &TestJob) -> Result<String, Error> {
    let report = test.muster.rejected_csv(&admin(), &job.id).await?;
    let pieces: Vec<bytes::Bytes> = report.body.try_collect().await?;
    Ok(String::from_utf8(pieces.concat()).expect("text"))
}

#[tokio::test]
async fn an_upload_is_kept_for_its_time_and_then_only_the_report_stays() {
    let test = TestMuster::new();
    let job = ended(&test, &test.pool().await).await;
    let before = test.describe(&job).await;
    test.clock.advance(RETAIN - SECOND);
    assert_eq!(purge(&test).await, 0);
    assert_eq!(test.files(), 1);
    let report = rejected_csv(&test, &job).await.expect("a report");
    assert!(report.contains("ANN,ANN@example.com,true,3,DUPLICATE_IN_FILE,"));

    test.clock.advance(SECOND);
    assert_eq!(purge(&test).await, 1);
    assert_eq!(test.files(), 0);
    let folder = format!("uploads/{}/{}", job.pool, job.id);
    assert!(!test.path(&folder).exists(), "{folder} is still there");
    let error = rejected_csv(&test, &job).await.expect_err("no file");
    assert_eq!(error.reason(), Reason::UploadNotFound);
    assert!(
        error.to_string().contains("deleted after its time"),
        "{error}"
    );
    let after = test.describe(&job).await;
    assert_eq!(after.upload, None);
    assert_eq!(after.total_bytes, before.total_bytes);
    assert_eq!(after.counters, before.counters);
    assert_eq!(test.rejections(&after).await.len(), 1);
    assert_eq!(test.usernames(&job.pool).await, ["ann"]);

    assert_eq!(purge(&test).await, 0, "the second time");
}

#[tokio::test]
async fn a_job_without_an_upload_has_no_report_and_says_why() {
    let test = TestMuster::new();
    let job = test.create(&test.pool().await).await;
    let error = rejected_csv(&test, &job).await.expect_err("no file");
    assert_eq!(error.reason(), Reason::UploadNotFound);
    assert!(error.to_string().contains("yet"), "{error}");
}

#[tokio::test]
async fn uploads_of_jobs_that_have_not_ended_are_kept_however_old() {
    let test = TestMuster::with(|s| s.expire_after = 100 * DAY);
    let pool = test.pool().await;
    test.uploaded(&pool, users_csv(FILE)).await;
    test.started(&pool, users_csv(FILE)).await;
    test.clock.advance(50 * DAY);
    assert_eq!(purge(&test).await, 0);
    assert_eq!(test.files(), 2);
}

#[tokio::test]
async fn with_no_time_to_keep_it_an_upload_goes_at_the_end_of_its_job() {
    let test = TestMuster::new();
    let scheduler = test.scheduler_with(|s| s.retain_upload = Duration::ZERO);
    let pool = test.pool().await;
    let succeeded = test.started(&pool, users_csv(FILE)).await;
    work(&scheduler).await;
    assert_eq!(test.files(), 0, "{:?}", test.status(&succeeded).await);

    let stopped = test.started(&pool, users_csv(FILE)).await;
    test.stop(&stopped).await.expect("a stop");
    scheduler.finish_tick().await.expect("a finish");
    assert_eq!(test.files(), 0, "{:?}", test.status(&stopped).await);

    let failed = test.started(&pool, users_csv(FILE)).await;
    test.sql("UPDATE user_pools SET required_attributes = '{name}'")
        .await
        .expect("a stricter pool");
    work(&scheduler).await;
    assert_eq!(test.status(&failed).await, S::Failed);
    assert_eq!(test.files(), 0, "of a file that cannot be imported");

    test.sql("UPDATE user_pools SET required_attributes = '{}'")
        .await
        .expect("the pool as it was");
    let lost = test.started(&pool, users_csv(FILE)).await;
    scheduler.dispatch_tick().await.expect("a dispatch");
    test.sql("UPDATE import_lanes SET fruitless_claims = 3")
        .await
        .expect("lost workers");
    assert_eq!(scheduler.rescue_tick().await.expect("a rescue"), 1);
    assert_eq!(test.status(&lost).await, S::Failed);
    assert_eq!(test.files(), 0, "of a job that was given up");
}

#[tokio::test]
async fn a_deleted_job_takes_its_file_reports_and_row_along_but_not_its_users() {
    let test = TestMuster::with(|s| s.max_jobs_per_pool = 2);
    let pool = test.pool().await;
    let (gone, kept) = (ended(&test, &pool).await, ended(&test, &pool).await);
    let deleted = test.muster.delete_job(&admin(), &pool, &gone.id).await;
    deleted.expect("a deletion");
    // Room for another at once; the rest goes with the purge.
    let new = test.create(&pool).await;
    assert_eq!(purge(&test).await, 1);
    assert_eq!(test.files(), 1);
    assert_eq!(test.rows("user_import_jobs").await, 2);
    let left = test.rejections(&test.describe(&kept).await).await.len() as i64;
    assert_eq!(test.rows("rejected_rows").await, left);
    assert_eq!(test.usernames(&pool).await, ["ann"]);
    assert_eq!(purge(&test).await, 0, "the second time");
    assert_eq!(test.status(&new).await, S::Created);
}

#[tokio::test]
async fn a_deleted_pool_takes_jobs_files_reports_users_and_request_ids_along() {
    let test = TestMuster::new();
    let (gone, kept) = (test.pool().await, test.pool().await);
    for pool in [&gone, &kept] {
        ended(&test, pool).await;
        let request_id = Some("0b6b0e2c-7f4e-4f6a-9a57-7b8f2f3c1d10".to_owned());
        test.create_with(pool, |j| j.request_id = request_id)
            .await
            .expect("a job");
    }
    const TABLES: [&str; 5] = [
        "user_pools",
        "user_import_jobs",
        "rejected_rows",
        "users",
        "request_ids",
    ];
    let mut before = Vec::new();
    for table in TABLES {
        before.push(test.rows(table).await);
    }
    let deleted = test.muster.delete_pool(&admin(), &gone).await;
    deleted.expect("a deletion");
    purge(&test).await;
    for (table, before) in TABLES.into_iter().zip(before) {
        assert_eq!(test.rows(table).await * 2, before, "{table}");
        let foreign = format!("{table} WHERE user_pool_id <> '{kept}'");
        assert_eq!(test.rows(&foreign).await, 0, "{table}");
    }
    assert_eq!(test.files(), 1);
    assert_eq!(purge(&test).await, 0, "the second time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_schedulers_that_purge_at_once_leave_nothing_behind_and_do_not_fail() {
    let test = TestMuster::with(|s| s.max_jobs_per_pool = 30);
    for _ in 0..3 {
        let pool = test.pool().await;
        for n in 0..6 {
            let job = test.uploaded(&pool, users_csv([format!("user-{n}")])).await;
            if n < 3 {
                test.start(&job).await.expect("a start");
            }
        }
    }
    work(&test.scheduler()).await;
    test.clock.advance(RETAIN);
    test.scheduler().expire_tick().await.expect("a sweep");
    let pools: Vec<String> = sqlx::query_scalar("SELECT user_pool_id FROM user_pools")
        .fetch_all(&mut test.connection().await)
        .await
        .expect("the pools");
    for pool in &pools {
        let deleted = test.muster.delete_pool(&admin(), pool).await;
        deleted.expect("a deletion");
    }
    let schedulers = [test.scheduler(), test.scheduler(), test.scheduler()];
    let ticks = schedulers.map(|s| tokio::spawn(async move { s.purge_tick().await }));
    for tick in ticks {
        tick.await.expect("a task").expect("a purge");
    }
    for table in ["user_pools", "user_import_jobs", "users", "rejected_rows"] {
        assert_eq!(test.rows(table).await, 0, "{table}");
    }
    assert_eq!(test.files(), 0);
}

#[tokio::test]
async fn a_purge_that_was_cut_off_after_the_object_goes_on_with_the_rest() {
    let test = TestMuster::new();
    let job = ended(&test, &test.pool().await).await;
    test.clock.advance(RETAIN);
    let key = job.key();
    let deleted = test.objects.delete_job(&key.user_pool_id, key.job_id).await;
    deleted.expect("half a purge");
    assert_eq!(purge(&test).await, 1);
    assert_eq!(test.describe(&job).await.upload, None);
}

/// Runs a purge that finds another one half-way through: it has deleted the
/// rows of one bite, and then it dies.
async fn purge_beside(test: &TestMuster, bite: &str) {
    let mut other = Gate::shut(test, bite).await;
    let scheduler = test.scheduler();
    let tick = tokio::spawn(async move { scheduler.purge_tick().await });
    other.waiting(1).await;
    other.open().await;
    assert_eq!(tick.await.expect("a task").expect("a purge"), 1);
}

/// More than a purge deletes at once.
const MORE_THAN_A_BITE: i64 = 10_003;

#[tokio::test]
async fn a_purge_that_finds_another_at_a_jobs_reports_leaves_none_behind() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let job = ended(&test, &pool).await;
    test.sql(&format!(
        "INSERT INTO rejected_lines (user_pool_id, job_id, first_line, code, offsets)
         SELECT user_pool_id, job_id, 3 + n, code, '{{0}}'
         FROM rejected_lines, generate_series(1, {MORE_THAN_A_BITE}) AS n"
    ))
    .await
    .expect("many reports");
    let deleted = test.muster.delete_job(&admin(), &pool, &job.id).await;
    deleted.expect("a deletion");
    purge_beside(&test, "DELETE FROM rejected_lines WHERE first_line < 10003").await;
    assert_eq!(test.rows("rejected_rows").await, 0);
    assert_eq!(test.rows("user_import_jobs").await, 0);
}

#[tokio::test]
async fn a_purge_that_finds_another_at_a_pools_users_leaves_none_behind() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    test.sql(&format!(
        "INSERT INTO users (user_pool_id, username_key, username, sub,
             user_create_date, import_job_id, import_line)
         SELECT '{pool}', lpad(n::text, 5, '0'), 'made up', gen_random_uuid(),
             now(), gen_random_uuid(), n
         FROM generate_series(1, {MORE_THAN_A_BITE}) AS n"
    ))
    .await
    .expect("many users");
    let deleted = test.muster.delete_pool(&admin(), &pool).await;
    deleted.expect("a deletion");
    purge_beside(&test, "DELETE FROM users WHERE import_line <= 10000").await;
    assert_eq!(test.rows("users").await, 0);
    assert_eq!(test.rows("user_pools").await, 0);
}

#[tokio::test]
async fn request_ids_go_after_24_hours() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let request_id = Some("0b6b0e2c-7f4e-4f6a-9a57-7b8f2f3c1d10".to_owned());
    test.create_with(&pool, |j| j.request_id = request_id)
        .await
        .expect("a job");
    for (advance, left) in [(DAY, 1), (SECOND, 0)] {
        test.clock.advance(advance);
        purge(&test).await;
        assert_eq!(test.rows("request_ids").await, left);
    }
}
