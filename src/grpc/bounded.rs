//! The messages of an answer, which end early with a status of their own when
//! the caller's time is up or the server goes away.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;

use crate::domain::error::Error;

/// The body of an answer until something ends it. Whatever the body has ready
/// goes first, so that only a stream that waits is ended.
pub(super) struct Bounded<R> {
    body: Body,
    /// Answers why the body ends; `None` once it has.
    until: Option<Pin<Box<dyn Future<Output = Error> + Send>>>,
    /// Makes a status of it.
    refuse: R,
}

impl<R: Fn(&Error) -> Status> Bounded<R> {
    pub(super) fn new(
        body: Body,
        until: impl Future<Output = Error> + Send + 'static,
        refuse: R,
    ) -> Self {
        Self {
            body,
            until: Some(Box::pin(until)),
            refuse,
        }
    }
}

impl<R: Fn(&Error) -> Status + Unpin> HttpBody for Bounded<R> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let Some(until) = &mut this.until else {
            return Poll::Ready(None);
        };
        // Every frame of the encoder is whole messages: between two frames is
        // a place to end.
        if let ready @ Poll::Ready(_) = Pin::new(&mut this.body).poll_frame(cx) {
            return ready;
        }
        let Poll::Ready(error) = until.as_mut().poll(cx) else {
            return Poll::Pending;
        };
        this.until = None;
        // What fed the stream stops now, not when the caller has read on.
        this.body = Body::empty();
        let mut trailers = HeaderMap::new();
        Poll::Ready(Some(
            match (this.refuse)(&error).add_header(&mut trailers) {
                Ok(()) => Ok(Frame::trailers(trailers)),
                Err(status) => Err(axum::Error::new(status)),
            },
        ))
    }

    fn is_end_stream(&self) -> bool {
        self.until.is_none() || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.until {
            Some(_) => self.body.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}
