//! Start looks at what a caller put into the store.

use muster::api::v1::StartUserImportJobRequest;
use muster::api::v1::user_import_service_client::UserImportServiceClient;
use muster::domain::error::{ErrorKind, Reason};
use muster::domain::job::JobStatus as S;
use muster::domain::rules::password_hash::PasswordHashingAlgorithm;
use muster::grpc::{self, GrpcOptions};
use muster::http::aws::{AwsKeys, AwsState, Operation, routes};
use muster::operations::callers::Callers;
use muster::store::sweeps;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic_types::StatusExt as _;
use tower::ServiceExt as _;

use super::{Site, pin};
use crate::support::imports::{TestJob, users_csv, work};
use crate::support::muster::{ManualClock, admin};

const HEADER: &str = "cognito:username,email,email_verified\n";

#[tokio::test]
async fn start_pins_the_file_that_lies_there_and_knows_its_size() {
    let site = Site::new();
    let pool = site.test.pool().await;
    let job = site.uploaded(&pool, "not this one").await;
    let csv = users_csv(["ann", "bob"]);
    assert_eq!(
        site.put(&job, csv.clone()).await,
        200,
        "the second replaces it"
    );
    assert_eq!(
        site.view(&job).await.job.upload,
        None,
        "muster did not see it"
    );

    let started = site.test.start(&job).await.expect("a start");
    assert_eq!(started.job.status, S::Pending);
    assert_eq!(started.pre_signed_url, None);
    let object = format!("uploads/{pool}/{}/upload.csv", job.id);
    let there = pin(&site.test.objects, &object).await;
    assert!(there.e_tag.is_some());
    assert_eq!(started.job.upload.as_ref(), Some(&there));
    assert_eq!(started.job.total_bytes, Some(csv.len() as u64));
    // Nobody has counted the rows yet.
    assert_eq!(started.job.total_rows, None);
    assert_eq!(site.view(&job).await.job, started.job);
    let kept = sweeps::kept_upload(&site.test.db, ManualClock::START).await;
    assert_eq!(kept.expect("an answer"), Some(object));
}

#[tokio::test]
async fn a_file_that_could_not_be_imported_is_refused_and_another_may_be_uploaded() {
    let site = Site::with(|s| {
        s.max_upload_bytes = 3_000_000;
        s.max_row_chars = 100;
    });
    let pool = site.test.pool().await;
    let bcrypt = |j: &mut muster::operations::jobs::CreateJob| {
        j.password_hashing_algorithm = Some(PasswordHashingAlgorithm::Bcrypt);
    };
    let job = site.test.create_with(&pool, bcrypt).await.expect("a job");
    let good = "cognito:username,password_hash,email,email_verified\n";
    let cases: Vec<(Vec<u8>, Reason, &str)> = vec![
        (b"".into(), Reason::InvalidUpload, "empty"),
        (b"\xFF\xFEx".into(), Reason::InvalidUpload, "UTF-16"),
        (b"caf\xE9,x\n".into(), Reason::InvalidUpload, "UTF-8"),
        (
            b"email,name".into(),
            Reason::InvalidUpload,
            "\"cognito:username\"",
        ),
        (
            b"cognito:username,shoe_size\n".into(),
            Reason::InvalidUpload,
            "\"shoe_size\"",
        ),
        (HEADER.into(), Reason::InvalidUpload, "\"password_hash\""),
        (
            "x".repeat(2_500_000).into(),
            Reason::InvalidUpload,
            "longer than the row limit",
        ),
        (
            format!("{good}{}", "x".repeat(3_000_000)).into(),
            Reason::UploadTooLarge,
            "limit of 3000000 bytes",
        ),
    ];
    let start = || site.test.start(&job);
    let error = start().await.expect_err("nothing there");
    assert_eq!(error.reason(), Reason::NoUpload);
    assert_eq!(
        error.to_string(),
        format!("No csv file was uploaded for {}", job.id)
    );
    for (file, reason, said) in cases {
        assert_eq!(site.put(&job, file).await, 200);
        let error = start().await.expect_err(said);
        assert_eq!(error.reason(), reason, "{error}");
        assert_eq!(error.kind(), ErrorKind::FailedPrecondition);
        assert!(error.to_string().contains(said), "{error} lacks {said}");
        let now = site.view(&job).await;
        assert_eq!((now.job.status, now.job.upload), (S::Created, None));
    }
    // A header that is found late, behind more than is read at once.
    let late = format!("{}{good}", "\n".repeat(1_500_000));
    assert_eq!(site.put(&job, late).await, 200);
    start().await.expect("a start");
}

#[tokio::test]
async fn the_status_comes_before_the_file() {
    let site = Site::new();
    let pool = site.test.pool().await;
    let bare = site
        .test
        .pool_with(|p| p.auto_verified_attributes.clear())
        .await;
    let job = site.uploaded(&bare, HEADER).await;
    let error = site.test.start(&job).await.expect_err("refused");
    assert_eq!(error.reason(), Reason::NoAutoVerifiedAttributes);
    assert_eq!(site.view(&job).await.job.upload, None, "nothing is pinned");

    let expired = site.uploaded(&pool, "no header").await;
    let started = site.started(&pool, HEADER).await;
    let error = site.test.start(&started).await.expect_err("refused");
    assert_eq!(error.reason(), Reason::JobNotStartable);
    site.test.clock.advance(Duration::from_secs(24 * 3600));
    let error = site.test.start(&expired).await.expect_err("refused");
    assert_eq!(error.reason(), Reason::JobExpired);
}

