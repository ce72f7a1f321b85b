//! The body of an upload, as pieces, from a client that may stop or vanish.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody as _};
use futures_util::stream::{self, BoxStream, StreamExt as _};
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::domain::error::{Error, Reason};

/// What is left of a body when its reader is done with it.
pub(super) struct Rest {
    pub(super) body: BodyDataStream,
    /// Whether anything was asked of it: until then, a client that sent
    /// `Expect: 100-continue` sends nothing.
    pub(super) asked: bool,
    /// Whether nothing more comes from it.
    pub(super) ended: bool,
}

/// The handler's side of a body that is being read elsewhere.
pub(super) struct Reading {
    rest: oneshot::Receiver<Rest>,
    idle: Arc<AtomicBool>,
    /// While this is there, so is the connection.
    _connected: DropGuard,
}

impl Reading {
    /// What is left of the body; `None` while it is still read.
    pub(super) fn rest(&mut self) -> Option<Rest> {
        self.rest.try_recv().ok()
    }

    /// Whether the body was given up because it sent nothing for too long.
    pub(super) fn was_idle(&self) -> bool {
        self.idle.load(Ordering::Relaxed)
    }
}

struct Reader {
    rest: Option<Rest>,
    back: Option<oneshot::Sender<Rest>>,
    idle_timeout: Duration,
    idle: Arc<AtomicBool>,
    connected: CancellationToken,
    /// Bytes that are still to come, where the client said how many.
    missing: Option<u64>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let (Some(rest), Some(back)) = (self.rest.take(), self.back.take()) {
            // A handler that is gone has no use for it.
            drop(back.send(rest));
        }
    }
}

/// Splits a body into its pieces and the handler's side of it. The pieces end
/// in an error unless the body is whole.
pub(super) fn read(
    body: Body,
    idle_timeout: Duration,
) -> (BoxStream<'static, Result<Bytes, Error>>, Reading) {
    let (back, rest) = oneshot::channel();
    let idle = Arc::new(AtomicBool::new(false));
    let connected = CancellationToken::new();
    let reader = Reader {
        missing: body.size_hint().exact(),
        rest: Some(Rest {
            body: body.into_data_stream(),
            asked: false,
            ended: false,
        }),
        back: Some(back),
        idle_timeout,
        idle: idle.clone(),
        connected: connected.clone(),
    };
    let pieces = stream::try_unfold(reader, |mut reader| async move {
        Ok(reader.piece().await?.map(|piece| (piece, reader)))
    });
    let reading = Reading {
        rest,
        idle,
        _connected: connected.drop_guard(),
    };
    (pieces.boxed(), reading)
}

impl Reader {
    async fn piece(&mut self) -> Result<Option<Bytes>, Error> {
        let Some(rest) = &mut self.rest else {
            return Ok(None);
        };
        rest.asked = true;
        match tokio::time::timeout(self.idle_timeout, rest.body.next()).await {
            Err(_) => {
                self.idle.store(true, Ordering::Relaxed);
                Err(silent(self.idle_timeout))
            }
            Ok(Some(Ok(piece))) => {
                let length = piece.len() as u64;
                self.missing = self.missing.map(|missing| missing.saturating_sub(length));
                rest.ended = self.missing == Some(0);
                Ok(Some(piece))
            }
            Ok(Some(Err(error))) => {
                rest.ended = true;
                Err(broken_off().with_source(error))
            }
            Ok(None) => {
                rest.ended = true;
                // A connection that goes down just ends the body. When the
                // client said how long the body is, that tells; when it did
                // not, whether somebody still waits for the answer.
                let whole = match self.missing {
                    Some(missing) => missing == 0,
                    None => !self.connected.is_cancelled(),
                };
                if whole { Ok(None) } else { Err(broken_off()) }
            }
        }
    }
}

fn silent(timeout: Duration) -> Error {
    let seconds = timeout.as_secs();
    Error::invalid_upload(format!("The upload sent nothing for {seconds} seconds."))
        .because(Reason::DeadlineExceeded)
}

fn broken_off() -> Error {
    Error::invalid_upload("The upload broke off before its end.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::error::ErrorKind;

    const LONG: Duration = Duration::from_secs(60);

    fn chunked(pieces: &'static [&'static str]) -> Body {
        let pieces = pieces
            .iter()
            .map(|p| Ok::<_, std::io::Error>(Bytes::from_static(p.as_bytes())));
        Body::from_stream(stream::iter(pieces))
    }

    #[tokio::test]
    async fn a_whole_body_ends_without_an_error() {
        let (pieces, mut reading) = read(chunked(&["a", "b"]), LONG);
        let pieces: Vec<_> = pieces.collect().await;
        assert_eq!(pieces.len(), 2);
        assert!(pieces.iter().all(Result::is_ok));
        let rest = reading.rest().expect("given back");
        assert!(rest.asked && rest.ended && !reading.was_idle());
    }

    #[tokio::test]
    async fn a_body_of_a_connection_that_went_down_is_not_whole() {
        let (mut pieces, reading) = read(chunked(&["a"]), LONG);
        assert!(pieces.next().await.expect("a piece").is_ok());
        drop(reading);
        let error = pieces.next().await.expect("an end").expect_err("not whole");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        // Of a body of known length every byte is there, and so it is whole.
        let (pieces, reading) = read(Body::from("abc"), LONG);
        drop(reading);
        assert!(pieces.all(|p| std::future::ready(p.is_ok())).await);
    }

    #[tokio::test]
    async fn a_body_that_sends_nothing_is_given_up() {
        let body = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let (mut pieces, mut reading) = read(body, Duration::from_millis(1));
        let error = pieces.next().await.expect("an end").expect_err("given up");
        assert!(error.to_string().contains("sent nothing for"));
        assert!(reading.was_idle());
        drop(pieces);
        assert!(!reading.rest().expect("given back").ended);
    }

    #[test]
    fn a_body_that_nobody_asked_for_is_given_back_so() {
        let (pieces, mut reading) = read(chunked(&["a"]), LONG);
        assert!(reading.rest().is_none());
        drop(pieces);
        assert!(!reading.rest().expect("given back").asked);
    }
}
