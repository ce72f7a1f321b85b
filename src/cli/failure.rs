//! What goes wrong, in one line each.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::address::Address;
use super::text::one_line;

/// Why a command failed. `Display` is what its user reads.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No connection to the server came about.
    #[error(
        "no muster server answers at {address} ({cause}); `muster dev` starts one, --server or MUSTER_SERVER names another"
    )]
    Unreachable {
        /// Where it was looked for.
        address: Address,
        /// What the operating system or the protocol says.
        cause: String,
    },
    /// The server refused, or the connection to it broke.
    #[error("{}", describe(.0))]
    Rpc(#[from] Status),
    /// The server's answer lacks what the protocol promises.
    #[error("the server's answer has no {0}; is it another version of muster?")]
    Incomplete(&'static str),
    /// The token is no header value. The token itself is not shown.
    #[error("the token holds characters that cannot be sent")]
    Token,
    /// A local file.
    #[error("{}: {cause}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        cause: io::Error,
    },
    /// An HTTP request was answered with an error.
    #[error("the {what} was refused with status {status}: {message}")]
    Refused {
        /// `upload` or `download`.
        what: &'static str,
        /// The HTTP status.
        status: u16,
        /// The server's own words, in one line.
        message: String,
    },
    /// An HTTP request came to no end.
    #[error("the {what} broke off ({cause})")]
    BrokenOff {
        /// `upload` or `download`.
        what: &'static str,
        /// What the operating system or the protocol says.
        cause: String,
    },
    /// The upload's URL is none of HTTP.
    #[error("the upload goes to a {0}:// URL, and this client speaks HTTP only")]
    UploadScheme(String),
    /// Something failed on the way, and something is left behind.
    #[error("{cause}\n{advice}")]
    Advised {
        /// What failed.
        cause: Box<Failure>,
        /// What there is to do about it.
        advice: String,
    },
    /// A message cannot be shown as JSON.
    #[error("an answer cannot be shown as JSON: {0}")]
    Json(String),
    /// Standard output or standard error takes no more.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    /// Whether whoever read the output went away, as `head` does. No failure
    /// that anyone needs to hear about.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(e) if e.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The same failure, and what there is to do about it.
    #[must_use]
    pub fn advise(self, advice: String) -> Self {
        Self::Advised {
            cause: Box::new(self),
            advice,
        }
    }
}

/// The last of an error's causes, which says most.
#[must_use]
pub fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    one_line(&cause.to_string())
}

/// An error status in one line: code, message, details, request id.
#[must_use]
pub fn describe(status: &Status) -> String {
    // A status that came over the wire has no source.
    if status.source().is_some() {
        return format!(
            "the connection to the server broke ({})",
            root_cause(status)
        );
    }
    let details = status.get_error_details();
    let mut line = format!("{}: {}", code_name(status.code()), status.message());
    let violations = details
        .bad_request()
        .into_iter()
        .flat_map(|bad| &bad.field_violations)
        .map(|v| format!("{}: {}", v.field, v.description));
    let preconditions = details
        .precondition_failure()
        .into_iter()
        .flat_map(|failure| &failure.violations)
        .map(|v| v.description.clone());
    let quotas = details
        .quota_failure()
        .into_iter()
        .flat_map(|failure| &failure.violations)
        .map(|v| v.description.clone());
    let extra: Vec<String> = violations
        .chain(preconditions)
        .chain(quotas)
        // A server may well put its only detail into the message too.
        .filter(|text| !text.is_empty() && !status.message().contains(text.as_str()))
        .collect();
    if !extra.is_empty() {
        line.push_str(&format!(" ({})", extra.join("; ")));
    }
    if let Some(delay) = details.retry_info().and_then(|retry| retry.retry_delay) {
        line.push_str(&format!("; try again in {} s", delay.as_secs().max(1)));
    }
    if status.code() == Code::Unauthenticated {
        line.push_str("; a token is given by --token or MUSTER_TOKEN");
    }
    if let Some(request) = details.request_info().filter(|r| !r.request_id.is_empty()) {
        line.push_str(&format!(" [request id {}]", request.request_id));
    }
    one_line(&line)
}

/// The code's name in the protocol.
const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn a_status_names_code_fields_and_request() {
        let mut details = ErrorDetails::with_bad_request_violation("job_name", "1-128 characters");
        details
            .add_bad_request_violation("user_pool_id", "no such form")
            .set_request_info("r-7", "");
        let status =
            Status::with_error_details(Code::InvalidArgument, "2 fields are invalid", details);
        assert_eq!(
            Failure::from(status).to_string(),
            "INVALID_ARGUMENT: 2 fields are invalid \
             (job_name: 1-128 characters; user_pool_id: no such form) [request id r-7]"
        );
    }

    #[test]
    fn a_detail_that_the_message_holds_is_not_repeated() {
        let details =
            ErrorDetails::with_precondition_failure_violation("JOB", "import-1", "No csv file");
        let status =
            Status::with_error_details(Code::FailedPrecondition, "No csv file was there", details);
        assert_eq!(
            describe(&status),
            "FAILED_PRECONDITION: No csv file was there"
        );
    }

    #[test]
    fn a_retry_delay_is_told() {
        let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(3)));
        let status = Status::with_error_details(Code::ResourceExhausted, "Too fast.", details);
        assert_eq!(
            describe(&status),
            "RESOURCE_EXHAUSTED: Too fast.; try again in 3 s"
        );
    }

    #[test]
    fn a_missing_token_is_hinted_at() {
        let line = describe(&Status::unauthenticated("No credentials."));
        assert!(line.ends_with("--token or MUSTER_TOKEN"), "{line}");
    }

    #[test]
    fn a_status_stays_on_its_line() {
        let line = describe(&Status::internal("a\nb\u{1b}[31m"));
        assert_eq!(line, "INTERNAL: a b [31m");
    }

    #[test]
    fn an_unreachable_server_is_named() {
        let failure = Failure::Unreachable {
            address: "localhost:1".parse().unwrap(),
            cause: "Connection refused".to_owned(),
        };
        let line = failure.to_string();
        assert!(line.contains("http://localhost:1 (Connection refused)"));
        assert!(line.contains("`muster dev`"));
    }
}
