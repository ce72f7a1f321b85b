//! Whole jobs over a store that takes uploads itself: read in ranges, of the
//! content that was pinned and of no other.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use muster::domain::error::Reason;
use muster::domain::job::{FailureReason as F, JobStatus as S, UserImportJob};
use tokio_util::sync::CancellationToken;

use super::Site;
use crate::support::imports::{TestJob, claim, counted, users_csv, work};
use crate::support::muster::admin;

/// So many users, with so much said of each that a few make a large file.
fn wide_csv(name: &str, users: usize) -> String {
    let text = "x".repeat(2_000);
    let columns = [
        "address",
        "family_name",
        "given_name",
        "locale",
        "nickname",
        "profile",
    ];
    let mut csv = format!(
        "cognito:username,email,email_verified,{}\n",
        columns.join(",")
    );
    for n in 0..users {
        let user = format!("{name}-{n:05}");
        csv.push_str(&format!("{user},{user}@example.com,true"));
        for _ in columns {
            csv.push(',');
            csv.push_str(&text);
        }
        csv.push('\n');
    }
    csv
}

async fn rejected_csv(site: &Site, job: &TestJob) -> Result<String, muster::domain::error::Error> {
    let report = site.test.muster.rejected_csv(&admin(), &job.id).await?;
    let pieces: Vec<bytes::Bytes> = report.body.try_collect().await?;
    Ok(String::from_utf8(pieces.concat()).expect("text"))
}

fn assert_changed(job: &UserImportJob) {
    assert_eq!(job.status, S::Failed);
    assert_eq!(job.failure_reason, Some(F::UploadChanged));
    let message = job.completion_message.as_deref().expect("a message");
    assert!(message.contains("was changed after the start"), "{message}");
}

#[tokio::test]
async fn a_file_goes_from_the_store_into_the_pool_and_its_rejected_rows_come_back() {
    let site = Site::new();
    let pool = site.test.pool().await;
    let job = site
        .started(&pool, users_csv(["ann", "ANN", "bob", "b b"]))
        .await;
    work(&site.test.scheduler()).await;
    let ended = site.view(&job).await.job;
    assert_eq!(ended.status, S::Succeeded);
    assert_eq!(ended.counters, counted(2, 1, 1));
    assert_eq!(ended.total_rows, Some(4), "known at the end");
    assert_eq!(ended.processed_bytes, ended.total_bytes.expect("a size"));
    assert_eq!(site.test.usernames(&pool).await, ["ann", "bob"]);
    let report = rejected_csv(&site, &job).await.expect("a report");
    assert!(report.contains("ANN,ANN@example.com,true,3,DUPLICATE_IN_FILE,"));
    assert!(report.contains("b b,b b@example.com,true,5,INVALID_USERNAME,"));
}

#[tokio::test]
async fn a_large_file_is_read_in_pieces_each_of_the_pinned_content() {
    let site = Site::with(|s| s.max_upload_bytes = 1 << 30);
    let pool = site.test.pool().await;
    let csv = wide_csv("user", 800);
    let size = csv.len();
    assert!(size > 9 << 20);
    let job = site.started(&pool, csv).await;
    let before = site.s3.seen("GET ").len();
    work(&site.test.scheduler()).await;
    let ended = site.view(&job).await.job;
    assert_eq!(
        (ended.status, ended.counters),
        (S::Succeeded, counted(800, 0, 0))
    );
    let gets = site.s3.seen("GET ").len() - before;
    assert_eq!(gets, size.div_ceil(4 << 20), "a request each 4 MiB");
}

