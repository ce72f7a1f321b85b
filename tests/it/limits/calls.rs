//! How many calls are served at once, and how large they may be.

use muster::api::v1::*;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;
use url::Url;

use crate::support::gate::Gate;
use crate::support::http;
use crate::transport::raw::{call, frame};
use crate::transport::{Options, PATIENCE, TestServer, csv, ids};

/// A server that serves one call at once, on each port.
async fn busy_server() -> TestServer {
    TestServer::with(Options {
        max_calls: 1,
        ..Options::default()
    })
    .await
}

fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details.error_info().expect("ErrorInfo").reason.clone()
}

async fn list(server: &TestServer) -> Result<(), Status> {
    let mut pools = server.pools().await;
    pools
        .list_user_pools(ListUserPoolsRequest::default())
        .await
        .map(drop)
}

async fn health(server: &TestServer) -> i32 {
    let mut health = HealthClient::new(server.channel().await);
    let answer = health.check(HealthCheckRequest::default()).await;
    answer.expect("an answer").into_inner().status
}

#[tokio::test]
async fn one_call_too_many_is_told_at_once_to_come_back_and_health_is_answered() {
    let server = busy_server().await;
    let (job, _) = server.open_job().await;
    let (user_pool_id, job_id) = ids(&job);
    let mut gate = Gate::shut(&server.test, "LOCK TABLE user_import_jobs").await;
    let mut imports = server.imports().await;
    let held = tokio::spawn(async move {
        let request = DescribeUserImportJobRequest {
            user_pool_id,
            job_id,
        };
        imports.describe_user_import_job(request).await.map(drop)
    });
    gate.waiting(1).await;
    let refused = list(&server).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert_eq!(reason(&refused), "OVERLOADED");
    assert!(refused.get_error_details().retry_info().is_some());
    assert_eq!(health(&server).await, 1);
    gate.open().await;
    held.await.expect("a task").expect("the job");
    list(&server).await.expect("a place");
}

#[tokio::test]
async fn a_stream_keeps_its_place_until_it_ends() {
    let server = busy_server().await;
    let (job, _) = server.open_job().await;
    let (user_pool_id, job_id) = ids(&job);
    let mut imports = server.imports().await;
    let request = WatchUserImportJobRequest {
        user_pool_id,
        job_id,
    };
    let watched = imports.watch_user_import_job(request).await;
    let mut watched = watched.expect("a stream").into_inner();
    watched.message().await.expect("a message");
    let refused = list(&server).await.unwrap_err();
    assert_eq!(reason(&refused), "OVERLOADED");
    drop(watched);
    let free = async {
        while list(&server).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, free).await.expect("a place");
}

#[tokio::test]
async fn one_upload_too_many_is_told_to_come_back_and_probes_are_answered() {
    let server = busy_server().await;
    let (_, slow) = server.open_job().await;
    let (_, other) = server.open_job().await;
    let url = Url::parse(&slow).expect("a URL");
    let mut stream = TcpStream::connect(server.http).await.expect("a connection");
    let target = &url[url::Position::BeforePath..];
    let head = format!("PUT {target} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("sent");
    let put = async || {
        let answer = http::client().put(&other).body(csv(1)).send().await;
        answer.expect("an answer")
    };
    // Until the server has seen the first one, there is room for the other.
    let refused = async {
        loop {
            let answer = put().await;
            if answer.status() != 200 {
                return answer;
            }
        }
    };
    let refused = tokio::time::timeout(PATIENCE, refused).await;
    let refused = refused.expect("a refusal");
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    let told = refused.text().await.expect("text");
    assert!(told.contains("OVERLOADED"), "{told}");
    for path in ["/healthz", "/readyz"] {
        let answer = http::get(server.url(path)).await.expect("an answer");
        assert_eq!(answer.status(), 200);
    }
    // gRPC has places of its own.
    list(&server).await.expect("a place");
    drop(stream);
    let free = async { while put().await.status() != 200 {} };
    tokio::time::timeout(PATIENCE, free).await.expect("a place");
}

#[tokio::test]
async fn a_message_may_be_as_large_as_is_set_and_no_larger() {
    const MOST: usize = 64 << 10;
    let server = TestServer::with(Options {
        max_message_bytes: MOST,
        ..Options::default()
    })
    .await;
    let method = "muster.v1.UserPoolService/ListUserPools";
    let request = |length: usize| {
        let request = ListUserPoolsRequest {
            page_token: "x".repeat(length),
            ..Default::default()
        };
        frame(&request.encode_to_vec())
    };
    let answer = call(server.grpc, method, &[], request(MOST - 100)).await;
    assert_eq!(reason(&answer.status), "INVALID_PAGE_TOKEN");
    let answer = call(server.grpc, method, &[], request(MOST)).await;
    assert_eq!(answer.status.code(), Code::ResourceExhausted);
    assert_eq!(reason(&answer.status), "MESSAGE_TOO_LARGE");
    // A connection that was refused something is none the worse for it.
    let mut stream = TcpStream::connect(server.http).await.expect("a connection");
    let get = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(get.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
