//! An error as AWS answers it: a name, a status and a message.

use axum::http::StatusCode;

use super::violation::{self, Violation};
use crate::domain::error::{Constraint, Detail, Error, ErrorKind, FieldViolation, Reason};

/// What a call is refused with.
#[derive(Debug)]
pub(super) struct Fault {
    /// AWS's name for it: `ResourceNotFoundException`.
    pub(super) name: &'static str,
    pub(super) status: StatusCode,
    /// For the caller. May repeat what the caller sent, so it is not logged.
    pub(super) message: String,
    /// The operation's error, which is to be logged.
    pub(super) error: Option<Error>,
}

/// AWS's name and status for an error of the operations.
pub(super) const fn name(kind: ErrorKind, reason: Reason) -> (&'static str, StatusCode) {
    let bad = StatusCode::BAD_REQUEST;
    match (kind, reason) {
        (ErrorKind::InvalidArgument | ErrorKind::TooLarge, _) => ("InvalidParameterException", bad),
        (ErrorKind::NotFound, Reason::UserNotFound) => ("UserNotFoundException", bad),
        (ErrorKind::NotFound, _) => ("ResourceNotFoundException", bad),
        (ErrorKind::FailedPrecondition, Reason::UserImportInProgress) => {
            ("UserImportInProgressException", bad)
        }
        (ErrorKind::FailedPrecondition, _) => ("PreconditionNotMetException", bad),
        (ErrorKind::QuotaExceeded, _) => ("LimitExceededException", bad),
        (ErrorKind::RateLimited, _) => ("TooManyRequestsException", bad),
        (ErrorKind::Unauthenticated | ErrorKind::PermissionDenied, _) => {
            ("NotAuthorizedException", bad)
        }
        (ErrorKind::Unavailable | ErrorKind::DeadlineExceeded | ErrorKind::Internal, _) => {
            ("InternalErrorException", StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

impl Fault {
    fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self {
            name,
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
            error: None,
        }
    }

    /// The operation is none that this server has.
    pub(super) fn unknown_operation(message: impl Into<String>) -> Self {
        Self::new("UnknownOperationException", message)
    }

    /// The body is not JSON, or a value in it is not of its type.
    pub(super) fn serialization(message: impl Into<String>) -> Self {
        Self::new("SerializationException", message)
    }

    /// The body is longer than `limit` bytes.
    pub(super) fn too_large(limit: usize) -> Self {
        Self {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            ..Self::new(
                "RequestEntityTooLargeException",
                format!("Request must be smaller than {limit} bytes."),
            )
        }
    }

    /// The body did not come, or not whole.
    pub(super) fn body_not_read() -> Self {
        Self {
            status: StatusCode::REQUEST_TIMEOUT,
            ..Self::new(
                "RequestTimeoutException",
                "The body of the request was not received whole in time.",
            )
        }
    }

    /// There is no signature.
    pub(super) fn missing_authentication_token() -> Self {
        Self::new(
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        )
    }

    /// The signature lacks a part.
    pub(super) fn incomplete_signature(message: impl Into<String>) -> Self {
        Self::new("IncompleteSignatureException", message)
    }

    /// The signature is not good for this call.
    pub(super) fn invalid_signature(message: impl Into<String>) -> Self {
        Self::new("InvalidSignatureException", message)
    }

    /// The access key is not known. The sentence is AWS's.
    pub(super) fn unrecognized_client() -> Self {
        Self::new(
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        )
    }

    /// The access key may not do this.
    pub(super) fn not_authorized(message: impl Into<String>) -> Self {
        Self::new("NotAuthorizedException", message)
    }

    /// The access key is used too often. The sentence is AWS's.
    pub(super) fn too_many_requests() -> Self {
        Self::new("TooManyRequestsException", "Rate exceeded")
    }

    /// A value breaks a rule that AWS's model does not state.
    pub(super) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    /// Values break rules of AWS's model; there is at least one.
    pub(super) fn violations(violations: &[Violation]) -> Self {
        Self::new("InvalidParameterException", violation::message(violations))
    }

    /// An error of an operation. `member` says which member of the request a
    /// field of the contract is.
    pub(super) fn of(error: Error, member: impl Fn(&str) -> String) -> Self {
        let (name, status) = name(error.kind(), error.reason());
        let message = match error.detail() {
            _ if error.reason() == Reason::InvalidPageToken => {
                "The pagination token is not one that this listing answered.".to_owned()
            }
            Detail::Fields(fields) => {
                let violations: Vec<_> = fields.iter().map(|field| told(field, &member)).collect();
                violation::message(&violations)
            }
            _ => error.to_string(),
        };
        Self {
            name,
            status,
            message,
            error: Some(error),
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::of(error, violation::member)
    }
}

fn told(field: &FieldViolation, member: &impl Fn(&str) -> String) -> Violation {
    let rule = match &field.constraint {
        Constraint::Required => violation::NOT_NULL.to_owned(),
        Constraint::MinLength(n) => violation::min_length(*n as i64),
        Constraint::MaxLength(n) => violation::max_length(*n as i64),
        Constraint::Min(n) => violation::min_value(*n),
        Constraint::Max(n) => violation::max_value(*n),
        Constraint::Pattern(p) => violation::pattern(p),
        Constraint::Enum(words) => violation::words(words),
        Constraint::Other(text) => format!("Member {text}"),
    };
    Violation::new(field.value.clone(), member(&field.field), rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operations_error_is_told_in_awss_words() {
        let fault = Fault::from(Error::invalid_fields(vec![
            FieldViolation {
                field: "user_pool_id".into(),
                value: Some("é_1".into()),
                constraint: Constraint::Pattern(r"[\w-]+_[0-9a-zA-Z]+"),
            },
            FieldViolation {
                field: "alias_attributes[1]".into(),
                value: None,
                constraint: Constraint::Other("is there twice".into()),
            },
        ]));
        assert_eq!(fault.name, "InvalidParameterException");
        assert_eq!(
            fault.message,
            r"2 validation errors detected: Value 'é_1' at 'userPoolId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w-]+_[0-9a-zA-Z]+; Value at 'aliasAttributes.2.member' failed to satisfy constraint: Member is there twice"
        );
        let fault = Fault::from(Error::user_pool_not_found("a_1"));
        assert_eq!(fault.name, "ResourceNotFoundException");
        assert_eq!(fault.message, "User pool a_1 does not exist.");
        let fault = Fault::from(Error::internal("a secret of the house"));
        assert_eq!(fault.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!fault.message.contains("secret"));
        let fault = Fault::from(Error::invalid_page_token());
        assert!(fault.message.contains("pagination token"));
    }
}
