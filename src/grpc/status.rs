//! An error as gRPC answers it: its code, and the details of Google's richer
//! error model.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::domain::error::{Detail, Error, ErrorKind};
use crate::operations::callers::RequestId;

/// The domain of every `ErrorInfo`.
const DOMAIN: &str = "muster";
/// A status travels in headers, of which many clients take no more than 8 KiB,
/// and its message and details go twice or in base64: hence so few characters
/// of text, and so few fields.
const MAX_TEXT: usize = 800;
const MAX_FIELDS: usize = 16;
/// The header that says how a body may be compressed, when it was otherwise.
const ACCEPTED_ENCODINGS: &str = "grpc-accept-encoding";

/// The code of an error.
pub(super) const fn code(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::InvalidArgument => Code::InvalidArgument,
        ErrorKind::NotFound => Code::NotFound,
        ErrorKind::FailedPrecondition => Code::FailedPrecondition,
        ErrorKind::QuotaExceeded | ErrorKind::RateLimited | ErrorKind::TooLarge => {
            Code::ResourceExhausted
        }
        ErrorKind::Unauthenticated => Code::Unauthenticated,
        ErrorKind::PermissionDenied => Code::PermissionDenied,
        ErrorKind::Unavailable => Code::Unavailable,
        ErrorKind::DeadlineExceeded => Code::DeadlineExceeded,
        ErrorKind::Internal => Code::Internal,
    }
}

/// The status of an error. What lies beneath the error stays out of it.
pub(super) fn status(error: &Error, request_id: &RequestId) -> Status {
    let message = shortened(&error.to_string());
    let mut details = common(error.reason().as_str(), request_id);
    match error.detail() {
        Detail::None => {}
        Detail::Fields(violations) => {
            for violation in violations.iter().take(MAX_FIELDS) {
                details.add_bad_request_violation(
                    violation.field.as_str(),
                    shortened(&violation.constraint.to_string()),
                );
            }
        }
        Detail::Resource(kind, name) => {
            details.set_resource_info(*kind, name.as_str(), "", message.as_str());
        }
        Detail::Precondition(_, name) => {
            let reason = error.reason().as_str();
            details.add_precondition_failure_violation(reason, name.as_str(), message.as_str());
        }
        Detail::Quota(subject) => {
            details.add_quota_failure_violation(subject.as_str(), message.as_str());
        }
        Detail::RetryAfter(delay) => {
            details.set_retry_info(Some((*delay).max(Duration::from_millis(1))));
        }
    }
    Status::with_error_details(code(error.kind()), message, details)
}

/// A status that tonic made of a call that no operation has seen, with the
/// details that every status has, and with the code that says whose fault it is.
pub(super) fn of_tonic(status: &Status, request_id: &RequestId) -> Status {
    let (code, reason) = match status.code() {
        // With a message it is about a body that is compressed.
        Code::Unimplemented if status.message().is_empty() => {
            (Code::Unimplemented, "UNKNOWN_METHOD".to_owned())
        }
        Code::OutOfRange => (Code::ResourceExhausted, "MESSAGE_TOO_LARGE".to_owned()),
        // Nothing but decoding answers INTERNAL at this point.
        Code::Internal => (Code::InvalidArgument, "MALFORMED_MESSAGE".to_owned()),
        // A health probe of a service that there is not, say.
        other => (other, name(other)),
    };
    let message = match status.message() {
        "" => "The server has no such method.".to_owned(),
        message => shortened(message),
    };
    let mut ours = Status::with_error_details(code, message, common(&reason, request_id));
    if let Some(accepted) = status.metadata().get(ACCEPTED_ENCODINGS) {
        let accepted = accepted.clone();
        ours.metadata_mut().insert(ACCEPTED_ENCODINGS, accepted);
    }
    ours
}

/// gRPC's own name of a code: `NOT_FOUND`.
pub(super) fn name(code: Code) -> String {
    let mut name = String::new();
    for c in format!("{code:?}").chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_uppercase());
    }
    name
}

