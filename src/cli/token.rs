//! The bearer token, which is sent and never shown.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};

use super::failure::Failure;

/// A bearer token, empty for none. It is never shown.
#[derive(Clone, Default)]
pub struct Token(String);

impl FromStr for Token {
    // Nothing is refused here, because clap's message would show the token.
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.trim().to_owned()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() {
            "none"
        } else {
            "(hidden)"
        })
    }
}

impl Token {
    /// What adds the token to each call.
    ///
    /// # Errors
    ///
    /// When it holds characters that no header may.
    pub fn bearer(&self) -> Result<Bearer, Failure> {
        self.header().map(Bearer)
    }

    /// The value of the `authorization` header, if there is a token.
    fn header(&self) -> Result<Option<MetadataValue<Ascii>>, Failure> {
        if self.0.is_empty() {
            return Ok(None);
        }
        // The parse error would hold nothing of the token, and no news either.
        let mut value: MetadataValue<Ascii> = format!("Bearer {}", self.0)
            .parse()
            .map_err(|_| Failure::Token)?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// The token itself, if there is one.
    #[must_use]
    pub fn expose(&self) -> Option<&str> {
        (!self.0.is_empty()).then_some(&self.0)
    }
}

/// Adds the token to each call.
#[derive(Clone)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request
                .metadata_mut()
                .insert("authorization", value.clone());
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_shown() {
        let token: Token = " s3cret\n".parse().unwrap();
        assert_eq!(format!("{token:?}"), "(hidden)");
        let header = token.header().unwrap().unwrap();
        assert!(!format!("{header:?}").contains("s3cret"));
        assert_eq!(header.to_str().unwrap(), "Bearer s3cret");
    }

    #[test]
    fn a_token_that_cannot_be_sent_is_refused_without_showing_it() {
        let token: Token = "a\nb".parse().unwrap();
        let failure = token.header().unwrap_err();
        assert!(!failure.to_string().contains("a\nb"));
    }
}
