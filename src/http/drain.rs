//! An answer to a client that is still sending.
//!
//! A connection that is closed with bytes in it that nobody has read is reset,
//! and the reset may overtake the answer. So the answer goes out at once, and
//! what the client goes on sending is read and thrown away for a while, before
//! the end of the answer lets the connection close.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::HeaderValue;
use axum::http::header::{CONNECTION, CONTENT_LENGTH};
use axum::response::Response;
use futures_util::stream::{self, StreamExt as _};
use tokio::time::Instant;

use super::body::Rest;

/// What a client can have on its way before it sees the answer: the buffers of
/// both sockets, generously.
const MAX_BYTES: usize = 16 << 20;
const MAX_TIME: Duration = Duration::from_secs(1);

/// Closes the connection after an answer, in such a way that the client sees
/// the answer. `expects` is whether the client waits to be told to send.
pub(super) fn answer_and_close(mut response: Response, rest: Rest, expects: bool) -> Response {
    if rest.ended {
        return response;
    }
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    if expects && !rest.asked {
        return response;
    }
    // The length would end the answer too early.
    response.headers_mut().remove(CONTENT_LENGTH);
    response.map(|answer| {
        let drained = stream::once(drain(rest.body)).filter_map(|()| async { None });
        Body::from_stream(answer.into_data_stream().chain(drained))
    })
}

async fn drain(mut body: BodyDataStream) {
    let end = Instant::now() + MAX_TIME;
    let mut bytes = 0;
    while bytes < MAX_BYTES {
        match tokio::time::timeout_at(end, body.next()).await {
            Ok(Some(Ok(piece))) => bytes += piece.len(),
            _ => break,
        }
    }
}
