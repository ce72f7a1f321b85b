//! An error as plain HTTP answers it: its status, and a JSON body.

use std::time::Duration;

use axum::extract::Extension;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::call::Call;
use crate::domain::error::{Detail, Error, ErrorKind};
use crate::operations::callers::RequestId;

/// The status of an error.
pub(super) const fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::InvalidArgument => StatusCode::BAD_REQUEST,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::FailedPrecondition => StatusCode::CONFLICT,
        ErrorKind::QuotaExceeded | ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::PermissionDenied => StatusCode::FORBIDDEN,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The answer to an error.
pub(super) fn response(error: &Error, request_id: &RequestId) -> Response {
    let reason = error.reason().as_str();
    let mut response = json(status(error.kind()), reason, &error.to_string(), request_id);
    let headers = response.headers_mut();
    if error.kind() == ErrorKind::Unauthenticated {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(delay) = retry_after(error) {
        // Whole seconds are all that the header knows.
        let seconds = delay.as_millis().div_ceil(1_000).max(1);
        if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
            headers.insert(RETRY_AFTER, value);
        }
    }
    response
}

fn retry_after(error: &Error) -> Option<Duration> {
    match (error.detail(), error.kind()) {
        (Detail::RetryAfter(delay), _) => Some(*delay),
        (_, ErrorKind::RateLimited | ErrorKind::Unavailable) => Some(Duration::from_secs(1)),
        _ => None,
    }
}

fn json(status: StatusCode, reason: &str, message: &str, request_id: &RequestId) -> Response {
    let error = json!({
        "reason": reason,
        "message": message,
        "request_id": request_id.as_str(),
    });
    let mut body = json!({ "error": error }).to_string();
    // For people who see it in a terminal.
    body.push('\n');
    let json = HeaderValue::from_static("application/json");
    (status, [(CONTENT_TYPE, json)], body).into_response()
}

/// Answers a path that nothing is at.
pub(super) async fn no_such_path(Extension(call): Extension<Call>) -> Response {
    let message = "There is nothing at this path.";
    json(
        StatusCode::NOT_FOUND,
        "UNKNOWN_PATH",
        message,
        &call.request_id,
    )
}

/// Answers a method that a path does not take; axum adds those that it takes.
pub(super) async fn no_such_method(Extension(call): Extension<Call>) -> Response {
    json(
        StatusCode::METHOD_NOT_ALLOWED,
        "METHOD_NOT_ALLOWED",
        "The path does not take this method.",
        &call.request_id,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::error::Reason;

    fn header(error: &Error, name: axum::http::HeaderName) -> Option<String> {
        let response = response(error, &RequestId::take(None));
        let value = response.headers().get(name)?;
        Some(value.to_str().expect("text").to_owned())
    }

    #[test]
    fn every_kind_has_a_status_that_is_an_error() {
        for kind in ErrorKind::ALL {
            let status = status(kind);
            assert!(
                status.is_client_error() || status.is_server_error(),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn headers_say_what_to_do_next() {
        let refused = Error::unauthenticated("no");
        assert_eq!(
            header(&refused, WWW_AUTHENTICATE).as_deref(),
            Some("Bearer")
        );
        assert_eq!(header(&refused, RETRY_AFTER), None);
        let away = Error::unavailable(Reason::DatabaseUnavailable, "away");
        assert_eq!(header(&away, RETRY_AFTER).as_deref(), Some("1"));
        assert_eq!(header(&away, WWW_AUTHENTICATE), None);
        // Trying again does not help.
        let full = Error::quota(Reason::TooManyJobs, "a_1", "full");
        assert_eq!(header(&full, RETRY_AFTER), None);
    }
}
