//! What happens to every call before and after its service: an id, a span,
//! who calls, how long it may take, and the details of its status.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;
use tonic::{Code, Status};
use tracing::Instrument as _;

use super::bounded::Bounded;
use super::call::{Call, CallId};
use super::measured::{Measured, Methods};
use super::{GrpcOptions, deadline, status};
use crate::domain::error::{Error, Reason};
use crate::operations::callers::{Callers, RequestId};

/// Services that anybody may call: probes have no token, and the descriptors
/// are published with the source.
const PUBLIC: [&str; 3] = [
    "/grpc.health.v1.Health/",
    "/grpc.reflection.v1.ServerReflection/",
    "/grpc.reflection.v1alpha.ServerReflection/",
];

fn is_public(path: &str) -> bool {
    PUBLIC.iter().any(|service| path.starts_with(service))
}

/// What the layer goes by.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) callers: Callers,
    pub(super) options: GrpcOptions,
    pub(super) methods: Methods,
}

/// Serves one call.
pub(super) async fn serve(State(layer): State<Layer>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let call = layer
        .methods
        .begin(path, request.headers(), !is_public(path));
    let given = request.headers().get(RequestId::HEADER);
    let request_id = RequestId::take(given.map(HeaderValue::as_bytes));
    let method = request.uri().path().trim_start_matches('/');
    let span = tracing::info_span!("grpc", method, %request_id, caller = tracing::field::Empty);
    let id = CallId {
        request_id,
        span: span.clone(),
    };
    if let Some(step) = &call.step {
        step.set("muster.request_id", id.request_id.to_string());
    }
    let answer = attempt(&layer, &id, request, next).instrument(span);
    let answer = match &call.step {
        Some(step) => step.around(answer).await,
        None => answer.await,
    };
    let mut response = match answer {
        Ok(response) => response,
        Err(error) => id.refuse(&error).into_http(),
    };
    if let Ok(value) = HeaderValue::from_str(id.request_id.as_str()) {
        response.headers_mut().insert(RequestId::HEADER, value);
    }
    Measured::over(response, call)
}

async fn attempt(
    layer: &Layer,
    id: &CallId,
    mut request: Request,
    next: Next,
) -> Result<Response, Error> {
    let arrived = Instant::now();
    let path = request.uri().path();
    if !is_public(path) {
        let header = request.headers().get(AUTHORIZATION);
        // A header that is no text is no token either.
        let caller = layer
            .callers
            .authenticate(header.map(|value| value.to_str().unwrap_or("")))?;
        id.span.record("caller", caller.name.as_str());
        request.extensions_mut().insert(Call {
            caller: Arc::new(caller),
            id: id.clone(),
        });
    }
    let allowed = deadline::allowed(request.headers())?;
    if allowed.is_some_and(|time| time.is_zero()) {
        return Err(Error::deadline_exceeded());
    }
    let timeout = layer.options.request_timeout;
    let timeout = allowed.map_or(timeout, |allowed| allowed.min(timeout));
    let response = tokio::time::timeout(timeout, next.run(request))
        .await
        .map_err(|_| Error::deadline_exceeded())?;
    tracing::debug!(elapsed = ?arrived.elapsed(), "answered");
    Ok(finish(
        layer,
        id,
        response,
        allowed.and_then(|a| arrived.checked_add(a)),
    ))
}

/// Completes the status of an answer that has one already; bounds the
/// messages of an answer that goes on.
fn finish(layer: &Layer, id: &CallId, response: Response, end: Option<Instant>) -> Response {
    if let Some(theirs) = Status::from_header_map(response.headers()) {
        if theirs.code() == Code::Ok || !theirs.details().is_empty() {
            return response;
        }
        let ours = status::of_tonic(&theirs, &id.request_id);
        tracing::info!(code = ?ours.code(), request_id = %id.request_id, "refused: {}", ours.message());
        return ours.into_http();
    }
    let shutdown = layer.options.shutdown.clone();
    let until = async move {
        let deadline = async {
            match end {
                Some(end) => tokio::time::sleep_until(end).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => shutting_down(),
            () = deadline => Error::deadline_exceeded(),
        }
    };
    let id = id.clone();
    response.map(|body| Body::new(Bounded::new(body, until, move |error| id.refuse(error))))
}

fn shutting_down() -> Error {
    Error::unavailable(
        Reason::ShuttingDown,
        "The server is going away; call again.",
    )
}
