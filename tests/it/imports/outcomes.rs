//! How a job ends that reached the end of its file.

use muster::domain::clock::Clock as _;
use muster::domain::job::{FailureReason, JobStatus as S, UserImportJob};

use crate::support::imports::{counted, users_csv, work};
use crate::support::muster::TestMuster;

const SUCCEEDED: &str = "Import Job Completed Successfully.";
const TOO_MANY: &str = "Too many users have failed or been skipped during the import.";

/// A job over so many good rows, and so many that break a rule.
async fn import(test: &TestMuster, percent: Option<i32>, good: u32, bad: u32) -> UserImportJob {
    let pool = test.pool().await;
    let job = test
        .create_with(&pool, |j| j.max_rejected_percent = percent)
        .await
        .expect("a job");
    let mut csv = users_csv((0..good).map(|n| format!("user-{n}")));
    for n in 0..bad {
        csv.push_str(&format!("bad-{n},nonsense,true\n"));
    }
    test.upload(&job, csv).await.expect("an upload");
    test.start(&job).await.expect("a start");
    work(&test.scheduler()).await;
    let ended = test.describe(&job).await;
    assert_eq!(ended.counters, counted(good.into(), 0, bad.into()));
    assert_eq!(test.users(&pool).await.len(), good as usize);
    ended
}

fn assert_ended(job: &UserImportJob, failed: bool) {
    let status = if failed { S::Failed } else { S::Succeeded };
    assert_eq!(job.status, status, "{:?}", job.counters);
    let message = if failed { TOO_MANY } else { SUCCEEDED };
    assert_eq!(job.completion_message.as_deref(), Some(message));
    let reason = failed.then_some(FailureReason::TooManyRejectedRows);
    assert_eq!(job.failure_reason, reason);
}

#[tokio::test]
async fn more_than_half_of_the_rows_rejected_fail_the_job_unless_it_says_otherwise() {
    let test = TestMuster::new();
    for percent in [None, Some(50)] {
        assert_ended(&import(&test, percent, 5, 5).await, false);
        assert_ended(&import(&test, percent, 5, 6).await, true);
    }
}

#[tokio::test]
async fn at_0_percent_one_rejected_row_fails_the_job() {
    let test = TestMuster::new();
    assert_ended(&import(&test, Some(0), 9, 0).await, false);
    assert_ended(&import(&test, Some(0), 9, 1).await, true);
}

#[tokio::test]
async fn at_100_percent_no_rejected_row_fails_the_job() {
    let test = TestMuster::new();
    assert_ended(&import(&test, Some(100), 0, 9).await, false);
}

#[tokio::test]
async fn the_threshold_is_exact() {
    let test = TestMuster::new();
    assert_ended(&import(&test, Some(10), 9, 1).await, false);
    assert_ended(&import(&test, Some(9), 9, 1).await, true);
}

#[tokio::test]
async fn skipped_rows_count_towards_the_threshold() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    test.import(&pool, users_csv(["ann", "bob"])).await;
    let again = test.import(&pool, users_csv(["ann", "bob", "carol"])).await;
    assert_eq!(again.counters, counted(1, 2, 0));
    assert_ended(&again, true);
    assert_eq!(test.usernames(&pool).await, ["ann", "bob", "carol"]);
}

#[tokio::test]
async fn a_file_of_a_header_only_succeeds_with_zero_counts() {
    let test = TestMuster::new();
    for percent in [None, Some(0)] {
        let job = import(&test, percent, 0, 0).await;
        assert_ended(&job, false);
        assert_eq!(job.total_rows, Some(0));
        assert_eq!(Some(job.processed_bytes), job.total_bytes);
    }
    // Nor do blank lines make rows, or a missing line break at the end.
    let pool = test.pool().await;
    for csv in ["cognito:username", "cognito:username\n\n  \r\n\n"] {
        let job = test.import(&pool, csv).await;
        assert_ended(&job, false);
        assert_eq!(job.counters, counted(0, 0, 0));
    }
}

#[tokio::test]
async fn an_ended_job_accounts_for_all_bytes_and_rows_and_bears_its_dates() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let csv = users_csv(["ann", "bob", "ann"]);
    let job = test.uploaded(&pool, csv.clone()).await;
    let created = test.clock.now();
    test.clock.advance(std::time::Duration::from_secs(60));
    test.start(&job).await.expect("a start");
    let started = test.clock.now();
    test.clock.advance(std::time::Duration::from_secs(60));
    work(&test.scheduler()).await;
    let ended = test.describe(&job).await;
    assert_eq!(ended.creation_date, created);
    assert_eq!(ended.start_date, Some(started));
    assert_eq!(ended.completion_date, Some(test.clock.now()));
    assert_eq!(ended.total_rows, Some(3));
    assert_eq!(ended.total_bytes, Some(csv.len() as u64));
    assert_eq!(ended.processed_bytes, csv.len() as u64);
    assert_eq!(test.rows("import_lanes").await, 0);
}
