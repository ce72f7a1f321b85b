//! The AWS front: the operations of Amazon Cognito's user import jobs, in AWS
//! JSON 1.1, so that boto3 and the AWS CLI work as they are.
//!
//! `POST /` with the operation in `X-Amz-Target`, a signature (Signature
//! Version 4), and a JSON body that AWS's service model describes.

mod fault;
mod filter;
mod ignored;
mod input;
mod jobs;
mod keys;
mod model;
mod operation;
mod pools;
mod schema;
mod signature;
mod users;
mod violation;

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{Extension, Request, State};
use axum::http::header::{CONTENT_TYPE, EXPECT};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::from_fn;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use futures_util::stream::StreamExt as _;
use serde::Serialize;
use time::OffsetDateTime;
use tokio::time::Instant;
use tracing::Instrument as _;
use tracing::field::Empty;

use self::fault::Fault;
use self::input::Input;
use super::body::{self, Reading};
use super::call::{self, AwsAnswered, Call};
use super::drain::answer_and_close;
use super::error;
use crate::domain::clock::Clock;
use crate::domain::error::Error;
use crate::domain::principal::Principal;
use crate::meters::UNKNOWN_METHOD;
use crate::operations::Muster;
use crate::operations::admission::Admission;
use crate::operations::deadline::until;
use crate::operations::refusal::log_refusal;

pub use self::keys::AwsKeys;
pub use self::operation::Operation;

/// The longest body; no call that makes sense comes near it.
const MAX_BODY: usize = 1 << 20;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// What the front needs to know.
#[derive(Clone)]
pub struct AwsState {
    /// What there is to do.
    pub muster: Muster,
    /// Whom access keys belong to.
    pub keys: AwsKeys,
    /// The region that signatures have to be for; `None`: any.
    pub region: Option<String>,
    /// By which signatures are too old.
    pub clock: Arc<dyn Clock>,
    /// The longest time of one call.
    pub request_timeout: Duration,
    /// How many calls are served at once, and how often each caller may call.
    pub admission: Admission,
}

impl fmt::Debug for AwsState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsState")
            .field("keys", &self.keys)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

/// The routes of the front, to be merged with [`super::router`].
pub fn routes(state: AwsState) -> Router {
    // Now, not in a call.
    LazyLock::force(&model::MODEL);
    Router::new()
        .route("/", post(serve))
        .method_not_allowed_fallback(error::no_such_method)
        .with_state(Arc::new(state))
        .layer(from_fn(call::serve))
}

