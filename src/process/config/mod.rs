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
mod limits;
mod listening;
mod log;
mod metrics;
mod object_store;
mod programs;
mod refusal;
mod secret;
mod shutdown;
mod tls;
mod values;

use std::fmt;

pub use aws::{AwsAccess, AwsArgs};
pub use callers::CallersArgs;
pub use database::{DatabaseArgs, DatabaseTimeouts, DatabaseUrl, DatabaseWait, place};
pub use file_limits::FileLimits;
pub use importing::ImportingArgs;
pub use job_rules::JobRules;
pub use limits::LimitsArgs;
pub use listening::ListenArgs;
pub(crate) use log::filter;
pub use log::{LogArgs, LogFormat};
pub use metrics::MetricsArgs;
pub use object_store::{ObjectStoreArgs, UploadEncryptionArgs};
pub use programs::{SchedulerConfig, ServerConfig};
pub use refusal::{parse, parse_from};
pub use secret::{Secret, SigningKeyArgs};
pub use shutdown::ShutdownArgs;
pub use tls::{ClientAuth, TlsArgs, TlsPaths};

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
    /// `--health-addr`.
    pub const HEALTH_ADDR: Self = Self::new("--health-addr", "MUSTER_HEALTH_ADDR");
    /// `--scheduler-addr`.
    pub const SCHEDULER_ADDR: Self = Self::new("--scheduler-addr", "MUSTER_SCHEDULER_ADDR");
    /// `--metrics-addr`.
    pub const METRICS_ADDR: Self = Self::new("--metrics-addr", "MUSTER_METRICS_ADDR");
    /// `--public-url`.
    pub const PUBLIC_URL: Self = Self::new("--public-url", "MUSTER_PUBLIC_URL");
    /// `--object-store`.
    pub const OBJECT_STORE: Self = Self::new("--object-store", "MUSTER_OBJECT_STORE");
    /// `--signing-key`.
    pub const SIGNING_KEY: Self = Self::new("--signing-key", "MUSTER_SIGNING_KEY");
    /// `--tokens-file`.
    pub const TOKENS_FILE: Self = Self::new("--tokens-file", "MUSTER_TOKENS_FILE");
    /// `--tls-cert`.
    pub const TLS_CERT: Self = Self::new("--tls-cert", "MUSTER_TLS_CERT");
    /// `--tls-key`.
    pub const TLS_KEY: Self = Self::new("--tls-key", "MUSTER_TLS_KEY");
    /// `--tls-client-ca`.
    pub const TLS_CLIENT_CA: Self = Self::new("--tls-client-ca", "MUSTER_TLS_CLIENT_CA");
    /// `--tls-client-auth`.
    pub const TLS_CLIENT_AUTH: Self = Self::new("--tls-client-auth", "MUSTER_TLS_CLIENT_AUTH");
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
