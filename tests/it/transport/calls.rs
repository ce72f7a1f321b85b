//! What every call has: an id, a deadline; and the services that are not ours.

use std::time::Duration;

use muster::api::v1::*;
use muster::operations::callers::Callers;
use prost::Message as _;
use tokio_stream::StreamExt as _;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::{v1, v1alpha};
use tonic_types::StatusExt as _;

use super::raw::{call, frame};
use super::{Options, TestServer};
use crate::support::http;

/// A server that lets nobody in.
async fn closed() -> TestServer {
    TestServer::with(Options {
        callers: Callers::from_tokens(r#"{"tokens": []}"#).expect("a tokens file"),
        ..Options::default()
    })
    .await
}

#[tokio::test]
async fn health_needs_no_token() {
    let server = closed().await;
    let mut health = HealthClient::new(server.channel().await);
    let request = |service: &str| HealthCheckRequest {
        service: service.into(),
    };
    let answer = health.check(request("")).await.expect("an answer");
    assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
    let service = "muster.v1.UserImportService";
    let status = health.check(request(service)).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let details = status.get_error_details();
    assert_eq!(details.error_info().expect("ErrorInfo").reason, "NOT_FOUND");
    let not_serving = tonic_health::ServingStatus::NotServing;
    server.health.set_service_status("", not_serving).await;
    let answer = health.check(request("")).await.expect("an answer");
    assert_eq!(answer.into_inner().status(), ServingStatus::NotServing);
}

const SERVICES: [&str; 6] = [
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "muster.v1.UserImportService",
    "muster.v1.UserPoolService",
    "muster.v1.UserService",
];

/// Lists services and asks for the file of each: by each version of reflection.
macro_rules! reflection_test {
    ($name:ident, $version:ident) => {
        #[tokio::test]
        async fn $name() {
            use $version::server_reflection_client::ServerReflectionClient;
            use $version::server_reflection_request::MessageRequest;
            use $version::server_reflection_response::MessageResponse;
            let server = closed().await;
            let mut client = ServerReflectionClient::new(server.channel().await);
            let questions: Vec<_> = std::iter::once(MessageRequest::ListServices(String::new()))
                .chain(SERVICES.map(|s| MessageRequest::FileContainingSymbol(s.into())))
                .map(|question| $version::ServerReflectionRequest {
                    host: String::new(),
                    message_request: Some(question),
                })
                .collect();
            let answers = client
                .server_reflection_info(tokio_stream::iter(questions))
                .await
                .expect("answers");
            let answers: Vec<_> = answers
                .into_inner()
                .map(|answer| answer.expect("an answer").message_response)
                .collect()
                .await;
            let Some(MessageResponse::ListServicesResponse(list)) = &answers[0] else {
                panic!("no list of services: {answers:?}");
            };
            let mut names: Vec<_> = list.service.iter().map(|s| s.name.as_str()).collect();
            names.sort_unstable();
            assert_eq!(names, SERVICES);
            assert_eq!(answers.len(), 1 + SERVICES.len());
            for answer in &answers[1..] {
                let Some(MessageResponse::FileDescriptorResponse(_)) = answer else {
                    panic!("no descriptor: {answer:?}");
                };
            }
        }
    };
}

reflection_test!(reflection_v1_lists_all_services, v1);
reflection_test!(reflection_v1alpha_lists_all_services, v1alpha);

#[tokio::test]
async fn a_call_is_known_by_the_id_that_its_caller_gave() {
    let server = TestServer::new().await;
    let mut pools = server.pools().await;
    for (given, kept) in [("trace-7", true), ("two words", false), ("", false)] {
        let mut request = Request::new(ListUserPoolsRequest::default());
        let value = given.parse().expect("a header value");
        request.metadata_mut().insert("x-request-id", value);
        let answer = pools.list_user_pools(request).await.expect("an answer");
        let id = answer.metadata().get("x-request-id").expect("an id");
        let id = id.to_str().expect("text");
        assert_eq!(id == given, kept);
        assert!(kept || uuid::Uuid::try_parse(id).is_ok(), "{id}");
    }
}

/// Keeps everybody from making jobs in a pool until it is dropped.
async fn hold(server: &TestServer, pool: &str) -> sqlx::PgConnection {
    use sqlx::Connection as _;
    let url = server.test.database_url();
    let mut connection = sqlx::PgConnection::connect(url)
        .await
        .expect("a connection");
    let lock = format!("BEGIN; SELECT 1 FROM user_pools WHERE user_pool_id = '{pool}' FOR UPDATE");
    sqlx::raw_sql(sqlx::AssertSqlSafe(lock))
        .execute(&mut connection)
        .await
        .expect("a lock");
    connection
}

fn create(pool: &str) -> CreateUserImportJobRequest {
    CreateUserImportJobRequest {
        user_pool_id: pool.to_owned(),
        job_name: "slow".into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_call_ends_at_its_callers_deadline() {
    let server = TestServer::new().await;
    let pool = server.pool().await;
    let held = hold(&server, &pool).await;
    let body = frame(&create(&pool).encode_to_vec());
    // By a client that waits longer than it says: the answer is the server's.
    for timeout in ["1n", "4m", "400m"] {
        let answer = call(
            server.grpc,
            "muster.v1.UserImportService/CreateUserImportJob",
            &[("grpc-timeout", timeout)],
            body.clone(),
        )
        .await;
        assert_eq!(answer.status.code(), Code::DeadlineExceeded, "{timeout}");
        let details = answer.status.get_error_details();
        assert_eq!(
            details.error_info().expect("ErrorInfo").reason,
            "DEADLINE_EXCEEDED"
        );
    }
    let answer = call(
        server.grpc,
        "muster.v1.UserImportService/CreateUserImportJob",
        &[("grpc-timeout", "soon")],
        body,
    )
    .await;
    assert_eq!(answer.status.code(), Code::InvalidArgument);
    drop(held);
}

#[tokio::test]
async fn a_call_ends_when_the_server_has_waited_long_enough() {
    let server = TestServer::with(Options {
        request_timeout: Duration::from_millis(50),
        ..Options::default()
    })
    .await;
    let pool = server.pool().await;
    let held = hold(&server, &pool).await;
    let mut imports = server.imports().await;
    let status = imports
        .create_user_import_job(create(&pool))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(status.get_error_details().request_info().is_some());
    drop(held);
}

#[tokio::test]
async fn probes_tell_alive_from_ready() {
    let server = TestServer::new().await;
    for (ready, status) in [(true, 200), (false, 503), (true, 200)] {
        server.ready.send(ready).expect("a server");
        let answer = http::client()
            .get(server.url("/readyz"))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), status);
        let answer = http::client()
            .get(server.url("/healthz"))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.text().await.expect("text"), "ok\n");
    }
}