/// Answers one call.
async fn serve(
    State(state): State<Arc<AwsState>>,
    Extension(call): Extension<Call>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let expects = parts.headers.contains_key(EXPECT);
    // More than anybody needs for a body of this size, and less than forever.
    let (body, reading) = receive(body, state.request_timeout).await;
    let span = tracing::info_span!("aws", operation = Empty, caller = Empty);
    let answer = match body {
        Ok(body) => {
            let work = answer(&state, &parts, &body).instrument(span.clone());
            match until(Instant::now() + state.request_timeout, work).await {
                Ok(answer) => answer,
                Err(error) => Err(error.into()),
            }
        }
        Err(fault) => Err(fault),
    };
    let method = Operation::of_call(&parts.headers).map_or(UNKNOWN_METHOD, Operation::as_str);
    let code = answer.as_ref().map_or_else(|fault| fault.name, |_| "OK");
    let mut response = match answer {
        Ok(answer) => ok(answer),
        Err(fault) => span.in_scope(|| refuse(&call, fault)),
    };
    response
        .extensions_mut()
        .insert(AwsAnswered { method, code });
    if let Ok(value) = HeaderValue::from_str(call.request_id.as_str()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    match reading.and_then(|mut reading| reading.rest()) {
        Some(rest) => answer_and_close(response, rest, expects),
        None => response,
    }
}

/// Reads a body, and answers what is left of one that was refused.
async fn receive(body: Body, timeout: Duration) -> (Result<Bytes, Fault>, Option<Reading>) {
    let too_large = body
        .size_hint()
        .exact()
        .is_some_and(|n| n > MAX_BODY as u64);
    let (mut pieces, reading) = body::read(body, timeout);
    if too_large {
        return (Err(Fault::too_large(MAX_BODY)), Some(reading));
    }
    let whole = tokio::time::timeout(timeout, async {
        let mut whole = Vec::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|_| Fault::body_not_read())?;
            if whole.len() + piece.len() > MAX_BODY {
                return Err(Fault::too_large(MAX_BODY));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(Bytes::from(whole))
    })
    .await;
    drop(pieces);
    match whole {
        Ok(Ok(whole)) => (Ok(whole), None),
        Ok(Err(fault)) => (Err(fault), Some(reading)),
        Err(_) => (Err(Fault::body_not_read()), Some(reading)),
    }
}

/// The answer of an operation: JSON, or nothing where it answers nothing.
type Answer = Result<Option<Vec<u8>>, Fault>;

async fn answer(state: &AwsState, parts: &Parts, body: &[u8]) -> Answer {
    let operation = Operation::of_call(&parts.headers)?;
    let span = tracing::Span::current();
    span.record("operation", operation.as_str());
    let request = keys::Request {
        parts,
        body,
        region: state.region.as_deref(),
        now: state.clock.now(),
    };
    let caller = state.keys.authenticate(&request, operation)?;
    span.record("caller", caller.name.as_str());
    if !state.keys.is_open() {
        let counted = state.admission.count(&caller, operation.as_str());
        counted.map_err(|_| Fault::too_many_requests())?;
    }
    let _place = state.admission.enter()?;
    let input = Input::read(operation, body)?;
    ignored::log(operation, &input);
    call(&state.muster, &caller, operation, input).await
}

async fn call(muster: &Muster, caller: &Principal, operation: Operation, input: Input) -> Answer {
    match operation {
        Operation::CreateUserImportJob => {
            json(&jobs::create(muster, caller, input.parse()?).await?)
        }
        Operation::DescribeUserImportJob => {
            json(&jobs::describe(muster, caller, input.parse()?).await?)
        }
        Operation::ListUserImportJobs => json(&jobs::list(muster, caller, input.parse()?).await?),
        Operation::StartUserImportJob => json(&jobs::start(muster, caller, input.parse()?).await?),
        Operation::StopUserImportJob => json(&jobs::stop(muster, caller, input.parse()?).await?),
        Operation::GetCsvHeader => json(&pools::csv_header(muster, caller, input.parse()?).await?),
        Operation::CreateUserPool => json(&pools::create(muster, caller, input.parse()?).await?),
        Operation::DescribeUserPool => {
            json(&pools::describe(muster, caller, input.parse()?).await?)
        }
        Operation::ListUserPools => json(&pools::list(muster, caller, input.parse()?).await?),
        Operation::DeleteUserPool => {
            pools::delete(muster, caller, input.parse()?).await?;
            Ok(None)
        }
        Operation::AdminGetUser => json(&users::get(muster, caller, input.parse()?).await?),
        Operation::ListUsers => json(&users::list(muster, caller, input.parse()?).await?),
    }
}

fn json(answer: &impl Serialize) -> Answer {
    let bytes = serde_json::to_vec(answer).map_err(Error::internal)?;
    Ok(Some(bytes))
}

fn ok(answer: Option<Vec<u8>>) -> Response {
    let json = HeaderValue::from_static(operation::MEDIA_TYPE);
    ([(CONTENT_TYPE, json)], answer.unwrap_or_default()).into_response()
}

/// Logs a fault, and makes it the call's answer.
fn refuse(call: &Call, fault: Fault) -> Response {
    match &fault.error {
        Some(error) => log_refusal(error, fault.name, &call.request_id),
        // The message may repeat what the caller sent.
        None => tracing::info!(code = fault.name, request_id = %call.request_id, "refused"),
    }
    let body = serde_json::json!({ "__type": fault.name, "message": fault.message });
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static(operation::MEDIA_TYPE),
        ),
        (ERROR_TYPE, HeaderValue::from_static(fault.name)),
    ];
    let status: StatusCode = fault.status;
    (status, headers, body.to_string()).into_response()
}

/// A time as AWS JSON has it: seconds since 1970, to the millisecond.
fn seconds(time: OffsetDateTime) -> f64 {
    let millis = time.unix_timestamp_nanos().div_euclid(1_000_000);
    // Exact for some hundred thousand years.
    millis as f64 / 1_000.0
}
