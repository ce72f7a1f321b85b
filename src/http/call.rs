//! What happens to every call before and after its handler: an id and a span.

use axum::extract::{MatchedPath, Request};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;

use super::error;
use crate::domain::error::Error;
use crate::meters::{CallTimer, Front, UNKNOWN_METHOD, Word};
use crate::operations::callers::RequestId;
use crate::operations::refusal::log_refusal;
use crate::traces::{Parent, Step};

/// A call, to its handler: what it is known by.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) request_id: RequestId,
}

impl Call {
    /// Logs an error, and makes it the call's answer.
    pub(super) fn refuse(&self, error: &Error) -> Response {
        let status = error::status(error.kind());
        log_refusal(error, status.as_str(), &self.request_id);
        error::response(error, &self.request_id)
    }
}

/// The path of the AWS front, whose calls have methods and codes of their own.
const AWS: &str = "/";
/// What is asked all the time.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// What the AWS front says of a call with its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct AwsAnswered {
    pub(super) method: &'static str,
    pub(super) code: &'static str,
}

/// Begins to time a call. Its method is the pattern of its path, of which there
/// are few.
fn timer(request: &Request) -> CallTimer {
    match request.extensions().get::<MatchedPath>() {
        Some(path) if path.as_str() == AWS => CallTimer::begin(Front::Aws, UNKNOWN_METHOD),
        Some(path) => CallTimer::begin(Front::Http, Word::from(path.as_str().to_owned())),
        None => CallTimer::begin(Front::Http, UNKNOWN_METHOD),
    }
}

/// Begins a call as a step of its caller's trace; not that of a probe.
fn step(request: &Request) -> Option<Step> {
    let path = request.extensions().get::<MatchedPath>()?.as_str();
    if PROBES.contains(&path) {
        return None;
    }
    let text = |name| request.headers().get(name)?.to_str().ok();
    Some(Step::of_call(path.to_owned(), &Parent::of_headers(text)))
}

/// Serves one call.
pub(super) async fn serve(mut request: Request, next: Next) -> Response {
    let mut timer = timer(&request);
    let step = step(&request);
    let given = request.headers().get(RequestId::HEADER);
    let request_id = RequestId::take(given.map(HeaderValue::as_bytes));
    // Not the query, which holds the signature of an upload.
    let span = tracing::info_span!(
        "http",
        method = %request.method(),
        path = request.uri().path(),
        %request_id,
        caller = tracing::field::Empty
    );
    request.extensions_mut().insert(Call {
        request_id: request_id.clone(),
    });
    let answer = next.run(request).instrument(span.clone());
    let mut response = match &step {
        Some(step) => step.around(answer).await,
        None => answer.await,
    };
    span.in_scope(|| tracing::debug!(status = response.status().as_u16(), "answered"));
    let status = response.status();
    let aws = response.extensions().get::<AwsAnswered>();
    match aws {
        Some(answered) => timer.end_as(answered.method, answered.code),
        None => timer.end(status.as_str().to_owned()),
    }
    if let Some(step) = step {
        step.set("muster.request_id", request_id.to_string());
        step.set("http.response.status_code", i64::from(status.as_u16()));
        if let Some(answered) = aws {
            step.rename(answered.method);
            step.set("rpc.system", "aws-api");
        }
        if status.is_server_error() {
            step.fail(status.as_str().to_owned());
        }
    }
    if let Ok(value) = HeaderValue::from_str(request_id.as_str()) {
        response.headers_mut().insert(RequestId::HEADER, value);
    }
    response
}
