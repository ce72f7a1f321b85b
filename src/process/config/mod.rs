//! The configuration: one set of flags, each with a `MUSTER_*` variable.
//!
//! Every program puts together what it needs of the groups here, so that a
//! flag has the same name, default and bounds wherever it is. A wrong value is
//! refused at start by name. Secrets are checked after parsing, because the
//! parser's messages repeat the value.

mod aws;
mod callers;
mod database;
mod file_limits;
mod importing;
mod job_rules;
mod listening;
mod log;
mod object_store;
mod programs;
mod refusal;
mod secret;
mod shutdown;
mod values;

use std::fmt;

pub use aws::{AwsAccess, AwsArgs};
pub use callers::CallersArgs;
pub use database::{DatabaseArgs, DatabaseTimeouts, DatabaseUrl, place};
pub use file_limits::FileLimits;
pub use importing::ImportingArgs;
pub use job_rules::JobRules;
pub use listening::ListenArgs;
pub(crate) use log::filter;
pub use log::{LogArgs, LogFormat};
pub use object_store::{ObjectStoreArgs, UploadEncryptionArgs};
pub use programs::{SchedulerConfig, ServerConfig};
pub use refusal::{parse, parse_from};
pub use secret::{Secret, SigningKeyArgs};
pub use shutdown::ShutdownArgs;

/// A flag and its variable, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// As on the command line, with its dashes.
    pub name: &'static str,
    /// The variable.
    pub variable: &'static str,
}

impl Flag {
    const fn new(name: &'static str, variable: &'static str) -> Self {
        Self { name, variable }
    }

    /// `--database-url`.
    pub const DATABASE_URL: Self = Self::new("--database-url", "MUSTER_DATABASE_URL");
    /// `--database-max-connections`.
    pub const DATABASE_MAX_CONNECTIONS: Self = Self::new(
        "--database-max-connections",
        "MUSTER_DATABASE_MAX_CONNECTIONS",
    );
    /// `--grpc-addr`.
    pub const GRPC_ADDR: Self = Self::new("--grpc-addr", "MUSTER_GRPC_ADDR");
    /// `--http-addr`.
    pub const HTTP_ADDR: Self = Self::new("--http-addr", "MUSTER_HTTP_ADDR");
    /// `--scheduler-addr`.
    pub const SCHEDULER_ADDR: Self = Self::new("--scheduler-addr", "MUSTER_SCHEDULER_ADDR");
    /// `--public-url`.
    pub const PUBLIC_URL: Self = Self::new("--public-url", "MUSTER_PUBLIC_URL");
    /// `--object-store`.
    pub const OBJECT_STORE: Self = Self::new("--object-store", "MUSTER_OBJECT_STORE");
    /// `--signing-key`.
    pub const SIGNING_KEY: Self = Self::new("--signing-key", "MUSTER_SIGNING_KEY");
    /// `--tokens-file`.
    pub const TOKENS_FILE: Self = Self::new("--tokens-file", "MUSTER_TOKENS_FILE");
    /// `--aws-front`.
    pub const AWS_FRONT: Self = Self::new("--aws-front", "MUSTER_AWS_FRONT");
    /// `--aws-access-keys`.
    pub const AWS_ACCESS_KEYS: Self = Self::new("--aws-access-keys", "MUSTER_AWS_ACCESS_KEYS");
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.variable)
    }
}

#[cfg(test)]
mod tests;