fn common(reason: &str, request_id: &RequestId) -> ErrorDetails {
    let mut details = ErrorDetails::new();
    details
        .set_error_info(reason, DOMAIN, HashMap::new())
        .set_request_info(request_id.as_str(), "");
    details
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::error::{Constraint, FieldViolation, Reason};

    fn of(error: &Error) -> (Status, ErrorDetails) {
        let status = status(error, &RequestId::take(Some(b"r-1")));
        let details = status.get_error_details();
        let info = details.error_info().expect("ErrorInfo");
        assert_eq!(
            (info.reason.as_str(), info.domain.as_str()),
            (error.reason().as_str(), "muster")
        );
        let request = details.request_info().expect("RequestInfo");
        assert_eq!(request.request_id, "r-1");
        (status, details)
    }

    #[test]
    fn every_kind_has_a_code_that_is_an_error() {
        for kind in ErrorKind::ALL {
            assert!(!matches!(
                code(kind),
                Code::Ok | Code::Unknown | Code::Cancelled
            ));
        }
    }

    #[test]
    fn fields_are_named_one_by_one() {
        let (status, details) = of(&Error::invalid_fields(vec![
            FieldViolation {
                field: "job_name".into(),
                value: Some("secret".into()),
                constraint: Constraint::Required,
            },
            FieldViolation {
                field: "page_size".into(),
                value: None,
                constraint: Constraint::Max(60),
            },
        ]));
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(!status.message().contains("secret"));
        let fields: Vec<_> = details
            .bad_request()
            .expect("BadRequest")
            .field_violations
            .iter()
            .map(|v| (v.field.as_str(), v.description.as_str()))
            .collect();
        assert_eq!(
            fields,
            [
                ("job_name", "is required"),
                ("page_size", "must be at most 60")
            ]
        );
    }

    #[test]
    fn details_say_what_it_is_about() {
        let (status, details) = of(&Error::user_pool_not_found("local_1"));
        assert_eq!(status.code(), Code::NotFound);
        let resource = details.resource_info().expect("ResourceInfo");
        assert_eq!(
            (&*resource.resource_type, &*resource.resource_name),
            ("UserPool", "local_1")
        );
        assert_eq!(resource.description, "User pool local_1 does not exist.");

        let refused = Error::precondition(Reason::NoUpload, "UserImportJob", "import-1", "No file");
        let (status, details) = of(&refused);
        assert_eq!(status.code(), Code::FailedPrecondition);
        let violation = &details.precondition_failure().expect("a detail").violations[0];
        assert_eq!(
            (
                &*violation.r#type,
                &*violation.subject,
                &*violation.description
            ),
            ("NO_UPLOAD", "import-1", "No file")
        );

        let (status, details) = of(&Error::quota(Reason::TooManyJobs, "user pool a_1", "Full."));
        assert_eq!(status.code(), Code::ResourceExhausted);
        let violation = &details.quota_failure().expect("a detail").violations[0];
        assert_eq!(
            (&*violation.subject, &*violation.description),
            ("user pool a_1", "Full.")
        );

        let (status, details) = of(&Error::unavailable(Reason::DatabaseUnavailable, "Away."));
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(
            details.retry_info().expect("RetryInfo").retry_delay,
            Some(Duration::from_secs(1))
        );
    }

    #[test]
    fn an_internal_error_says_nothing_of_the_inside() {
        let (status, _) = of(&Error::internal("table users is on fire"));
        assert_eq!(status.code(), Code::Internal);
        assert!(!format!("{status:?}").contains("fire"));
    }

    #[test]
    fn a_status_fits_into_headers() {
        let many = (0..5_000).map(|i| FieldViolation {
            field: format!("custom_attributes[{i}].name"),
            value: None,
            constraint: Constraint::Pattern(
                r"arn:[\w+=/,.@-]+:[\w+=/,.@-]+:([\w+=/,.@-]*)?:[0-9]+",
            ),
        });
        let (status, _) = of(&Error::invalid_fields(many.collect()));
        let mut headers = axum::http::HeaderMap::new();
        status.add_header(&mut headers).expect("headers");
        let size: usize = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum();
        assert!(size < 8_000, "{size}");
    }

    #[test]
    fn statuses_of_tonic_get_details_too() {
        let id = RequestId::take(None);
        for (theirs, code, reason) in [
            (
                Status::unimplemented(""),
                Code::Unimplemented,
                "UNKNOWN_METHOD",
            ),
            (
                Status::unimplemented("compressed"),
                Code::Unimplemented,
                "UNIMPLEMENTED",
            ),
            (
                Status::internal("no"),
                Code::InvalidArgument,
                "MALFORMED_MESSAGE",
            ),
            (
                Status::out_of_range("big"),
                Code::ResourceExhausted,
                "MESSAGE_TOO_LARGE",
            ),
            (Status::not_found("?"), Code::NotFound, "NOT_FOUND"),
            (
                Status::deadline_exceeded("?"),
                Code::DeadlineExceeded,
                "DEADLINE_EXCEEDED",
            ),
        ] {
            let ours = of_tonic(&theirs, &id);
            assert_eq!(ours.code(), code);
            assert!(!ours.message().is_empty());
            let details = ours.get_error_details();
            assert_eq!(details.error_info().expect("ErrorInfo").reason, reason);
            assert!(details.request_info().is_some());
        }
    }

    #[test]
    fn a_body_that_is_compressed_is_told_how_it_may_be() {
        let mut theirs = Status::unimplemented("compressed");
        let identity = "identity".parse().expect("a header value");
        theirs.metadata_mut().insert(ACCEPTED_ENCODINGS, identity);
        let ours = of_tonic(&theirs, &RequestId::take(None));
        let accepted = ours.metadata().get(ACCEPTED_ENCODINGS);
        assert_eq!(accepted.expect("said"), "identity");
    }
}
