//! What callers may ask of a job in each status; a refusal names the status.

use muster::domain::error::{ErrorKind, Reason};
use muster::domain::job::JobStatus as S;
use muster::operations::Page;

use super::statuses::Statuses;
use crate::support::imports::users_csv;
use crate::support::muster::{TestMuster, admin};

#[tokio::test]
async fn only_a_created_job_can_be_started() {
    let test = TestMuster::new();
    let jobs = Statuses::build(&test).await;
    for (status, job) in jobs.iter() {
        let answer = test.start(job).await;
        if status == S::Created {
            let started = answer.expect("a start").job;
            assert_eq!(started.status, S::Pending);
            assert_eq!(started, test.describe(job).await, "what was answered");
            continue;
        }
        let error = answer.expect_err("a start that is refused");
        assert_eq!(error.kind(), ErrorKind::FailedPrecondition);
        assert_eq!(error.reason(), Reason::JobNotStartable);
        assert_eq!(
            error.to_string(),
            format!(
                "The user import job is {}; only a job that is CREATED can be started.",
                status.as_str()
            )
        );
    }
    jobs.are(&test, &[(S::Created, S::Pending)]).await;
}

#[tokio::test]
async fn only_a_queued_or_running_job_can_be_stopped_and_a_stopping_one_answers_itself() {
    let test = TestMuster::new();
    let jobs = Statuses::build(&test).await;
    for (status, job) in jobs.iter() {
        let answer = test.stop(job).await;
        if matches!(status, S::Pending | S::InProgress | S::Stopping) {
            assert_eq!(answer.expect("a stop").job.status, S::Stopping);
            continue;
        }
        let error = answer.expect_err("a stop that is refused");
        assert_eq!(error.kind(), ErrorKind::FailedPrecondition);
        assert_eq!(error.reason(), Reason::JobNotStoppable);
        assert!(
            error
                .to_string()
                .starts_with(&format!("The user import job is {};", status.as_str())),
            "{error}"
        );
    }
    let moved = [(S::Pending, S::Stopping), (S::InProgress, S::Stopping)];
    jobs.are(&test, &moved).await;
}

#[tokio::test]
async fn only_a_job_at_rest_can_be_deleted_and_then_it_is_gone() {
    let test = TestMuster::new();
    let jobs = Statuses::build(&test).await;
    for (status, job) in jobs.iter() {
        let answer = test.muster.delete_job(&admin(), &job.pool, &job.id).await;
        if !status.is_active() {
            answer.expect("a deletion");
            let view = test.muster.describe_job(&admin(), &job.pool, &job.id).await;
            let error = view.expect_err("a job that is gone");
            assert_eq!(error.reason(), Reason::UserImportJobNotFound);
            continue;
        }
        let error = answer.expect_err("a deletion that is refused");
        assert_eq!(error.kind(), ErrorKind::FailedPrecondition);
        assert_eq!(error.reason(), Reason::JobNotDeletable);
        assert_eq!(
            error.to_string(),
            format!(
                "The user import job is {}; stop it before it is deleted.",
                status.as_str()
            )
        );
        assert_eq!(test.status(job).await, status);
    }
}

#[tokio::test]
async fn deleting_a_job_that_is_not_there_is_not_found() {
    let test = TestMuster::new();
    let job = test.create(&test.pool().await).await;
    for expected in [None, Some(Reason::UserImportJobNotFound)] {
        let answer = test.muster.delete_job(&admin(), &job.pool, &job.id).await;
        assert_eq!(answer.err().map(|e| e.reason()), expected);
    }
}

