//! Values that are never shown.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use clap::Args;

use super::Flag;
use crate::operations::SigningKey;
use crate::process::StartError;

/// A text that `Debug` does not show. Nothing is refused while it is parsed:
/// the parser's message would repeat it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.trim().to_owned()))
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// The key that signs upload URLs and page tokens.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Signatures")]
pub struct SigningKeyArgs {
    /// Signs upload URLs and page tokens: 32 bytes or more, the same for every server of an
    /// installation. `openssl rand -hex 32` makes one. Better given by its variable: others can
    /// see the flags of a process
    #[arg(
        long,
        env = "MUSTER_SIGNING_KEY",
        hide_env_values = true,
        value_name = "KEY"
    )]
    pub signing_key: Secret,
}

impl SigningKeyArgs {
    /// The key.
    ///
    /// # Errors
    /// [`StartError::Setting`] when it is too short; without the key.
    pub fn key(&self) -> Result<SigningKey, StartError> {
        SigningKey::new(self.signing_key.expose()).ok_or_else(|| {
            StartError::setting(
                Flag::SIGNING_KEY,
                format!(
                    "the key has {} bytes, and at least {} are needed: `openssl rand -hex 32` makes one",
                    self.signing_key.expose().len(),
                    SigningKey::MIN_BYTES
                ),
            )
        })
    }
}