#[tokio::test]
async fn a_file_that_was_replaced_between_start_and_import_is_not_imported() {
    let site = Site::new();
    let pool = site.test.pool().await;
    // Longer, and just as long.
    for other in [&["eve", "mallory"][..], &["eve"]] {
        let job = site.started(&pool, users_csv(["ann"])).await;
        assert_eq!(site.put(&job, users_csv(other)).await, 200);
        work(&site.test.scheduler()).await;
        assert_changed(&site.view(&job).await.job);
        let error = rejected_csv(&site, &job).await.expect_err("another file");
        assert_eq!(error.reason(), Reason::UploadNotFound);
    }
    assert!(site.test.users(&pool).await.is_empty());
    // The same content once more is the same file.
    let job = site.started(&pool, users_csv(["ann"])).await;
    assert_eq!(site.put(&job, users_csv(["ann"])).await, 200);
    work(&site.test.scheduler()).await;
    assert_eq!(site.view(&job).await.job.status, S::Succeeded);
}

#[tokio::test]
async fn a_bucket_that_keeps_versions_gives_the_one_that_was_started_whatever_came_later() {
    let site = Site::with(|s| s.max_upload_bytes = 1 << 30);
    site.s3.keep_versions();
    let pool = site.test.pool().await;
    let job = site.started(&pool, wide_csv("user", 500)).await;
    let upload = site.view(&job).await.job.upload.expect("an upload");
    assert_eq!(upload.version.as_deref(), Some("1"));
    assert_eq!(site.put(&job, wide_csv("eve", 500)).await, 200);
    work(&site.test.scheduler()).await;
    let ended = site.view(&job).await.job;
    assert_eq!(
        (ended.status, ended.counters),
        (S::Succeeded, counted(500, 0, 0))
    );
    let users = site.test.usernames(&pool).await;
    assert!(users.iter().all(|user| user.starts_with("user-")));
    let report = rejected_csv(&site, &job).await.expect("a report");
    assert!(report.starts_with("cognito:username,"));
}

#[tokio::test]
async fn a_file_that_is_gone_after_start_fails_the_job() {
    let site = Site::new();
    let pool = site.test.pool().await;
    let job = site.started(&pool, users_csv(["ann"])).await;
    let upload = site.view(&job).await.job.upload.expect("an upload");
    site.test
        .objects
        .delete(&upload.object)
        .await
        .expect("a loss");
    work(&site.test.scheduler()).await;
    let ended = site.view(&job).await.job;
    assert_eq!(ended.failure_reason, Some(F::UploadMissing));
}

#[tokio::test]
async fn a_file_that_is_replaced_while_it_is_imported_ends_the_job_and_gives_no_row() {
    let site = Site::with(|s| s.max_upload_bytes = 1 << 30);
    let pool = site.test.pool().await;
    let job = site.started(&pool, wide_csv("user", 1_500)).await;
    let scheduler = site.test.scheduler();
    scheduler.dispatch_tick().await.expect("a dispatch");
    // The first pieces are imported; the fourth is not read yet.
    let held = site.s3.hold(3);
    let begun = scheduler.import_tick().await.expect("a claim");
    held.reached.await.expect("a fourth piece");
    assert_eq!(site.put(&job, wide_csv("eve", 1_500)).await, 200);
    held.release.send(()).expect("an import that waits");
    for import in begun {
        import.await.expect("an import");
    }
    let ended = site.view(&job).await.job;
    assert_changed(&ended);
    let users = site.test.usernames(&pool).await;
    assert_eq!(users.len() as u64, ended.counters.imported);
    assert!(users.len() < 1_500);
    assert!(users.iter().all(|user| user.starts_with("user-")));
    assert_eq!(site.test.rows("import_lanes").await, 0);
}

#[tokio::test]
async fn jobs_that_go_together_do_not_wait_for_a_file_that_does_not_come() {
    let site = Site::new();
    let pool = site.test.pool().await;
    let mut jobs = Vec::new();
    for name in ["ann", "bob", "carol"] {
        jobs.push(site.started(&pool, users_csv([name])).await);
    }
    let scheduler = site.test.scheduler_with(|s| {
        s.lanes = 1;
        s.max_jobs = 1;
        // It is a third of this that they wait at most.
        s.lease = Duration::from_secs(6);
    });
    assert_eq!(scheduler.dispatch_tick().await.expect("a dispatch"), 3);
    let held = site.s3.hold(0);
    let all = async {
        work(&scheduler).await;
        held.reached.await.expect("a file that does not come");
    };
    // The store's own patience is longer.
    tokio::time::timeout(Duration::from_secs(15), all)
        .await
        .expect("imports that do not wait");
    for job in &jobs {
        assert_eq!(site.view(job).await.job.status, S::Succeeded);
    }
    let transactions: Vec<i64> =
        sqlx::query_scalar("SELECT count(*) FROM users GROUP BY xmin::text ORDER BY 1")
            .fetch_all(&mut site.test.connection().await)
            .await
            .expect("the transactions");
    assert_eq!(transactions, [1, 2], "two together, and one alone");
}

