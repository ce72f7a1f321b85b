//! A gRPC client that knows nothing of gRPC: it sends what it is told, over
//! one connection after the other.

use std::net::SocketAddr;

use std::time::Duration;

use axum::http::{HeaderMap, Request, StatusCode};
use bytes::Bytes;
use h2::client::SendRequest;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tonic::Status;

/// Calls over one connection.
const CALLS: u32 = 500;
/// Answers are not read further than that.
const MAX_ANSWER: usize = 1 << 20;

/// How long a caller waits that hangs up anyway.
const A_MOMENT: Duration = Duration::from_millis(20);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub http: StatusCode,
    /// Where the status is: in the trailers, or else in the headers; `None` when
    /// the answer was not waited for to its end.
    pub end: Option<HeaderMap>,
    pub headers: HeaderMap,
    /// Messages, without their frames' heads.
    pub messages: Vec<Bytes>,
}

impl Answer {
    pub fn status(&self) -> Option<Status> {
        Status::from_header_map(self.end.as_ref()?)
    }
}

/// The connection, and how often it was used.
pub struct Client {
    server: SocketAddr,
    connection: Mutex<Option<(SendRequest<Bytes>, u32)>>,
}

impl Client {
    pub fn new(server: SocketAddr) -> Self {
        Self {
            server,
            connection: Mutex::new(None),
        }
    }

    /// Sends a request, and reads its answer. Of an answer that goes on until
    /// its caller hangs up, `first_only` reads the first message. `None` for a
    /// request that HTTP/2 does not let out.
    pub async fn call(
        &self,
        request: Request<()>,
        body: Bytes,
        first_only: bool,
    ) -> Option<Answer> {
        // A connection may end between two calls, but not twice in a row.
        for last in [false, true] {
            let mut client = self.ready().await;
            let (head, ()) = request.clone().into_parts();
            let (answer, mut out) = match client.send_request(Request::from_parts(head, ()), false)
            {
                Ok(sent) => sent,
                Err(error) if error.is_io() || error.is_go_away() => {
                    assert!(!last, "the connection is gone: {error}");
                    *self.connection.lock().await = None;
                    continue;
                }
                Err(_) => return None,
            };
            // A server that has heard enough need not take the rest.
            drop(out.send_data(body.clone(), true));
            match read(answer, first_only).await {
                Ok(answer) => return Some(answer),
                Err(error) => {
                    let gone = error.is_io() || error.is_go_away();
                    assert!(gone && !last, "no whole answer: {error}");
                    *self.connection.lock().await = None;
                }
            }
        }
        None
    }

    /// Sends a request, and hangs up as soon as the answer begins to come.
    pub async fn hang_up(&self, request: Request<()>, body: Bytes) {
        let mut client = self.ready().await;
        let Ok((answer, mut out)) = client.send_request(request, false) else {
            return;
        };
        drop(out.send_data(body, true));
        // What does not come at all is no worse.
        let begun = async { answer.await.ok()?.into_body().data().await };
        drop(tokio::time::timeout(A_MOMENT, begun).await);
    }

    async fn ready(&self) -> SendRequest<Bytes> {
        let mut connection = self.connection.lock().await;
        if let Some((client, calls)) = connection.as_mut().filter(|(_, calls)| *calls < CALLS)
            && let Ok(ready) = client.clone().ready().await
        {
            *calls += 1;
            return ready;
        }
        let stream = TcpStream::connect(self.server).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        let (client, driver) = h2::client::handshake(stream).await.expect("HTTP/2");
        tokio::spawn(driver);
        let ready = client.clone().ready().await.expect("a connection");
        *connection = Some((client, 1));
        ready
    }
}

async fn read(answer: h2::client::ResponseFuture, first_only: bool) -> Result<Answer, h2::Error> {
    let (head, mut body) = answer.await?.into_parts();
    let mut answer = Answer {
        http: head.status,
        end: None,
        headers: head.headers,
        messages: Vec::new(),
    };
    let mut received = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        received.extend_from_slice(&data);
        take_messages(&mut received, &mut answer.messages);
        if first_only && !answer.messages.is_empty() {
            return Ok(answer);
        }
        assert!(received.len() < MAX_ANSWER, "an answer without end");
    }
    assert!(received.is_empty(), "half a message: {received:?}");
    let trailers = body.trailers().await?;
    answer.end = Some(trailers.unwrap_or_else(|| answer.headers.clone()));
    Ok(answer)
}

/// Takes whole messages off what was received.
fn take_messages(received: &mut Vec<u8>, messages: &mut Vec<Bytes>) {
    while let [flag, a, b, c, d, rest @ ..] = &received[..] {
        assert_eq!(*flag, 0, "an answer is compressed");
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let Some(message) = rest.get(..length) else {
            break;
        };
        messages.push(Bytes::copy_from_slice(message));
        received.drain(..5 + length);
    }
}
