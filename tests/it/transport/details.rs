//! What an error says over the wire.

use muster::api::v1::*;
use muster::operations::callers::Callers;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::raw::{call, frame};
use super::{Options, TestServer, bearing, ids, tokens};

/// Demands a code and a reason, and the details that every error has.
fn details(status: &Status, code: Code, reason: &str) -> ErrorDetails {
    assert_eq!(status.code(), code, "{status:?}");
    let details = status.get_error_details();
    let info = details.error_info().expect("ErrorInfo");
    assert_eq!((&*info.reason, &*info.domain), (reason, "muster"));
    let request = details.request_info().expect("RequestInfo");
    let header = status.metadata().get("x-request-id").expect("a header");
    assert_eq!(header.to_str().expect("text"), request.request_id);
    details
}

#[tokio::test]
async fn each_faulty_field_is_named() {
    let server = TestServer::new().await;
    let mut imports = server.imports().await;
    let request = DescribeUserImportJobRequest {
        user_pool_id: "no pool".into(),
        job_id: "job-1".into(),
    };
    let status = imports.describe_user_import_job(request).await.unwrap_err();
    let details = details(&status, Code::InvalidArgument, "INVALID_FIELD");
    let fields: Vec<_> = details
        .bad_request()
        .expect("BadRequest")
        .field_violations
        .iter()
        .map(|v| (&*v.field, &*v.description))
        .collect();
    assert_eq!(
        fields,
        [
            ("user_pool_id", r"must match [\w-]+_[0-9a-zA-Z]+"),
            ("job_id", "must match import-[0-9a-zA-Z-]+"),
        ]
    );
}

#[tokio::test]
async fn unknown_numbers_and_invented_page_tokens_are_invalid() {
    let server = TestServer::new().await;
    let pool = server.pool().await;
    let request = CreateUserPoolRequest {
        pool_name: "p".into(),
        mfa_configuration: 99,
        ..Default::default()
    };
    let mut pools = server.pools().await;
    let status = pools.create_user_pool(request).await.unwrap_err();
    let found = details(&status, Code::InvalidArgument, "INVALID_FIELD");
    let violation = &found.bad_request().expect("BadRequest").field_violations[0];
    assert_eq!(violation.field, "mfa_configuration");

    let request = ListUsersRequest {
        user_pool_id: pool,
        page_token: "bm9uc2Vuc2U".into(),
        ..Default::default()
    };
    let status = server.users().await.list_users(request).await.unwrap_err();
    let found = details(&status, Code::InvalidArgument, "INVALID_PAGE_TOKEN");
    let violation = &found.bad_request().expect("BadRequest").field_violations[0];
    assert_eq!(violation.field, "page_token");
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let server = TestServer::new().await;
    let (job, _) = server.open_job().await;
    let (pool, _) = ids(&job);
    let mut users = server.users().await;
    let request = |user_pool_id: &str| DescribeUserRequest {
        user_pool_id: user_pool_id.into(),
        username: "ann@example.com".into(),
    };
    let status = users.describe_user(request("local_1")).await.unwrap_err();
    let found = details(&status, Code::NotFound, "USER_POOL_NOT_FOUND");
    let resource = found.resource_info().expect("ResourceInfo");
    assert_eq!(
        (&*resource.resource_type, &*resource.resource_name),
        ("UserPool", "local_1")
    );
    assert_eq!(status.message(), "User pool local_1 does not exist.");

    let status = users.describe_user(request(&pool)).await.unwrap_err();
    details(&status, Code::NotFound, "USER_NOT_FOUND");
    assert!(!format!("{status:?}").contains("ann@"), "{status:?}");

    let request = StopUserImportJobRequest {
        user_pool_id: pool,
        job_id: "import-ABC".into(),
    };
    let mut imports = server.imports().await;
    let status = imports.stop_user_import_job(request).await.unwrap_err();
    let found = details(&status, Code::NotFound, "USER_IMPORT_JOB_NOT_FOUND");
    let resource = found.resource_info().expect("ResourceInfo");
    assert_eq!(resource.resource_name, "import-ABC");
}

