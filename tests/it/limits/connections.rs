//! How many connections there are, and how long they last.

use std::time::Duration;

use axum::http::Request;
use futures_util::FutureExt as _;
use h2::client::SendRequest;
use muster::api::v1::{ListUserPoolsRequest, WatchUserImportJobRequest};
use muster::process::listen::ConnectionLimits;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tonic::Code;

use crate::support::gate::Gate;
use crate::support::http;
use crate::support::watch::in_time;
use crate::transport::raw::frame;
use crate::transport::{Options, PATIENCE, TestServer, ids};

async fn server(change: impl FnOnce(&mut ConnectionLimits)) -> TestServer {
    let mut connections = ConnectionLimits::default();
    change(&mut connections);
    TestServer::with(Options {
        connections,
        ..Options::default()
    })
    .await
}

/// All that the server says until it closes the connection.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    // A reset is an end as well.
    drop(in_time(stream.read_to_end(&mut said)).await);
    said
}

async fn connect(server: &TestServer) -> TcpStream {
    let stream = TcpStream::connect(server.grpc).await;
    stream.expect("a connection")
}

/// A connection of HTTP/2, and the task that drives it.
async fn http2(server: &TestServer) -> (SendRequest<bytes::Bytes>, JoinHandle<()>) {
    let stream = connect(server).await;
    let (client, mut connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    let mut ping = connection.ping_pong().expect("the only one");
    let driver = tokio::spawn(async move { drop(connection.await) });
    // By now the server's settings have come.
    let pong = in_time(ping.ping(h2::Ping::opaque())).await;
    pong.expect("an answer");
    (client, driver)
}

fn request(server: &TestServer, method: &str) -> Request<()> {
    Request::post(format!("http://{}/{method}", server.grpc))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .expect("a request")
}

#[tokio::test]
async fn one_connection_too_many_is_closed_and_there_is_room_when_another_ends() {
    let server = server(|limits| limits.connections = 2).await;
    let (first, driver) = http2(&server).await;
    let _second = http2(&server).await;
    assert!(rest(&mut connect(&server).await).await.is_empty());
    // The other port has room of its own.
    let answer = http::get(server.url("/healthz")).await;
    assert_eq!(answer.expect("an answer").status(), 200);
    drop(first);
    driver.abort();
    let room = async {
        loop {
            let stream = connect(&server).await;
            let hello = async {
                let (client, connection) = h2::client::handshake(stream).await.ok()?;
                tokio::spawn(connection);
                let mut client = client.ready().await.ok()?;
                let sent = client.send_request(request(&server, "none"), true);
                sent.ok()?.0.await.ok()
            };
            if hello.await.is_some() {
                return;
            }
        }
    };
    in_time(room).await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_or_half_a_head_is_closed() {
    let server = server(|limits| limits.header_timeout = Duration::from_millis(200)).await;
    for said in ["", "PRI * HTTP/2.0\r\n"] {
        let mut stream = connect(&server).await;
        stream.write_all(said.as_bytes()).await.expect("sent");
        rest(&mut stream).await;
    }
    for said in ["", "GET /healthz HTTP/1.1\r\nhost: x\r\n"] {
        let stream = TcpStream::connect(server.http).await;
        let mut stream = stream.expect("a connection");
        stream.write_all(said.as_bytes()).await.expect("sent");
        let answer = String::from_utf8_lossy(&rest(&mut stream).await).into_owned();
        assert!(!answer.contains("200"), "{answer}");
    }
    // One that has said what it is may be silent.
    let (client, driver) = http2(&server).await;
    rest(&mut connect(&server).await).await;
    assert!(!driver.is_finished());
    drop(client);
}

#[tokio::test]
async fn an_http_connection_may_wait_so_long_for_its_next_request() {
    let server = server(|limits| {
        limits.header_timeout = Duration::from_millis(100);
        limits.idle_timeout = Duration::from_millis(200);
    })
    .await;
    let mut stream = TcpStream::connect(server.http).await.expect("a connection");
    let get = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    for rest in ["", "GET /heal"] {
        stream.write_all(get.as_bytes()).await.expect("sent");
        stream.write_all(rest.as_bytes()).await.expect("sent");
        let said = self::rest(&mut stream).await;
        assert!(said.starts_with(b"HTTP/1.1 200"));
        stream = TcpStream::connect(server.http).await.expect("a connection");
    }
}

#[tokio::test]
async fn a_connection_has_so_many_streams_and_no_more() {
    let server = server(|limits| limits.streams = 2).await;
    let (job, _) = server.open_job().await;
    let (user_pool_id, job_id) = ids(&job);
    let watch = WatchUserImportJobRequest {
        user_pool_id,
        job_id,
    };
    let (client, _driver) = http2(&server).await;
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut client = in_time(client.clone().ready()).await.expect("a stream");
        let method = "muster.v1.UserImportService/WatchUserImportJob";
        let sent = client.send_request(request(&server, method), false);
        let (answer, mut body) = sent.expect("sent");
        body.send_data(frame(&watch.encode_to_vec()).into(), true)
            .expect("sent");
        streams.push(in_time(answer).await.expect("a stream that goes on"));
    }
    let mut third = client.clone();
    let method = "muster.v1.UserPoolService/ListUserPools";
    let sent = third.send_request(request(&server, method), false);
    let (answer, mut body) = sent.expect("queued");
    let list = frame(&ListUserPoolsRequest::default().encode_to_vec());
    body.send_data(list.into(), true).expect("queued");
    let mut answer = Box::pin(answer);
    assert!(answer.as_mut().now_or_never().is_none());
    assert_eq!(client.current_max_send_streams(), 2);
    // When one ends, it is its turn.
    drop(streams.pop());
    let answer = in_time(answer).await.expect("an answer");
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_client_that_does_not_say_that_it_is_there_is_given_up() {
    let server = server(|limits| {
        limits.keepalive_interval = Duration::from_millis(100);
        limits.keepalive_timeout = Duration::from_millis(100);
    })
    .await;
    // Preface and empty SETTINGS, and then nothing, not even to a PING.
    let hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let mut stream = connect(&server).await;
    stream.write_all(hello).await.expect("sent");
    assert!(!rest(&mut stream).await.is_empty());
}

#[tokio::test]
async fn an_old_connection_finishes_its_calls_and_takes_no_more() {
    let server = server(|limits| {
        limits.age = Duration::from_millis(300);
        limits.age_grace = PATIENCE;
    })
    .await;
    let mut gate = Gate::shut(&server.test, "LOCK TABLE user_pools").await;
    let (client, driver) = http2(&server).await;
    let method = "muster.v1.UserPoolService/ListUserPools";
    let list = frame(&ListUserPoolsRequest::default().encode_to_vec());
    let mut sender = client.clone();
    let sent = sender.send_request(request(&server, method), false);
    let (answer, mut body) = sent.expect("sent");
    body.send_data(list.into(), true).expect("sent");
    gate.waiting(1).await;
    // Until it is told to go elsewhere.
    let old = async {
        while client.clone().ready().await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    in_time(old).await;
    gate.open().await;
    assert_eq!(in_time(answer).await.expect("an answer").status(), 200);
    drop((client, sender, body));
    in_time(driver).await.expect("an end");
    // A download's connection ends as well, once it is at rest.
    let mut stream = TcpStream::connect(server.http).await.expect("a connection");
    let get = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    stream.write_all(get.as_bytes()).await.expect("sent");
    let said = rest(&mut stream).await;
    assert!(said.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn a_call_that_outlasts_the_grace_of_its_connection_is_cut_off() {
    let server = server(|limits| {
        limits.age = Duration::from_millis(100);
        limits.age_grace = Duration::from_millis(100);
    })
    .await;
    let (job, _) = server.open_job().await;
    let (user_pool_id, job_id) = ids(&job);
    let request = WatchUserImportJobRequest {
        user_pool_id,
        job_id,
    };
    let mut imports = server.imports().await;
    let watched = imports.watch_user_import_job(request).await;
    let mut watched = watched.expect("a stream").into_inner();
    let end = async {
        loop {
            match watched.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the job has not ended"),
                Err(status) => return status,
            }
        }
    };
    let status = in_time(end).await;
    assert_ne!(status.code(), Code::Ok);
}

#[tokio::test]
async fn a_drain_waits_for_calls_and_not_for_who_says_nothing() {
    let server = server(|limits| limits.header_timeout = Duration::from_secs(600)).await;
    let mut silent = [
        connect(&server).await,
        TcpStream::connect(server.http).await.expect("a connection"),
    ];
    let (client, driver) = http2(&server).await;
    server.draining.cancel();
    for stream in &mut silent {
        rest(stream).await;
    }
    drop(client);
    in_time(driver).await.expect("an end");
    assert!(TcpStream::connect(server.grpc).await.is_err());
}