#[tokio::test]
async fn another_worker_goes_on_from_the_checkpoint_and_reads_the_rest_only() {
    let site = Site::with(|s| s.max_upload_bytes = 1 << 30);
    let pool = site.test.pool().await;
    let csv = wide_csv("user", 1_500);
    let job = site.started(&pool, csv).await;
    let scheduler = site.test.scheduler_with(|s| s.lanes = 1);
    scheduler.dispatch_tick().await.expect("a dispatch");
    let first = claim(&site.test.db).await.expect("the job");
    let held = site.s3.hold(3);
    let shutdown = CancellationToken::new();
    let importer = site.test.importer();
    let work_of_first = {
        let (first, shutdown) = (first.clone(), shutdown.clone());
        tokio::spawn(async move { importer.run(&first, &shutdown).await })
    };
    held.reached.await.expect("a fourth piece");
    // What came before it is written, or will be.
    let some = async {
        while site.view(&job).await.job.counters.imported < 500 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), some)
        .await
        .expect("rows");
    shutdown.cancel();
    drop(held.release);
    work_of_first.await.expect("a worker").expect("an end");
    muster::store::lanes::release(&site.test.db, &first)
        .await
        .expect("the job back");
    let before = site.view(&job).await.job;
    assert!(before.counters.imported < 1_500, "{:?}", before.counters);

    let reads = site.s3.seen("GET ").len();
    crate::support::imports::work(&scheduler).await;
    let ended = site.view(&job).await.job;
    assert_eq!(
        (ended.status, ended.counters),
        (S::Succeeded, counted(1_500, 0, 0))
    );
    // The header's piece and those behind it that were under way, then the rest.
    let rest = ended.processed_bytes - before.processed_bytes;
    let most = rest.div_ceil(4 << 20) as usize + 1;
    let reads = site.s3.seen("GET ").len() - reads;
    assert!(reads <= most, "{reads} readings for {rest} bytes");
}

#[tokio::test]
async fn rows_over_the_limit_are_counted_across_workers() {
    let site = Site::new();
    let pool = site.test.pool().await;
    let names: Vec<String> = (0..20).map(|n| format!("user-{n:02}")).collect();
    let job = site.started(&pool, users_csv(&names)).await;
    let settings = |s: &mut muster::scheduler::SchedulerSettings| {
        s.max_rows = 10;
        s.lanes = 1;
        s.batch_rows = 1;
    };
    let scheduler = site.test.scheduler_with(settings);
    scheduler.dispatch_tick().await.expect("a dispatch");
    // A worker of before has written six rows.
    let held = claim(&site.test.db).await.expect("the job");
    let header = "cognito:username,email,email_verified\n".len();
    let row = "user-00,user-00@example.com,true\n".len();
    let done = header + 6 * row;
    site.test
        .sql(&format!(
            "UPDATE import_lanes SET imported_users = 6, checkpoint_bytes = {done}, checkpoint_line = 8"
        ))
        .await
        .expect("a checkpoint");
    muster::store::lanes::release(&site.test.db, &held)
        .await
        .expect("the job back");
    work(&scheduler).await;
    let ended = site.view(&job).await.job;
    assert_eq!(ended.failure_reason, Some(F::TooManyRows));
    let users = site.test.usernames(&pool).await;
    assert!(users.len() <= 4, "{users:?}");
    assert!(users.iter().all(|user| user.as_str() >= "user-06"));
}
