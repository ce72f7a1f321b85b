//! The log line of an error, the same for every transport.

use std::error::Error as _;
use std::fmt::Write as _;

use super::callers::RequestId;
use crate::domain::error::{Error, ErrorKind, Reason};

/// Logs an error where it is answered, and so once a call. `code` is what the
/// transport answers. What lies beneath the error is told where operators must
/// act: the database, the object store or muster itself is at fault.
pub fn log_refusal(error: &Error, code: &str, request_id: &RequestId) {
    let (kind, reason) = (error.kind(), error.reason().as_str());
    let at_fault = match kind {
        ErrorKind::Internal => true,
        ErrorKind::Unavailable => {
            !matches!(error.reason(), Reason::ShuttingDown | Reason::Overloaded)
        }
        _ => false,
    };
    if at_fault {
        let causes = causes(error);
        tracing::error!(?kind, reason, code, %request_id, causes, "refused: {error}");
    } else {
        tracing::info!(?kind, reason, code, %request_id, "refused: {error}");
    }
}

/// What lies beneath an error, outermost first.
fn causes(error: &Error) -> String {
    let mut text = String::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let separator = if text.is_empty() { "" } else { ": " };
        // Writing to a String cannot fail.
        let written = write!(text, "{separator}{cause}");
        debug_assert!(written.is_ok());
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_to_the_innermost() {
        let inner = Error::unavailable(Reason::DatabaseUnavailable, "no database")
            .with_source(std::io::Error::other("connection refused"));
        assert_eq!(
            causes(&Error::internal(inner)),
            "no database: connection refused"
        );
        assert_eq!(causes(&Error::deadline_exceeded()), "");
    }
}
