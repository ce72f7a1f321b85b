//! `GET /v1/user-import-jobs/{job_id}/rejected.csv`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use axum::http::HeaderMap;
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::StreamExt as _;

use super::HttpState;
use super::call::Call;
use crate::domain::error::{Constraint, Error};
use crate::domain::ids::JobId;
use crate::operations::admission::Place;
use crate::operations::callers::Peer;
use crate::operations::refusal::log_refusal;
use crate::operations::reports::RejectedCsv;

/// What calls of this path are counted as.
const METHOD: &str = "rejected.csv";

/// Answers the rows of a job that were not imported, for a caller with a token
/// or a certificate.
pub(super) async fn get(
    State(state): State<Arc<HttpState>>,
    Extension(call): Extension<Call>,
    path: Result<Path<String>, PathRejection>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Response {
    let peer = peer.map(|Extension(peer)| peer);
    match find(&state, path, peer.as_ref(), &headers).await {
        Ok((report, place)) => download(report, call, place),
        Err(error) => call.refuse(&error),
    }
}

async fn find(
    state: &HttpState,
    path: Result<Path<String>, PathRejection>,
    peer: Option<&Peer>,
    headers: &HeaderMap,
) -> Result<(RejectedCsv, Place), Error> {
    let header = headers.get(AUTHORIZATION);
    // A header that is no text is no token either.
    let caller = state
        .callers
        .authenticate(header.map(|value| value.to_str().unwrap_or("")), peer)?;
    tracing::Span::current().record("caller", caller.name.as_str());
    if !state.callers.is_open() {
        state.admission.count(&caller, METHOD)?;
    }
    let place = state.admission.enter()?;
    let Path(job_id) =
        path.map_err(|_| Error::invalid("job_id", None, Constraint::Pattern(JobId::PATTERN)))?;
    let report = state.muster.rejected_csv(&caller, &job_id).await?;
    Ok((report, place))
}

fn download(report: RejectedCsv, call: Call, place: Place) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (
            CONTENT_DISPOSITION,
            // The name is made of a job's id: nothing in it needs quoting.
            format!("attachment; filename=\"{}\"", report.file_name),
        ),
        // A browser shall not take the file for something that it can run.
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        // It holds personal data.
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    let span = tracing::Span::current();
    // The status is long sent: an error can only break the connection off,
    // which tells the client that the file is not whole.
    let body = report.body.inspect(move |piece| {
        let _until_the_end = &place;
        if let Err(error) = piece {
            span.in_scope(|| log_refusal(error, "broken off", &call.request_id));
        }
    });
    (headers, Body::from_stream(body)).into_response()
}