#[tokio::test]
async fn a_repeated_start_pins_once_and_answers_the_job() {
    let site = Site::new();
    let pool = site.test.pool().await;
    let job = site.uploaded(&pool, users_csv(["ann"])).await;
    let id = Some("0b6b0e2c-7f4e-4f6a-9a57-7b8f2f3c1d10");
    let caller = admin();
    let start = || site.test.muster.start_job(&caller, &pool, &job.id, id);
    let first = start().await.expect("a start");
    // The URL is good for a while; what comes by it is not what was started.
    assert_eq!(site.put(&job, users_csv(["eve"])).await, 200);
    let second = start().await.expect("the same");
    assert_eq!(first.job, second.job);
}

#[tokio::test]
async fn a_file_that_is_replaced_while_start_reads_its_header_is_looked_at_anew() {
    let site = Site::new();
    let pool = site.test.pool().await;
    let job = site.uploaded(&pool, "no header at all\n").await;
    let held = site.s3.hold(0);
    let (muster, named) = (site.test.muster.clone(), job.clone());
    let start = tokio::spawn(async move {
        let (pool, id) = (&named.pool, &named.id);
        muster.start_job(&admin(), pool, id, None).await
    });
    held.reached.await.expect("a look");
    let csv = users_csv(["ann"]);
    assert_eq!(site.put(&job, csv.clone()).await, 200);
    held.release.send(()).expect("a look that waits");
    let started = start.await.expect("an answer").expect("a start");
    assert_eq!(started.job.total_bytes, Some(csv.len() as u64));
    work(&site.test.scheduler()).await;
    assert_eq!(site.test.usernames(&pool).await, ["ann"]);
}

#[tokio::test]
async fn callers_of_grpc_and_of_the_aws_front_start_and_are_refused_in_their_own_words() {
    let site = Site::new();
    let pool = site.test.pool().await;
    let port = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = port.local_addr().expect("an address");
    let (_, health) = tonic_health::server::health_reporter();
    let options = GrpcOptions {
        shutdown: CancellationToken::new(),
        request_timeout: Duration::from_secs(20),
    };
    let callers = Callers::open();
    let grpc = grpc::router(site.test.muster.clone(), callers, options, health);
    let server = tonic::transport::Server::builder()
        .add_routes(grpc.expect("the services"))
        .serve_with_incoming(TcpListenerStream::new(port));
    tokio::spawn(server);
    let channel = tonic::transport::Channel::from_shared(format!("http://{address}"));
    let channel = channel.expect("an address").connect().await;
    let mut imports = UserImportServiceClient::new(channel.expect("a connection"));
    let request = |job: &TestJob| StartUserImportJobRequest {
        user_pool_id: job.pool.clone(),
        job_id: job.id.clone(),
        ..Default::default()
    };

    let job = site.uploaded(&pool, "email\n").await;
    let described = muster::api::v1::DescribeUserImportJobRequest {
        user_pool_id: pool.clone(),
        job_id: job.id.clone(),
    };
    let shown = imports.describe_user_import_job(described).await;
    let shown = shown.expect("the job").into_inner().user_import_job;
    let headers = shown.expect("the job").pre_signed_url_headers;
    assert_eq!(headers["x-amz-server-side-encryption"], "aws:kms");
    let status = imports
        .start_user_import_job(request(&job))
        .await
        .expect_err("refused");
    assert_eq!(status.code(), tonic::Code::FailedPrecondition);
    let details = status.get_error_details();
    assert_eq!(
        details.error_info().expect("a reason").reason,
        "INVALID_UPLOAD"
    );
    assert!(status.message().contains("\"cognito:username\""));

    let body = json!({"UserPoolId": pool, "JobId": job.id});
    let (code, answer) = aws(&site, Operation::StartUserImportJob, &body).await;
    assert_eq!(
        (code, answer["__type"].as_str()),
        (400, Some("PreconditionNotMetException"))
    );
    assert!(
        answer["message"]
            .as_str()
            .is_some_and(|m| m.contains("cognito:username"))
    );
    assert_eq!(site.put(&job, users_csv(["ann"])).await, 200);
    let (code, answer) = aws(&site, Operation::StartUserImportJob, &body).await;
    assert_eq!(
        (code, answer["UserImportJob"]["Status"].as_str()),
        (200, Some("Pending"))
    );

    let other = site.uploaded(&pool, users_csv(["bob"])).await;
    let body = json!({"UserPoolId": pool, "JobId": other.id});
    let (_, answer) = aws(&site, Operation::DescribeUserImportJob, &body).await;
    let url = answer["UserImportJob"]["PreSignedUrl"]
        .as_str()
        .expect("a URL");
    assert_eq!(
        super::put(url, &super::kms(), users_csv(["eve"])).await,
        200
    );
    imports
        .start_user_import_job(request(&other))
        .await
        .expect("a start");
    work(&site.test.scheduler()).await;
    assert_eq!(site.test.usernames(&pool).await, ["ann", "eve"]);
}

/// A call of the AWS front, which takes any credentials.
async fn aws(site: &Site, operation: Operation, body: &Value) -> (u16, Value) {
    let state = AwsState {
        muster: site.test.muster.clone(),
        keys: AwsKeys::open(),
        region: None,
        clock: site.test.clock.clone(),
        request_timeout: Duration::from_secs(20),
    };
    let target = format!("AWSCognitoIdentityProviderService.{}", operation.as_str());
    let request = axum::http::Request::post("/")
        .header("host", "muster.test")
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", target)
        .body(axum::body::Body::from(body.to_string()))
        .expect("a request");
    let answer = routes(state).oneshot(request).await.expect("an answer");
    let status = answer.status().as_u16();
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await;
    (
        status,
        serde_json::from_slice(&body.expect("a body")).expect("JSON"),
    )
}
