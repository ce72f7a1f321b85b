//! A gRPC client that knows nothing of gRPC: it sends what it is told, and
//! neither watches deadlines nor refuses to send nonsense.

use std::net::SocketAddr;

use axum::http::Request;
use bytes::Bytes;
use tokio::net::TcpStream;
use tonic::Status;

use super::PATIENCE;

/// What came back.
pub struct Answer {
    pub status: Status,
    /// Messages, without their frames' heads.
    pub messages: Vec<Bytes>,
}

/// A message in a frame of gRPC.
pub fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("a short message");
    let mut frame = vec![0];
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(message);
    frame
}

/// Calls a method with whatever headers and body.
pub async fn call(
    server: SocketAddr,
    method: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Answer {
    tokio::time::timeout(PATIENCE, send(server, method, headers, body))
        .await
        .expect("an answer in time")
}

async fn send(server: SocketAddr, method: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
    let stream = TcpStream::connect(server).await.expect("a connection");
    let (client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    let connection = tokio::spawn(connection);
    let mut client = client.ready().await.expect("a connection");
    let mut request = Request::post(format!("http://{server}/{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(()).expect("a request");
    let (response, mut out) = client.send_request(request, false).expect("sent");
    out.send_data(body.into(), true).expect("sent");
    let (head, mut body) = response.await.expect("an answer").into_parts();
    let mut received = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.expect("data");
        let freed = body.flow_control().release_capacity(data.len());
        freed.expect("capacity");
        received.extend_from_slice(&data);
    }
    let trailers = body.trailers().await.expect("the end");
    connection.abort();
    let status = Status::from_header_map(trailers.as_ref().unwrap_or(&head.headers));
    Answer {
        status: status.expect("a status"),
        messages: messages(&received),
    }
}

fn messages(mut received: &[u8]) -> Vec<Bytes> {
    let mut messages = Vec::new();
    while let [0, a, b, c, d, rest @ ..] = received {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let (message, next) = rest.split_at(length);
        messages.push(Bytes::copy_from_slice(message));
        received = next;
    }
    messages
}
