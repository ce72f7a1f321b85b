//! The id of a call, in its answer and in the log lines about it.

use std::fmt;
use std::sync::Arc;

use crate::domain::ids::{Ids as _, SystemIds};

/// The id of a call. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The header in which a caller may give an id, and finds it in the answer.
    pub const HEADER: &'static str = "x-request-id";
    /// The longest id that is taken from a caller, in characters.
    pub const MAX: usize = 64;

    /// The id that the caller gave, if it is visible ASCII of bounded length;
    /// otherwise a new one. A caller's own id lets it follow a call through
    /// several services; nothing is decided by it.
    #[must_use]
    pub fn take(given: Option<&[u8]>) -> Self {
        given
            .filter(|id| (1..=Self::MAX).contains(&id.len()))
            .filter(|id| id.iter().all(u8::is_ascii_graphic))
            .and_then(|id| std::str::from_utf8(id).ok())
            .map_or_else(Self::new, |id| Self(id.into()))
    }

    fn new() -> Self {
        Self(SystemIds.ordered().to_string().into())
    }

    /// The id: 1-64 visible ASCII characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_harmless_id_is_kept_and_any_other_replaced() {
        assert_eq!(RequestId::take(Some(b"trace-1/a")).as_str(), "trace-1/a");
        let long = [b'x'; RequestId::MAX + 1];
        assert_eq!(RequestId::take(Some(&long[1..])).as_str().len(), 64);
        let bad: [&[u8]; 5] = [b"", b"a b", b"a\nb", "\u{e9}".as_bytes(), &long];
        for given in bad.into_iter().map(Some).chain([None]) {
            let made = RequestId::take(given);
            assert!(uuid::Uuid::try_parse(made.as_str()).is_ok(), "{made}");
        }
        assert_ne!(RequestId::take(None), RequestId::take(None));
    }
}
