//! What a store's errors mean.

use std::io;

use object_store::Error as StoreError;

use crate::domain::error::{Error, Reason};

/// An error of a store, without what it may repeat of a request: the body of an
/// answer can hold a signature, an address a token.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Told(String);

/// The store is away. What it refuses is the same to callers: it is not their
/// fault, and passes when somebody has mended it.
pub(super) fn away(error: StoreError) -> Error {
    Error::unavailable(
        Reason::ObjectStoreUnavailable,
        "The object store cannot be reached at the moment.",
    )
    .with_source(Told(in_words(&error)))
}

/// The folder that is the store cannot be written.
pub(super) fn unwritable(error: io::Error) -> Error {
    Error::unavailable(
        Reason::ObjectStoreUnavailable,
        "The folder of uploads cannot be written.",
    )
    .with_source(error)
}

/// Whether an object that was asked for by its tag or version is gone, or is
/// another by now.
pub(super) fn is_another(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::NotFound { .. }
            | StoreError::Precondition { .. }
            | StoreError::NotModified { .. }
    )
}

/// The store's no, in words; an error for what may pass by itself.
pub(super) fn refusal(error: StoreError) -> Result<Result<(), String>, Error> {
    let words = in_words(&error);
    let no = match error {
        StoreError::NotFound { .. } => "is not there",
        StoreError::PermissionDenied { .. } => "may not be listed with these credentials",
        StoreError::Unauthenticated { .. } => "does not take these credentials",
        // Too many requests, and one that came too slowly: that passes.
        StoreError::Generic { .. }
            if words.contains("code: 429") || words.contains("code: 408") =>
        {
            return Err(away(error));
        }
        // What is asked is wrong; a redirect says that the region is.
        StoreError::Generic { .. }
            if words.contains("status code: 4") || words.contains("redirect") =>
        {
            "cannot be listed"
        }
        error => return Err(away(error)),
    };
    Ok(Err(format!("{no} ({words})")))
}

/// An error in words: what happened up to the body of an answer, and of that
/// body the code alone.
fn in_words(error: &StoreError) -> String {
    const STATUS: &str = "status code: ";
    let text = error.to_string();
    // `... status code: 403 Forbidden: <?xml ...`
    let Some((before, rest)) = text.split_once(STATUS) else {
        return without_query(&text);
    };
    let status = rest.split(':').next().unwrap_or_default().trim();
    let code = between(rest, "<Code>", "</Code>")
        .filter(|code| code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric()))
        .map(|code| format!(" ({code})"))
        .unwrap_or_default();
    format!("{}{STATUS}{status}{code}", without_query(before))
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(open)?;
    rest.split_once(close).map(|(inner, _)| inner)
}

/// Takes the queries off the addresses in a text.
fn without_query(text: &str) -> String {
    text.split(' ')
        .map(|word| match word.split_once('?') {
            Some((address, _)) if address.contains("://") => address,
            _ => word,
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(text: &str) -> StoreError {
        StoreError::PermissionDenied {
            path: "uploads/a".into(),
            source: text.into(),
        }
    }

    #[test]
    fn neither_a_body_nor_a_query_gets_into_the_log() {
        let error = denied(
            "Error performing GET https://b.example/o?sig=s3cret in 2ms - Server returned non-2xx \
             status code: 403 Forbidden: <Error><Code>SignatureDoesNotMatch</Code>\
             <SignatureProvided>s3cret</SignatureProvided></Error>",
        );
        let words = in_words(&error);
        assert!(!words.contains("s3cret"), "{words}");
        assert!(
            words.ends_with("https://b.example/o in 2ms - Server returned non-2xx status code: 403 Forbidden (SignatureDoesNotMatch)"),
            "{words}"
        );
        let error = away(error);
        let source = std::error::Error::source(&error).expect("a source");
        assert!(!source.to_string().contains("s3cret"));
        assert!(source.source().is_none());
    }

    #[test]
    fn what_a_store_refuses_is_told_from_what_passes() {
        assert!(refusal(denied("x")).expect("a no").is_err());
        let generic = |text: &str| StoreError::Generic {
            store: "S3",
            source: text.into(),
        };
        assert!(
            refusal(generic("status code: 400 Bad Request: ..."))
                .expect("a no")
                .is_err()
        );
        assert!(refusal(generic("connection refused")).is_err());
        assert!(refusal(generic("status code: 503 Slow Down: ...")).is_err());
        assert!(refusal(generic("status code: 429 Too Many Requests: ...")).is_err());
    }
}