#[tokio::test]
async fn only_a_created_job_takes_an_upload_or_answers_a_url() {
    let test = TestMuster::new();
    let jobs = Statuses::build(&test).await;
    for (status, job) in jobs.iter() {
        let before = test.describe(job).await;
        let view = test.muster.describe_job(&admin(), &job.pool, &job.id).await;
        let url = view.expect("the job").pre_signed_url;
        assert_eq!(url.is_some(), status == S::Created, "{status:?}");
        if status == S::Expired {
            // Its URL has run out, which is said first.
            continue;
        }
        let answer = test.upload(job, users_csv(["carol"])).await;
        if status == S::Created {
            answer.expect("an upload");
            continue;
        }
        let error = answer.expect_err("an upload that is refused");
        assert_eq!(error.reason(), Reason::UploadClosed);
        assert!(error.to_string().contains(status.as_str()), "{error}");
        assert_eq!(test.describe(job).await, before, "nothing changed");
    }
}

#[tokio::test]
async fn only_an_active_job_keeps_its_pool_from_being_deleted() {
    let test = TestMuster::new();
    let jobs = Statuses::build(&test).await;
    for (status, job) in jobs.iter() {
        let answer = test.muster.delete_pool(&admin(), &job.pool).await;
        let reason = answer.err().map(|e| e.reason());
        let busy = status.is_active().then_some(Reason::UserImportInProgress);
        assert_eq!(reason, busy, "{status:?}");
    }
}

#[tokio::test]
async fn a_job_without_an_upload_cannot_be_started() {
    let test = TestMuster::new();
    let job = test.create(&test.pool().await).await;
    let error = test.start(&job).await.expect_err("no file");
    assert_eq!(error.kind(), ErrorKind::FailedPrecondition);
    assert_eq!(error.reason(), Reason::NoUpload);
    assert_eq!(
        error.to_string(),
        format!("No csv file was uploaded for {}", job.id)
    );

    // Nor when the object store has lost it.
    test.upload(&job, users_csv(["ann"])).await.expect("a file");
    let object = test.describe(&job).await.upload.expect("a file").object;
    test.objects.delete(&object).await.expect("a loss");
    let error = test.start(&job).await.expect_err("no file");
    assert_eq!(error.reason(), Reason::NoUpload);
    assert_eq!(test.status(&job).await, S::Created);
}

#[tokio::test]
async fn a_pool_that_auto_verifies_nothing_refuses_start() {
    let test = TestMuster::new();
    let pool = test
        .pool_with(|p| p.auto_verified_attributes = Vec::new())
        .await;
    let job = test.uploaded(&pool, users_csv(["ann"])).await;
    let error = test.start(&job).await.expect_err("a start");
    assert_eq!(error.kind(), ErrorKind::FailedPrecondition);
    assert_eq!(error.reason(), Reason::NoAutoVerifiedAttributes);
    assert_eq!(test.status(&job).await, S::Created);
}

#[tokio::test]
async fn a_deleted_pool_hides_its_jobs_and_their_reports_before_the_purge_removes_them() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let created = test.create(&pool).await;
    test.muster
        .delete_pool(&admin(), &pool)
        .await
        .expect("a deletion");

    let (muster, admin, page) = (&test.muster, &admin(), &Page::default());
    let (pool, id) = (&created.pool, &created.id);
    let errors = [
        muster.describe_job(admin, pool, id).await.err(),
        muster.list_jobs(admin, pool, page).await.err(),
        muster.list_rejected_rows(admin, pool, id, page).await.err(),
        muster.watch_job(admin, pool, id).await.err(),
        muster.start_job(admin, pool, id, None).await.err(),
        muster.stop_job(admin, pool, id).await.err(),
        muster.delete_job(admin, pool, id).await.err(),
        test.create_with(pool, |_| ()).await.err(),
    ];
    for error in errors {
        let reason = error.map(|e| e.reason());
        assert_eq!(reason, Some(Reason::UserPoolNotFound));
    }
    let error = test.upload(&created, users_csv(["ann"])).await.err();
    assert_eq!(error.map(|e| e.kind()), Some(ErrorKind::NotFound));
    let error = muster.rejected_csv(admin, id).await.err();
    assert_eq!(error.map(|e| e.kind()), Some(ErrorKind::NotFound));
    assert_eq!(test.files(), 0);
}
