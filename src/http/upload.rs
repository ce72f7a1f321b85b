//! `PUT /v1/uploads/{user_pool_id}/{job_id}`: the file of a job, by signed URL.

use std::sync::Arc;

use axum::body::HttpBody as _;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::http::header::{CONTENT_ENCODING, EXPECT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use url::form_urlencoded;

use super::HttpState;
use super::body::{self, Reading};
use super::call::Call;
use super::drain::answer_and_close;
use crate::domain::error::{Constraint, Error, Reason};
use crate::operations::uploads::{Received, UploadRequest};

/// Takes in the file of a job. The signature is all the credentials that it
/// asks for; headers that Amazon S3 would heed are not looked at.
pub(super) async fn put(
    State(state): State<Arc<HttpState>>,
    Extension(call): Extension<Call>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let expects = parts.headers.contains_key(EXPECT);
    let length = body.size_hint().exact();
    let (pieces, mut reading) = body::read(body, state.upload_idle_timeout);
    let admitted = upload_request(path, &parts, length)
        .and_then(|request| Ok((request, state.admission.enter()?)));
    let taken = match admitted {
        Ok((request, _place)) => state.muster.receive_upload(request, pieces).await,
        Err(error) => {
            drop(pieces);
            Err(error)
        }
    };
    match taken {
        Ok(received) => answer(received),
        Err(error) => refuse(&call, &error, &mut reading, expects),
    }
}

fn answer(received: Received) -> Response {
    let body = json!({ "bytes": received.bytes, "rows": received.rows });
    axum::Json(body).into_response()
}

fn refuse(call: &Call, error: &Error, reading: &mut Reading, expects: bool) -> Response {
    let mut response = call.refuse(error);
    if reading.was_idle() {
        // It was the client whose time was up, not ours.
        *response.status_mut() = StatusCode::REQUEST_TIMEOUT;
    }
    match reading.rest() {
        Some(rest) => answer_and_close(response, rest, expects),
        None => response,
    }
}

fn upload_request(
    path: Result<Path<(String, String)>, PathRejection>,
    parts: &Parts,
    content_length: Option<u64>,
) -> Result<UploadRequest, Error> {
    // A URL of ours never lacks anything: what does is forged.
    let Path((user_pool_id, job_id)) = path.map_err(|_| invalid_url())?;
    let query = parts.uri.query().unwrap_or_default();
    let request = UploadRequest {
        user_pool_id,
        job_id,
        expires: parameter(query, "expires")?,
        max_bytes: parameter(query, "max-bytes")?,
        signature: parameter(query, "signature")?,
        content_length,
    };
    plain(&parts.headers)?;
    Ok(request)
}

/// A parameter that must be in the query exactly once.
fn parameter<T: std::str::FromStr>(query: &str, name: &str) -> Result<T, Error> {
    let mut values = form_urlencoded::parse(query.as_bytes())
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) => value.parse().map_err(|_| invalid_url()),
        _ => Err(invalid_url()),
    }
}

fn invalid_url() -> Error {
    Error::permission_denied(
        Reason::InvalidSignature,
        "The signature of the upload URL is not valid.",
    )
}

/// Refuses a compressed file: what is stored is what was sent, and rows are
/// looked for in it.
fn plain(headers: &HeaderMap) -> Result<(), Error> {
    let identity = |value: &str| {
        value
            .split(',')
            .all(|coding| coding.trim().eq_ignore_ascii_case("identity"))
    };
    let encoded = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|value| !value.to_str().is_ok_and(identity));
    if encoded {
        let rule = "must be identity: send the CSV file as it is, not compressed";
        let rule = Constraint::Other(rule.into());
        return Err(Error::invalid("content-encoding", None, rule));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;
    use crate::domain::error::ErrorKind;

    fn parts(uri: &str, headers: &[(&'static str, &'static str)]) -> Parts {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        request.into_parts().0
    }

    fn path() -> Result<Path<(String, String)>, PathRejection> {
        Ok(Path(("local_1".into(), "import-1".into())))
    }

    #[test]
    fn a_signed_url_is_taken_apart() {
        let parts = parts("/x?signature=ab&max-bytes=5&expires=12&other=1", &[]);
        let request = upload_request(path(), &parts, Some(3)).expect("complete");
        assert_eq!((request.expires, request.max_bytes), (12, 5));
        assert_eq!(request.signature, "ab");
        assert_eq!(request.content_length, Some(3));
    }

    #[test]
    fn a_url_that_lacks_something_is_forged() {
        for uri in [
            "/x",
            "/x?",
            "/x?expires=12&max-bytes=5",
            "/x?expires=12&signature=ab",
            "/x?max-bytes=5&signature=ab",
            "/x?expires=soon&max-bytes=5&signature=ab",
            "/x?expires=12&max-bytes=-5&signature=ab",
            "/x?expires=12&expires=13&max-bytes=5&signature=ab",
            "/x?expires=99999999999999999999&max-bytes=5&signature=ab",
        ] {
            let error = upload_request(path(), &parts(uri, &[]), None).expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{uri}");
        }
    }

    #[test]
    fn a_compressed_file_is_refused() {
        let uri = "/x?expires=12&max-bytes=5&signature=ab";
        for coding in ["gzip", "identity, br", "zstd"] {
            let parts = parts(uri, &[("content-encoding", coding)]);
            let error = upload_request(path(), &parts, None).expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{coding}");
            assert!(error.to_string().contains("not compressed"));
        }
        for headers in [
            &[("content-encoding", "Identity")][..],
            &[
                ("x-amz-server-side-encryption", "aws:kms"),
                ("content-type", "a/b"),
            ],
        ] {
            assert!(upload_request(path(), &parts(uri, headers), None).is_ok());
        }
    }
}
