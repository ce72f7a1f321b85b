//! Clients that stop, vanish, or send on after they were refused.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

use super::uploads::{put, told};
use super::{Options, PATIENCE, TestServer, csv};
use crate::support::http;

/// Opens a connection and sends the head of a PUT.
async fn begin(url: &str, headers: &str) -> TcpStream {
    let url = Url::parse(url).expect("a URL");
    let host = format!("127.0.0.1:{}", url.port().expect("a port"));
    let mut stream = TcpStream::connect(&host).await.expect("a connection");
    let target = &url[url::Position::BeforePath..];
    let head = format!("PUT {target} HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream
}

/// All that the server sends until it closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut text));
    // A reset after the answer is no loss; what counts is what was read.
    drop(read.await.expect("an end in time"));
    String::from_utf8_lossy(&text).into_owned()
}

/// Waits for what other tasks bring about.
async fn eventually(what: impl Fn() -> bool) {
    let waiting = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.expect("it comes about");
}

#[tokio::test]
async fn an_upload_that_is_cut_off_leaves_what_was_there() {
    let server = TestServer::new().await;
    let (job, url) = server.open_job().await;
    assert_eq!(put(&url, csv(3)).await.0, 200);
    let before = server.describe(&job).await.job.upload;
    let file = csv(50);
    let half = &file.as_bytes()[..file.len() / 2];
    let known = format!("content-length: {}\r\n", file.len());
    let chunk = [format!("{:x}\r\n", half.len()).as_bytes(), half, b"\r\n"].concat();
    let chunked = "transfer-encoding: chunked\r\n";
    for (headers, sent) in [(known.as_str(), half), (chunked, &chunk)] {
        // Once by a client that says it is done, and once by one that is gone.
        let mut stream = begin(&url, headers).await;
        stream.write_all(sent).await.expect("sent");
        stream.shutdown().await.expect("half closed");
        rest(&mut stream).await;
        let mut stream = begin(&url, headers).await;
        stream.write_all(sent).await.expect("sent");
        drop(stream);
        eventually(|| server.test.files() == 1).await;
        assert_eq!(server.describe(&job).await.job.upload, before);
    }
}

#[tokio::test]
async fn an_upload_that_sends_nothing_is_cut_off() {
    let server = TestServer::with(Options {
        upload_idle_timeout: Duration::from_millis(50),
        ..Options::default()
    })
    .await;
    let (job, url) = server.open_job().await;
    let mut stream = begin(&url, "content-length: 1000\r\n").await;
    stream.write_all(csv(1).as_bytes()).await.expect("sent");
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("sent nothing for"), "{answer}");
    assert!(server.describe(&job).await.job.upload.is_none());
    assert_eq!(server.test.files(), 0);
}

#[tokio::test]
async fn a_client_that_sends_on_sees_why_it_is_refused() {
    let server = TestServer::new().await;
    let (_, url) = server.open_job().await;
    let size = 100 << 20;
    let known = format!("content-length: {size}\r\n");
    for (url, headers, status) in [
        // Too large by what it says; forged; no CSV, whatever its size.
        (url.clone(), known.as_str(), "413 "),
        (format!("{url}0"), known.as_str(), "403 "),
        (url, "transfer-encoding: chunked\r\n", "400 "),
    ] {
        let stream = begin(&url, headers).await;
        let (mut from, mut to) = stream.into_split();
        // As a client that looks at the answer only after it has sent what it
        // can: the answer must not be lost to a reset meanwhile.
        let sending = tokio::spawn(async move {
            let lines = "x\n".repeat(1 << 19);
            let chunk = format!("{:x}\r\n", lines.len());
            loop {
                if to.write_all(chunk.as_bytes()).await.is_err()
                    || to.write_all(lines.as_bytes()).await.is_err()
                    || to.write_all(b"\r\n").await.is_err()
                {
                    return to;
                }
            }
        });
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        while !answer.ends_with(b"}\n") && !answer.ends_with(b"}\n\r\n") {
            let read = tokio::time::timeout(PATIENCE, from.read(&mut buffer)).await;
            let n = read.expect("in time").expect("no reset before the answer");
            assert!(n > 0, "closed before the answer");
            answer.extend_from_slice(&buffer[..n]);
        }
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
        assert!(answer.contains("connection: close"), "{answer}");
        assert!(answer.contains("\"message\""), "{answer}");
        let stopped = tokio::time::timeout(PATIENCE, sending).await;
        drop(stopped.expect("the server closes"));
    }
    assert_eq!(server.test.files(), 0);
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_not_to_send() {
    let server = TestServer::new().await;
    let (_, url) = server.open_job().await;
    let headers = "expect: 100-continue\r\ncontent-length: 104857600\r\n";
    let mut stream = begin(&url, headers).await;
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let file = csv(1);
    let headers = format!(
        "expect: 100-continue\r\nconnection: close\r\ncontent-length: {}\r\n",
        file.len()
    );
    let mut stream = begin(&url, &headers).await;
    let mut told = [0; 25];
    stream.read_exact(&mut told).await.expect("an answer");
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(file.as_bytes()).await.expect("sent");
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_connection_goes_on_after_a_refusal_that_was_read_to_its_end() {
    let server = TestServer::new().await;
    let (_, url) = server.open_job().await;
    let headers = "content-length: 9\r\n";
    let mut stream = begin(&url, headers).await;
    stream.write_all(b"nonsense\n").await.expect("sent");
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(answer, b"HTTP/1.1 400");
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .expect("sent");
    assert!(rest(&mut stream).await.contains("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn paths_and_methods_that_there_are_not_are_told_in_json() {
    let server = TestServer::new().await;
    let client = http::client();
    for (method, path, status, allow) in [
        ("GET", "/", 404, None),
        ("GET", "/v1/uploads", 404, None),
        ("PUT", "/v1/uploads/a_1/import-1/x", 404, None),
        ("POST", "/v1/uploads/a_1/import-1", 405, Some("PUT")),
        (
            "PUT",
            "/v1/user-import-jobs/import-1/rejected.csv",
            405,
            Some("GET,HEAD"),
        ),
        ("DELETE", "/healthz", 405, Some("GET,HEAD")),
        ("POST", "/readyz", 405, Some("GET,HEAD")),
    ] {
        let method = method.parse().expect("a method");
        let request = client.request(method, server.url(path));
        let answer = request.header("x-request-id", "r-1").send().await;
        let answer = answer.expect("an answer");
        let found = answer
            .headers()
            .get("allow")
            .map(|v| v.to_str().expect("text").to_owned());
        assert_eq!(found.as_deref(), allow, "{path}");
        let (found, error) = told(answer).await;
        assert_eq!(
            (found, &error["request_id"]),
            (status, &"r-1".into()),
            "{path}"
        );
    }
}
