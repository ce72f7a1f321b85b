//! Why there is no figure.

use std::error::Error;
use std::fmt;

/// Why a figure was not measured.
#[derive(Debug)]
pub enum Fault {
    /// A program that the figure needs is not on this machine.
    Missing(String),
    /// What was done is not what should have been done: no time counts.
    Wrong(String),
    /// Anything else that went wrong.
    Failed(String),
}

/// What most functions here answer.
pub type Result<T> = std::result::Result<T, Fault>;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(why) => write!(f, "not measured: {why}"),
            Self::Wrong(why) => write!(f, "wrong: {why}"),
            Self::Failed(why) => write!(f, "failed: {why}"),
        }
    }
}

/// With all its causes.
impl<E: Error> From<E> for Fault {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        Self::Failed(text)
    }
}

/// Something went wrong, in words.
pub fn failed<T>(why: impl Into<String>) -> Result<T> {
    Err(Fault::Failed(why.into()))
}

/// Refuses a result that is not what it should be.
pub fn check<T: PartialEq + fmt::Debug>(what: &str, found: T, expected: T) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(Fault::Wrong(format!(
        "{what}: found {found:?}, expected {expected:?}"
    )))
}
