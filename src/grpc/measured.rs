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
use crate::traces::{Parent, Step};

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

    /// Begins a call; as a step of its caller's trace, if that is `traced`.
    pub(super) fn begin(&self, path: &str, headers: &HeaderMap, traced: bool) -> Measure {
        let method = self.0.get(path);
        let word = method.cloned().unwrap_or(UNKNOWN_METHOD.into());
        let step = traced.then(|| {
            let name = method.map_or(UNKNOWN_METHOD.into(), |word| word.as_ref().to_owned());
            let text = |name| headers.get(name)?.to_str().ok();
            let step = Step::of_call(name, &Parent::of_headers(text));
            step.set("rpc.system", "grpc");
            step
        });
        let timer = CallTimer::begin(Front::Grpc, word);
        Measure { timer, step }
    }
}

/// A call that is being answered.
pub(super) struct Measure {
    timer: CallTimer,
    pub(super) step: Option<Step>,
}

impl Measure {
    fn end(&mut self, code: Code) {
        let name = status::name(code);
        if let Some(step) = self.step.take() {
            step.set("rpc.grpc.status_code", i64::from(i32::from(code)));
            if is_fault(code) {
                step.fail(name.clone());
            }
        }
        self.timer.end(name);
    }
}

/// Whether a code says that the server is at fault, and not the caller.
const fn is_fault(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}

/// The body of an answer, which ends with the call's status. One that is
/// dropped before that was not waited for.
pub(super) struct Measured {
    body: Body,
    call: Measure,
}

impl Measured {
    /// Times an answer to its end.
    pub(super) fn over(response: Response, mut call: Measure) -> Response {
        // A status in the headers, or nothing that could bring one.
        if let Some(status) = Status::from_header_map(response.headers()) {
            call.end(status.code());
            return response;
        }
        if response.body().is_end_stream() {
            call.end(Code::Unknown);
            return response;
        }
        response.map(|body| Body::new(Self { body, call }))
    }

    fn ended(&mut self, trailers: Option<&HeaderMap>) {
        let code = trailers
            .and_then(Status::from_header_map)
            .map_or(Code::Unknown, |status| status.code());
        self.call.end(code);
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
