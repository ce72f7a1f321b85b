//! One call: who makes it, the id that it is known by, and how it is answered.

use std::sync::Arc;

use tonic::{Request, Response, Status};
use tracing::Span;

use super::status;
use crate::domain::error::Error;
use crate::domain::principal::Principal;
use crate::operations::callers::RequestId;
use crate::operations::refusal::log_refusal;

/// What there is to know of a call beside its message; the layer puts it into
/// the request's extensions.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Who calls.
    pub(super) caller: Arc<Principal>,
    /// The id of the call.
    pub(super) id: CallId,
}

/// What is known of a call before it is known who calls.
#[derive(Clone, Debug)]
pub(super) struct CallId {
    pub(super) request_id: RequestId,
    /// For what is logged after the call's handler has answered.
    pub(super) span: Span,
}

impl CallId {
    /// Logs an error, and makes it the call's status.
    pub(super) fn refuse(&self, error: &Error) -> Status {
        let status = status::status(error, &self.request_id);
        let code = status::name(status.code());
        self.span
            .in_scope(|| log_refusal(error, &code, &self.request_id));
        status
    }
}

/// Takes a request apart.
///
/// # Errors
/// Internal when the request did not come through the layer.
pub(super) fn open<T>(request: Request<T>) -> Result<(Call, T), Status> {
    let (_, extensions, message) = request.into_parts();
    let call = extensions.get::<Call>().cloned().ok_or_else(|| {
        tracing::error!("a call came past the layer that says who calls");
        Status::internal("")
    })?;
    Ok((call, message))
}

impl Call {
    /// Answers what an operation answered.
    pub(super) fn answer<T, M>(
        &self,
        result: Result<T, Error>,
        convert: impl FnOnce(T) -> M,
    ) -> Result<Response<M>, Status> {
        match result {
            Ok(value) => Ok(Response::new(convert(value))),
            Err(error) => Err(self.id.refuse(&error)),
        }
    }
}
