//! Files that cannot be imported: refused at the upload where muster sees them
//! there, else the end of their job.

use bytes::Bytes;
use muster::domain::error::Reason;
use muster::domain::job::{FailureReason as F, JobStatus as S, UserImportJob};
use muster::domain::rules::password_hash::PasswordHashingAlgorithm;
use muster::operations::jobs::CreateJob;

use crate::support::gate::Gate;
use crate::support::imports::{TestJob, counted, upload_request, users_csv, work};
use crate::support::muster::TestMuster;

fn bcrypt(job: &mut CreateJob) {
    job.password_hashing_algorithm = Some(PasswordHashingAlgorithm::Bcrypt);
}

fn utf_16(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);
    [0xFF, 0xFE].into_iter().chain(units).collect()
}

#[tokio::test]
async fn an_upload_that_could_not_be_imported_is_refused_and_leaves_the_one_before() {
    let test = TestMuster::with(|s| {
        s.max_rows = 3;
        s.max_upload_bytes = 400;
        s.max_row_chars = 100;
    });
    let pool = test.pool().await;
    let job = test.create_with(&pool, bcrypt).await.expect("a job");
    let good = "cognito:username,password_hash,email,email_verified\n";
    test.upload(&job, good).await.expect("an upload");
    let before = test.describe(&job).await;

    let long = "x".repeat(120);
    let refused: Vec<(Vec<u8>, Reason, &str)> = vec![
        (b"".into(), Reason::InvalidUpload, "empty"),
        (b"\x00".into(), Reason::InvalidUpload, "UTF-16"),
        (utf_16(good), Reason::InvalidUpload, "UTF-16"),
        (b"caf\xE9,x".into(), Reason::InvalidUpload, "UTF-8"),
        (
            b"email,name".into(),
            Reason::InvalidUpload,
            "\"cognito:username\"",
        ),
        (
            b"cognito:username,email".into(),
            Reason::InvalidUpload,
            "\"password_hash\"",
        ),
        (
            b"cognito:username,shoe_size".into(),
            Reason::InvalidUpload,
            "\"shoe_size\"",
        ),
        (
            b"cognito:username,email,email".into(),
            Reason::InvalidUpload,
            "repeats column 2",
        ),
        (long.clone().into(), Reason::InvalidUpload, "row limit"),
        (
            format!("{good}a\nb\nc\nd\n").into(),
            Reason::UploadTooLarge,
            "limit of 3",
        ),
        (
            format!("{good}{long}\n{long}\n{long}\n").into(),
            Reason::UploadTooLarge,
            "limit of 400 bytes",
        ),
    ];
    for (file, reason, said) in refused {
        let error = test.upload(&job, file).await.expect_err(said);
        assert_eq!(error.reason(), reason, "{error}");
        assert!(error.to_string().contains(said), "{error} lacks {said}");
        assert_eq!(test.describe(&job).await, before);
        assert_eq!(test.files(), 1);
    }
}

/// Makes a file the upload of a job without muster looking into it, as it is
/// with a store that takes uploads itself.
async fn plant(test: &TestMuster, job: &TestJob, file: impl Into<bytes::Bytes>) {
    let object = test.describe(job).await.upload.expect("an upload").object;
    let mut writer = test.objects.writer(&object).await.expect("a writer");
    writer.write(file.into()).await.expect("the file");
    let stored = writer.finish().await.expect("the file");
    sqlx::query(
        "UPDATE user_import_jobs SET total_bytes = $1, upload_e_tag = $2, upload_blake3 = $3,
             total_rows = NULL WHERE job_id = $4",
    )
    .bind(i64::try_from(stored.bytes).expect("a size"))
    .bind(stored.e_tag)
    .bind(&stored.blake3[..])
    .bind(job.job_id().0)
    .execute(&mut test.connection().await)
    .await
    .expect("the pins");
}

/// Replaces the file of a job behind muster's back.
async fn replace(test: &TestMuster, job: &TestJob, file: String) {
    let object = test.describe(job).await.upload.expect("an upload").object;
    let mut writer = test.objects.writer(&object).await.expect("a writer");
    writer.write(file.into()).await.expect("the file");
    writer.finish().await.expect("the file");
}

fn assert_failed(job: &UserImportJob, reason: F, said: &str) {
    assert_eq!(job.status, S::Failed);
    assert_eq!(job.failure_reason, Some(reason));
    let message = job.completion_message.as_deref().expect("a message");
    assert!(message.contains(said), "{message} lacks {said}");
    assert!(message.chars().count() <= 128, "{message}");
    assert!(job.completion_date.is_some());
}

