//! How long a call took and what came of it, by the methods that there are.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::response::Response;
use http_body::{Body as HttpBody, Frame, SizeHint};
use prost::{DecodeError, Message as _};
use prost_types::FileDescriptorSet;
use tonic::{Code, Status};

use super::status;
use crate::meters::{CallTimer, Front, UNKNOWN_METHOD, Word};

/// The methods of the port, by their paths.
#[derive(Clone, Debug)]
pub(super) struct Methods(Arc<HashMap<String, Word>>);

impl Methods {
    /// The methods that descriptors name.
    ///
    /// # Errors
    /// When they are no descriptors.
    pub(super) fn read(descriptors: &[&[u8]]) -> Result<Self, DecodeError> {
        let mut methods = HashMap::new();
        for set in descriptors {
            for file in FileDescriptorSet::decode(*set)?.file {
                for service in &file.service {
                    for method in &service.method {
                        let name =
                            format!("{}.{}/{}", file.package(), service.name(), method.name());
                        let word = Word::from(Arc::<str>::from(name.as_str()));
                        methods.insert(format!("/{name}"), word);
                    }
                }
            }
        }
        Ok(Self(Arc::new(methods)))
    }

    /// Begins to time a call.
    pub(super) fn timer(&self, path: &str) -> CallTimer {
        match self.0.get(path) {
            Some(method) => CallTimer::begin(Front::Grpc, method.clone()),
            None => CallTimer::begin(Front::Grpc, UNKNOWN_METHOD),
        }
    }
}

/// The body of an answer, which ends with the call's status. One that is
/// dropped before that was not waited for.
pub(super) struct Measured {
    body: Body,
    timer: CallTimer,
}

impl Measured {
    /// Times an answer to its end.
    pub(super) fn over(response: Response, mut timer: CallTimer) -> Response {
        // A status in the headers, or nothing that could bring one.
        if let Some(status) = Status::from_header_map(response.headers()) {
            timer.end(status::name(status.code()));
            return response;
        }
        if response.body().is_end_stream() {
            timer.end(status::name(Code::Unknown));
            return response;
        }
        response.map(|body| Body::new(Self { body, timer }))
    }

    fn ended(&mut self, trailers: Option<&HeaderMap>) {
        let code = trailers
            .and_then(Status::from_header_map)
            .map_or(Code::Unknown, |status| status.code());
        self.timer.end(status::name(code));
    }
}

impl HttpBody for Measured {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) if frame.is_data() => {}
            Poll::Ready(Some(Ok(frame))) => self.ended(frame.trailers_ref()),
            Poll::Ready(Some(Err(_)) | None) => self.ended(None),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_of_the_port_is_known_and_no_other() {
        let methods = Methods::read(&super::super::DESCRIPTORS).expect("descriptors");
        for path in [
            "/muster.v1.UserImportService/StartUserImportJob",
            "/grpc.health.v1.Health/Check",
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        ] {
            assert!(methods.0.contains_key(path), "{path}");
        }
        assert!(
            !methods
                .0
                .contains_key("/muster.v1.UserImportService/Made/Up")
        );
        assert!(methods.0.len() < 40, "{}", methods.0.len());
    }
}
