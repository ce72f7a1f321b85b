//! Request ids: a call that is sent twice acts once.

use std::time::Duration;

use muster::domain::error::{Error, ErrorKind, Reason};
use muster::domain::job::JobStatus as S;
use muster::domain::rules::password_hash::PasswordHashingAlgorithm;
use muster::operations::jobs::{CreateJob, JobView};
use tokio::task::JoinSet;

use super::statuses::DAY;
use crate::support::gate::Gate;
use crate::support::imports::{TestJob, users_csv};
use crate::support::muster::{TestMuster, admin};

const ID: &str = "0b6b0e2c-7f4e-4f6a-9a57-7b8f2f3c1d10";
const OTHER_ID: &str = "5a0c4f7e-27a1-4f0f-8a4e-5b8d8a7a2b11";

fn request(pool: &str) -> CreateJob {
    CreateJob {
        user_pool_id: pool.to_owned(),
        job_name: "made up".to_owned(),
        request_id: Some(ID.to_owned()),
        ..CreateJob::default()
    }
}

async fn start(test: &TestMuster, job: &TestJob, id: &str) -> Result<JobView, Error> {
    test.muster
        .start_job(&admin(), &job.pool, &job.id, Some(id))
        .await
}

fn assert_reused<T: std::fmt::Debug>(answer: Result<T, Error>) {
    let error = answer.expect_err("an id of another request");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert_eq!(error.reason(), Reason::RequestIdReused);
}

#[tokio::test]
async fn the_same_create_again_answers_the_first_ones_job() {
    let test = TestMuster::with(|s| s.max_jobs_per_pool = 2);
    let pool = test.pool().await;
    let create = async || test.muster.create_job(&admin(), request(&pool)).await;
    let first = create().await.expect("a job");
    test.create(&pool).await;
    // Also when the quota is used up meanwhile, and written in another form.
    let again = create().await.expect("the same job");
    assert_eq!(again, first);
    let mut upper = request(&pool);
    upper.request_id = Some(ID.to_uppercase());
    let again = test.muster.create_job(&admin(), upper).await;
    assert_eq!(again.expect("the same job"), first);
    assert_eq!(test.rows("user_import_jobs").await, 2);
}

#[tokio::test]
async fn another_create_with_the_same_id_is_refused() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let first = test.muster.create_job(&admin(), request(&pool)).await;
    first.expect("a job");
    let changes: [fn(&mut CreateJob); 4] = [
        |r| r.job_name.push('x'),
        |r| r.max_rejected_percent = Some(49),
        |r| r.password_hashing_algorithm = Some(PasswordHashingAlgorithm::Bcrypt),
        |r| r.cloud_watch_logs_role_arn = Some("arn:aws:iam::111122223333:role/r".to_owned()),
    ];
    for change in changes {
        let mut other = request(&pool);
        change(&mut other);
        assert_reused(test.muster.create_job(&admin(), other).await);
    }
    // What is left out is the same as what it stands for.
    let mut spelt_out = request(&pool);
    spelt_out.max_rejected_percent = Some(50);
    let again = test.muster.create_job(&admin(), spelt_out).await;
    again.expect("the same request");
    assert_eq!(test.rows("user_import_jobs").await, 1);
}

#[tokio::test]
async fn an_id_belongs_to_its_pool() {
    let test = TestMuster::new();
    for pool in [test.pool().await, test.pool().await] {
        let made = test.muster.create_job(&admin(), request(&pool)).await;
        made.expect("a job");
    }
    assert_eq!(test.rows("user_import_jobs").await, 2);
}

#[tokio::test]
async fn an_id_is_remembered_for_24_hours_purged_or_not() {
    for purged in [false, true] {
        let test = TestMuster::new();
        let pool = test.pool().await;
        let create = async || test.muster.create_job(&admin(), request(&pool)).await;
        let first = create().await.expect("a job").job.job_id;
        let purge = async || {
            if purged {
                test.scheduler().purge_tick().await.expect("a purge");
            }
        };
        test.clock.advance(DAY);
        purge().await;
        let again = create().await.expect("the same job").job.job_id;
        assert_eq!(again, first, "purged: {purged}");

        test.clock.advance(Duration::from_secs(1));
        purge().await;
        assert_eq!(test.rows("request_ids").await, i64::from(!purged));
        let later = create().await.expect("another job").job.job_id;
        assert_ne!(later, first, "purged: {purged}");
    }
}

#[tokio::test]
async fn the_same_start_again_answers_the_job_as_it_is_instead_of_refusing() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let job = test.uploaded(&pool, users_csv(["ann"])).await;
    let first = start(&test, &job, ID).await.expect("a start");
    assert_eq!(first.job.status, S::Pending);
    assert_eq!(start(&test, &job, ID).await.expect("a replay"), first);
    test.stop(&job).await.expect("a stop");
    let later = start(&test, &job, ID).await.expect("a replay").job;
    assert_eq!(later.status, S::Stopping);

    // Another id is another request, and the same id on another job, too.
    let error = start(&test, &job, OTHER_ID).await.expect_err("a start");
    assert_eq!(error.reason(), Reason::JobNotStartable);
    let other = test.uploaded(&pool, users_csv(["bob"])).await;
    assert_reused(start(&test, &other, ID).await);
    assert_eq!(test.status(&other).await, S::Created);
}

#[tokio::test]
async fn an_id_of_create_is_none_for_start() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let view = test.muster.create_job(&admin(), request(&pool)).await;
    let job = TestJob {
        pool,
        id: view.expect("a job").job.job_id.to_string(),
        url: String::new(),
    };
    assert_reused(start(&test, &job, ID).await);
}

#[tokio::test]
async fn a_start_that_was_refused_leaves_its_id_unused() {
    let test = TestMuster::new();
    let job = test.create(&test.pool().await).await;
    let error = start(&test, &job, ID).await.expect_err("no file");
    assert_eq!(error.reason(), Reason::NoUpload);
    test.upload(&job, users_csv(["ann"])).await.expect("a file");
    let started = start(&test, &job, ID).await.expect("a start");
    assert_eq!(started.job.status, S::Pending);
}

#[tokio::test]
async fn identical_creates_at_once_make_one_job() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let mut gate = Gate::shut(&test, "SELECT 1 FROM user_pools FOR UPDATE").await;
    let mut calls = JoinSet::new();
    for _ in 0..4 {
        let (muster, request) = (test.muster.clone(), request(&pool));
        calls.spawn(async move { muster.create_job(&admin(), request).await });
    }
    gate.waiting(4).await;
    gate.open().await;
    let ids: Vec<_> = calls
        .join_all()
        .await
        .into_iter()
        .map(|answer| answer.expect("the job").job.job_id)
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(test.rows("user_import_jobs").await, 1);
}

#[tokio::test]
async fn identical_starts_at_once_all_answer_the_started_job() {
    let test = TestMuster::new();
    let job = test.uploaded(&test.pool().await, users_csv(["ann"])).await;
    let mut gate = Gate::shut(&test, "SELECT 1 FROM user_import_jobs FOR UPDATE").await;
    let mut calls = JoinSet::new();
    for _ in 0..2 {
        let (muster, job) = (test.muster.clone(), job.clone());
        calls.spawn(async move {
            muster
                .start_job(&admin(), &job.pool, &job.id, Some(ID))
                .await
        });
    }
    gate.waiting(2).await;
    gate.open().await;
    for answer in calls.join_all().await {
        assert_eq!(answer.expect("the job").job.status, S::Pending);
    }
}
