//! Where a server listens.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// The base URL of a server, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Url);

/// Why a text is no [`Address`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No URL, and no `host:port` either.
    #[error("expected host:port, http://host:port or https://host:port ({0})")]
    Malformed(String),
    /// Neither HTTP nor HTTPS.
    #[error("{0}:// is not supported: this client speaks http:// and https://")]
    Scheme(String),
    /// Credentials belong in the token, which is never printed.
    #[error("an address holds no user name or password; use --token")]
    Credentials,
}

impl Address {
    /// Whether TLS is spoken there.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The URL of a path below the address. Each segment is escaped.
    #[must_use]
    pub fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        // Only a URL that cannot be a base refuses, and these two always can.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        // Without this, `localhost:50051` is a URL of the scheme `localhost`.
        let url = if text.contains("://") {
            Url::parse(text)
        } else {
            Url::parse(&format!("http://{text}"))
        }
        .map_err(|e| AddressError::Malformed(e.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(AddressError::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        Ok(Self(url))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, AddressError> {
        text.parse::<Address>().map(|a| a.to_string())
    }

    #[test]
    fn a_scheme_is_optional() {
        for (given, meant) in [
            ("localhost:50051", "http://localhost:50051"),
            ("127.0.0.1:50051", "http://127.0.0.1:50051"),
            ("[::1]:50051", "http://[::1]:50051"),
            (" http://muster:50051/ ", "http://muster:50051"),
            ("muster.example", "http://muster.example"),
            ("https://muster:8443/", "https://muster:8443"),
        ] {
            assert_eq!(parse(given).as_deref(), Ok(meant), "{given}");
        }
    }

    #[test]
    fn what_cannot_be_called_is_refused() {
        assert!(matches!(parse(""), Err(AddressError::Malformed(_))));
        assert!(matches!(
            parse("localhost:port"),
            Err(AddressError::Malformed(_))
        ));
        assert_eq!(
            parse("ftp://muster:443"),
            Err(AddressError::Scheme("ftp".to_owned()))
        );
        assert_eq!(parse("http://me:pw@muster"), Err(AddressError::Credentials));
    }

    #[test]
    fn joined_segments_cannot_leave_the_path() {
        let address: Address = "http://muster:8080/base/".parse().unwrap();
        assert_eq!(
            address.join(&["v1", "a/../b?c"]).as_str(),
            "http://muster:8080/base/v1/a%2F..%2Fb%3Fc"
        );
    }
}
