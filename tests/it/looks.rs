//! Many who look at jobs at once.

use std::time::Duration;

use futures_util::future::join_all;
use muster::domain::error::{Error, ErrorKind};
use muster::domain::job::JobStatus;
use muster::operations::deadline;
use muster::operations::jobs::JobView;
use tokio::time::Instant;

use crate::support::gate::Gate;
use crate::support::imports::{TestJob, users_csv};
use crate::support::muster::{TestMuster, admin};

async fn look(test: &TestMuster, job: &TestJob) -> Result<JobView, Error> {
    test.muster.describe_job(&admin(), &job.pool, &job.id).await
}

#[tokio::test]
async fn of_many_who_look_at_once_each_is_answered_by_the_job_that_was_asked_for() {
    let test = TestMuster::new();
    let (one, other) = (test.pool().await, test.pool().await);
    let mut jobs = vec![
        test.create(&one).await,
        test.uploaded(&one, users_csv(["ann"])).await,
        test.started(&other, users_csv(["bob"])).await,
    ];
    let mut expected = Vec::new();
    for job in &jobs {
        let key = job.key();
        let alone = muster::store::jobs::get(&test.db, &key.user_pool_id, key.job_id).await;
        expected.push(alone.expect("a look"));
    }
    // In a pool that it is not in, and deleted: nobody finds it.
    jobs.push(TestJob {
        pool: other.clone(),
        ..jobs[0].clone()
    });
    let deleted = test.create(&one).await;
    let gone = test.muster.delete_job(&admin(), &one, &deleted.id).await;
    gone.expect("no job");
    jobs.push(deleted);
    expected.extend([None, None]);

    // All begin to look before the database answers any.
    let mut gate = Gate::shut(&test, "LOCK TABLE user_import_jobs").await;
    let looks = join_all((0..200).map(|n| look(&test, &jobs[n % jobs.len()])));
    let (answers, ()) = tokio::join!(looks, async {
        gate.crowded().await;
        gate.open().await;
    });
    for (n, answer) in answers.into_iter().enumerate() {
        match (&expected[n % jobs.len()], answer) {
            (Some(job), Ok(view)) => assert_eq!(view.job, *job),
            (None, Err(error)) => assert_eq!(error.kind(), ErrorKind::NotFound),
            (expected, answer) => panic!("{answer:?} for {expected:?}"),
        }
    }
}

#[tokio::test]
async fn a_look_is_never_older_than_its_question() {
    let test = TestMuster::new();
    let first = test.create(&test.pool().await).await;
    let crowd = async {
        loop {
            let looks = join_all((0..16).map(|_| look(&test, &first))).await;
            assert!(looks.iter().all(Result::is_ok));
        }
    };
    let changes = async {
        for _ in 0..20 {
            let job = test.create(&test.pool().await).await;
            assert_eq!(test.status(&job).await, JobStatus::Created);
            let uploaded = test.upload(&job, users_csv(["ann"])).await;
            uploaded.expect("an upload");
            assert!(test.describe(&job).await.upload.is_some());
            test.start(&job).await.expect("a start");
            assert_eq!(test.status(&job).await, JobStatus::Pending);
            test.stop(&job).await.expect("a stop");
            assert_ne!(test.status(&job).await, JobStatus::Pending);
        }
    };
    tokio::select! {
        () = crowd => unreachable!("the crowd stays"),
        () = changes => {}
    }
}

#[tokio::test]
async fn who_looks_along_with_others_leaves_at_its_own_deadline_and_takes_nobody_along() {
    let test = TestMuster::new();
    let job = test.create(&test.pool().await).await;
    let mut gate = Gate::shut(&test, "LOCK TABLE user_import_jobs").await;
    let patient = join_all((0..8).map(|_| look(&test, &job)));
    let hurried = async {
        gate.crowded().await;
        let soon = Instant::now() + Duration::from_millis(50);
        let late = deadline::until(soon, look(&test, &job)).await;
        let error = late.expect_err("no time").kind();
        assert_eq!(error, ErrorKind::DeadlineExceeded);
        gate.open().await;
    };
    let (answers, ()) = tokio::join!(patient, hurried);
    for answer in answers {
        answer.expect("the job");
    }
}

#[tokio::test]
async fn when_the_database_is_away_each_of_those_who_look_is_told_so() {
    let test = TestMuster::new();
    let job = test.create(&test.pool().await).await;
    test.db.close().await;
    let looks = join_all((0..8).map(|_| look(&test, &job))).await;
    for answer in looks {
        let error = answer.expect_err("no database");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(std::error::Error::source(&error).is_some(), "{error:?}");
    }
}