#[tokio::test]
async fn a_state_that_forbids_it_is_told() {
    let server = TestServer::new().await;
    let (job, _) = server.open_job().await;
    let (user_pool_id, job_id) = ids(&job);
    let request = StartUserImportJobRequest {
        user_pool_id,
        job_id: job_id.clone(),
        ..Default::default()
    };
    let mut imports = server.imports().await;
    let status = imports.start_user_import_job(request).await.unwrap_err();
    let found = details(&status, Code::FailedPrecondition, "NO_UPLOAD");
    let violation = &found
        .precondition_failure()
        .expect("PreconditionFailure")
        .violations[0];
    let message = format!("No csv file was uploaded for {job_id}");
    assert_eq!(
        (
            &*violation.r#type,
            &*violation.subject,
            &*violation.description
        ),
        ("NO_UPLOAD", &*job_id, &*message)
    );
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_told() {
    let server = TestServer::with(Options {
        max_jobs_per_pool: 1,
        ..Options::default()
    })
    .await;
    let (job, _) = server.open_job().await;
    let (pool, _) = ids(&job);
    let request = CreateUserImportJobRequest {
        user_pool_id: pool.clone(),
        job_name: "one too many".into(),
        ..Default::default()
    };
    let mut imports = server.imports().await;
    let status = imports.create_user_import_job(request).await.unwrap_err();
    let found = details(&status, Code::ResourceExhausted, "TOO_MANY_JOBS");
    let violation = &found.quota_failure().expect("QuotaFailure").violations[0];
    assert!(violation.subject.contains(&pool));
}

#[tokio::test]
async fn callers_are_told_what_they_lack() {
    let server = TestServer::with(Options {
        callers: Callers::from_tokens(&tokens(&[("r", "reader", "*")])).expect("tokens"),
        ..Options::default()
    })
    .await;
    let mut pools = server.pools().await;
    let request = CreateUserPoolRequest::default;
    let status = pools.create_user_pool(request()).await.unwrap_err();
    details(&status, Code::Unauthenticated, "UNAUTHENTICATED");
    let status = pools
        .create_user_pool(bearing("r", request()))
        .await
        .unwrap_err();
    details(&status, Code::PermissionDenied, "PERMISSION_DENIED");
    assert!(status.message().contains("admin"), "{status:?}");
}

#[tokio::test]
async fn a_database_that_is_away_is_worth_another_try() {
    let server = TestServer::new().await;
    let mut pools = server.pools().await;
    server.test.db.close().await;
    let request = ListUserPoolsRequest::default();
    let status = pools.list_user_pools(request).await.unwrap_err();
    let found = details(&status, Code::Unavailable, "DATABASE_UNAVAILABLE");
    let retry = found.retry_info().expect("RetryInfo").retry_delay;
    assert!(retry.is_some_and(|delay| !delay.is_zero()));
}

#[tokio::test]
async fn a_bug_tells_nothing_of_the_inside() {
    let server = TestServer::new().await;
    let pool = server.pool().await;
    server.sql("ALTER TABLE users RENAME TO treasure").await;
    let request = ListUsersRequest {
        user_pool_id: pool,
        ..Default::default()
    };
    let status = server.users().await.list_users(request).await.unwrap_err();
    details(&status, Code::Internal, "INTERNAL");
    let told = format!("{status:?}").to_lowercase();
    for inside in ["relation", "users", "sql", "select"] {
        assert!(!told.contains(inside), "{told}");
    }
}

#[tokio::test]
async fn nonsense_is_refused_with_details_too() {
    let server = TestServer::new().await;
    let list = "muster.v1.UserPoolService/ListUserPools";
    let huge = frame(&vec![0; (4 << 20) + 1]);
    for (method, body, code, reason) in [
        (
            "muster.v1.UserPoolService/Nothing",
            frame(b""),
            Code::Unimplemented,
            "UNKNOWN_METHOD",
        ),
        (
            "nothing.at/All",
            frame(b""),
            Code::Unimplemented,
            "UNKNOWN_METHOD",
        ),
        (
            list,
            frame(b"\xff\xff\xff"),
            Code::InvalidArgument,
            "MALFORMED_MESSAGE",
        ),
        (list, Vec::new(), Code::InvalidArgument, "MALFORMED_MESSAGE"),
        (list, huge, Code::ResourceExhausted, "MESSAGE_TOO_LARGE"),
    ] {
        let answer = call(server.grpc, method, &[], body).await;
        details(&answer.status, code, reason);
        assert!(!answer.status.message().is_empty());
    }
}

#[tokio::test]
async fn a_request_that_is_all_wrong_gets_an_answer_that_fits() {
    let server = TestServer::new().await;
    let request = CreateUserPoolRequest {
        pool_name: "p".into(),
        required_attributes: vec!["nonsense".into(); 50_000],
        custom_attributes: vec![CustomAttribute::default(); 50_000],
        ..Default::default()
    };
    let status = server
        .pools()
        .await
        .create_user_pool(request)
        .await
        .unwrap_err();
    let found = details(&status, Code::InvalidArgument, "INVALID_FIELD");
    assert!(found.bad_request().is_some());
}

#[tokio::test]
async fn a_page_of_the_largest_users_fits() {
    let server = TestServer::new().await;
    let (job, _) = server.open_job().await;
    let (pool, _) = ids(&job);
    let uuid = job.job.job_id.0;
    // 2,048 characters of four bytes in each text attribute.
    server
        .sql(&format!(
            "INSERT INTO users (user_pool_id, username_key, username, sub, name, given_name, family_name,
                 middle_name, nickname, profile, picture, website, address, user_create_date, import_job_id, import_line)
             SELECT '{pool}', 'u' || n, 'u' || n, gen_random_uuid(), v, v, v, v, v, v, v, v, v,
                 now(), '{uuid}', n
             FROM generate_series(2, 61) n, (SELECT repeat('\u{1F600}', 2048) v) x"
        ))
        .await;
    let request = ListUsersRequest {
        user_pool_id: pool,
        page_size: 60,
        ..Default::default()
    };
    let mut users = server.users().await.max_decoding_message_size(64 << 20);
    let page = users
        .list_users(request)
        .await
        .expect("a page")
        .into_inner();
    assert_eq!(page.users.len(), 60);
    assert_eq!(page.users[0].attributes["website"].chars().count(), 2048);
}