#[tokio::test]
async fn a_job_over_a_file_that_cannot_be_read_fails_and_says_what_is_wrong() {
    let wide = format!("cognito:username{}", ",x".repeat(7_000));
    let files: Vec<(Vec<u8>, F, &str)> = vec![
        (b"".into(), F::InvalidHeader, "empty"),
        (
            utf_16("cognito:username\nann\n"),
            F::InvalidEncoding,
            "UTF-16",
        ),
        (
            b"cognito:username,\xE9\n".into(),
            F::InvalidEncoding,
            "UTF-8",
        ),
        (b"email\n".into(), F::InvalidHeader, "\"cognito:username\""),
        (wide.into(), F::InvalidHeader, "Column 2"),
        (
            b"cognito:username\nann\n".into(),
            F::MissingPasswordHashColumn,
            "\"password_hash\"",
        ),
    ];
    for (file, reason, said) in files {
        let test = TestMuster::new();
        let pool = test.pool().await;
        let job = test.create_with(&pool, bcrypt).await.expect("a job");
        let good = "cognito:username,password_hash\n";
        test.upload(&job, good).await.expect("an upload");
        plant(&test, &job, file).await;
        test.start(&job).await.expect("a start");
        work(&test.scheduler()).await;
        let ended = test.describe(&job).await;
        assert_failed(&ended, reason, said);
        assert_eq!(ended.counters, counted(0, 0, 0));
        assert_eq!(test.rows("import_lanes").await, 0);
    }
}

#[tokio::test]
async fn a_pool_that_asks_for_more_than_at_the_upload_fails_the_job() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let job = test.started(&pool, users_csv(["ann"])).await;
    test.sql("UPDATE user_pools SET required_attributes = '{name}'")
        .await
        .expect("a stricter pool");
    work(&test.scheduler()).await;
    let ended = test.describe(&job).await;
    assert_failed(
        &ended,
        F::InvalidHeader,
        "\"name\", which the pool requires",
    );
    assert!(test.users(&pool).await.is_empty());
}

#[tokio::test]
async fn a_file_that_was_replaced_after_start_is_not_imported() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let longer = users_csv(["eve", "mallory"]);
    let just_as_long = users_csv(["eve"]);
    for other in [longer, just_as_long] {
        let job = test.started(&pool, users_csv(["ann"])).await;
        replace(&test, &job, other).await;
        work(&test.scheduler()).await;
        assert_failed(&test.describe(&job).await, F::UploadChanged, "was changed");
    }
    assert!(test.users(&pool).await.is_empty());
}

#[tokio::test]
async fn a_file_that_is_gone_after_start_fails_the_job() {
    let test = TestMuster::new();
    let job = test.started(&test.pool().await, users_csv(["ann"])).await;
    let object = test.describe(&job).await.upload.expect("a file").object;
    test.objects.delete(&object).await.expect("a loss");
    work(&test.scheduler()).await;
    assert_failed(&test.describe(&job).await, F::UploadMissing, "not there");
}

#[tokio::test]
async fn a_file_with_too_many_rows_fails_and_what_was_imported_stays() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let names = ["ann", "bob", "carol", "dave", "erin"];
    let job = test.started(&pool, users_csv(names)).await;
    let scheduler = test.scheduler_with(|s| {
        s.max_rows = 4;
        s.batch_rows = 1;
        s.lanes = 1;
    });
    work(&scheduler).await;
    let ended = test.describe(&job).await;
    assert_failed(&ended, F::TooManyRows, "limit of 4");
    let users = test.usernames(&pool).await;
    assert_eq!(ended.counters.imported, users.len() as u64);
    assert_eq!(users, names[..users.len()], "in file order");
    assert!(users.len() <= 4);

    let exact = test
        .started(&test.pool().await, users_csv(&names[..4]))
        .await;
    work(&scheduler).await;
    assert_eq!(test.status(&exact).await, S::Succeeded);
}

#[tokio::test]
async fn a_stop_comes_before_the_end_of_a_file_that_cannot_be_imported() {
    let test = TestMuster::new();
    let job = test.started(&test.pool().await, users_csv(["ann"])).await;
    replace(&test, &job, users_csv(["eve"])).await;
    let scheduler = test.scheduler();
    scheduler.dispatch_tick().await.expect("a dispatch");
    // Holds the import up when it has its claim, and has not seen the file.
    let mut gate = Gate::shut(&test, "LOCK TABLE user_pools IN ACCESS EXCLUSIVE MODE").await;
    let begun = scheduler.import_tick().await.expect("a claim");
    gate.waiting(1).await;
    test.sql("UPDATE user_import_jobs SET status = 'STOPPING'")
        .await
        .expect("a stop");
    gate.open().await;
    for import in begun {
        import.await.expect("an import");
    }
    let ended = test.describe(&job).await;
    assert_eq!(ended.status, S::Stopped);
    assert_eq!(ended.failure_reason, None);
    assert_eq!(test.rows("import_lanes").await, 0);
}

#[tokio::test]
async fn a_header_without_an_end_is_refused_before_the_end_of_the_file() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let job = test.create(&pool).await;
    let endless = futures_util::stream::repeat_with(|| Ok(Bytes::from_static(&[b'x'; 4096])));
    let refused = test
        .muster
        .receive_upload(upload_request(&job.url), endless)
        .await
        .expect_err("refused");
    assert_eq!(refused.reason(), Reason::InvalidUpload);
    assert!(refused.to_string().contains("longer than the row limit"));
    assert_eq!(test.files(), 0);
}
