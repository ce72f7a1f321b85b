//! Messages of `proto/` to and from what the operations know. Each enum is
//! converted by a table that the compiler finds complete.

pub(super) mod job;
pub(super) mod pool;
pub(super) mod rejected_row;
pub(super) mod user;

use prost_types::Timestamp;
use time::OffsetDateTime;

use crate::domain::error::{Constraint, Error};
use crate::operations::Page;

/// proto3 sends an absent string as an empty one.
pub(super) fn optional(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// The page that a request asks for.
pub(super) fn page(size: i32, token: String) -> Page {
    Page {
        size: Some(size).filter(|size| *size != 0),
        token: optional(token),
    }
}

/// The token of the next page; empty on the last one.
pub(super) fn token(next: Option<String>) -> String {
    next.unwrap_or_default()
}

fn timestamp(time: OffsetDateTime) -> Timestamp {
    Timestamp {
        seconds: time.unix_timestamp(),
        // Below 10^9, and so within an i32.
        nanos: i32::try_from(time.nanosecond()).unwrap_or(0),
    }
}

/// A number that no file is large enough to bring beyond an i64.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A number that is none of an enum's.
fn unknown(field: impl Into<String>, value: i32, known: &'static [&'static str]) -> Error {
    Error::invalid(field, Some(value.to_string()), Constraint::Enum(known))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn what_is_absent_is_none() {
        assert_eq!(optional(String::new()), None);
        assert_eq!(optional("x".into()).as_deref(), Some("x"));
        let all = page(0, String::new());
        assert!(all.size.is_none() && all.token.is_none());
        assert_eq!(page(-1, String::new()).size, Some(-1));
        assert_eq!(token(None), "");
    }

    #[test]
    fn times_keep_their_microseconds() {
        let time = datetime!(2026-03-01 12:00:00.123456 UTC);
        let timestamp = timestamp(time);
        assert_eq!(timestamp.seconds, time.unix_timestamp());
        assert_eq!(timestamp.nanos, 123_456_000);
        let early = super::timestamp(datetime!(1969-12-31 23:59:59.5 UTC));
        assert_eq!((early.seconds, early.nanos), (-1, 500_000_000));
    }
}
