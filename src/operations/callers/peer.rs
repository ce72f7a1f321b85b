//! The names in the certificate of whoever is at the other end of a connection.

use std::sync::Arc;

/// The longest SPIFFE id, in bytes (SPIFFE's own bound).
const MAX_URI: usize = 2_048;
/// The longest host name, in bytes.
const MAX_HOST: usize = 253;

/// The names in a client's certificate, which was found to be good: its URIs as
/// they are, its DNS names behind `dns:`. It goes with every request of the
/// connection. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer(Arc<[String]>);

impl Peer {
    /// These names, in the order in which they are looked for.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().collect())
    }

    /// A DNS name as it is looked for.
    #[must_use]
    pub fn dns(host: &str) -> String {
        format!("dns:{}", host.to_ascii_lowercase())
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// A name as a tokens file may list it, in the form in which it is looked for.
pub(super) fn listed(name: &str) -> Option<String> {
    if let Some(host) = name.strip_prefix("dns:") {
        return is_host(host).then(|| Peer::dns(host));
    }
    let (domain, path) = name.strip_prefix("spiffe://")?.split_once('/')?;
    let sound = name.len() <= MAX_URI
        && is_word(domain)
        && !domain.bytes().any(|b| b.is_ascii_uppercase())
        && path
            .split('/')
            .all(|segment| is_word(segment) && segment != "." && segment != "..");
    sound.then(|| name.to_owned())
}

/// Letters, digits, dots, dashes and underscores: all that SPIFFE allows.
fn is_word(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    !text.is_empty() && text.bytes().all(fits)
}

fn is_host(host: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    host.len() <= MAX_HOST
        && host
            .split('.')
            .all(|label| (1..=63).contains(&label.len()) && label.bytes().all(fits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_file_is_a_spiffe_id_or_a_host() {
        for good in [
            "spiffe://example.org/ns/prod/sa/sync",
            "spiffe://a_b-c.d/X",
            "dns:a",
            "dns:xn--a.example.org",
        ] {
            assert_eq!(listed(good).as_deref(), Some(good));
        }
        assert_eq!(listed("dns:A.b").as_deref(), Some("dns:a.b"));
        let long = format!("spiffe://a/{}", "x".repeat(MAX_URI));
        for bad in [
            "",
            "dns:",
            "dns:*.example.org",
            "dns:a..b",
            "dns:a b",
            "a.example.org",
            "https://example.org/a",
            "spiffe://example.org",
            "spiffe://example.org/",
            "spiffe:///a",
            "spiffe://Example.org/a",
            "spiffe://example.org/a//b",
            "spiffe://example.org/../b",
            "spiffe://example.org/a?b",
            "spiffe://me@example.org/a",
            &long,
        ] {
            assert_eq!(listed(bad), None, "{bad}");
        }
    }
}
