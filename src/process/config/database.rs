//! The database: where it is, and how much of it a process may use.

use std::time::Duration;

use clap::Args;
use url::Url;

use super::secret::Secret;
use super::{Flag, values};
use crate::process::StartError;
use crate::store::DatabaseSettings;

const MINUTE: Duration = Duration::from_secs(60);

/// Where the database is.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseUrl {
    /// The database: postgres://user:password@host:port/database. Better given by its variable:
    /// others can see the flags of a process
    #[arg(
        long,
        env = "MUSTER_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub database_url: Secret,
}

/// How long a database that is away is waited for.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseWait {
    /// How long to wait at the start for a database that is away
    #[arg(
        long,
        env = "MUSTER_DATABASE_WAIT",
        hide_env_values = true,
        default_value = "30s",
        value_name = "DURATION",
        value_parser = values::duration(Duration::from_millis(100), 7 * 24 * 60 * MINUTE)
    )]
    pub database_wait: Duration,
}

impl Default for DatabaseWait {
    fn default() -> Self {
        Self {
            database_wait: MINUTE / 2,
        }
    }
}

/// How long the database may take.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseTimeouts {
    /// Longest wait for a connection: while the database is away, callers are told so after it
    #[arg(
        long,
        env = "MUSTER_DATABASE_ACQUIRE_TIMEOUT",
        hide_env_values = true,
        default_value = "5s",
        value_name = "DURATION",
        value_parser = values::duration(Duration::from_millis(100), 5 * MINUTE)
    )]
    database_acquire_timeout: Duration,
    /// Longest run of one statement, such as the insertion of a batch
    #[arg(
        long,
        env = "MUSTER_DATABASE_STATEMENT_TIMEOUT",
        hide_env_values = true,
        default_value = "60s",
        value_name = "DURATION",
        value_parser = values::duration(Duration::from_millis(100), 60 * MINUTE)
    )]
    database_statement_timeout: Duration,
    /// Longest wait for a lock; a transaction that stands still for twice as long is ended
    #[arg(
        long,
        env = "MUSTER_DATABASE_LOCK_TIMEOUT",
        hide_env_values = true,
        default_value = "10s",
        value_name = "DURATION",
        value_parser = values::duration(Duration::from_millis(100), 10 * MINUTE)
    )]
    database_lock_timeout: Duration,
}

/// The database of a process that serves.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseArgs {
    #[command(flatten)]
    at: DatabaseUrl,
    #[command(flatten)]
    wait: DatabaseWait,
    /// Most connections to the database, one for the health check aside [default: as many as are
    /// needed; a server 16, a scheduler --import-jobs x --import-lanes + 4]
    #[arg(
        long,
        env = "MUSTER_DATABASE_MAX_CONNECTIONS",
        hide_env_values = true,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    database_max_connections: Option<u32>,
    #[command(flatten)]
    timeouts: DatabaseTimeouts,
}

impl DatabaseArgs {
    /// How long a database that is away is waited for.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.wait.database_wait
    }

    /// The settings for a process that needs at least `least` connections and
    /// is well off with `enough`.
    ///
    /// # Errors
    /// [`StartError::Setting`] when it was given fewer.
    pub fn settings(&self, least: u32, enough: u32) -> Result<DatabaseSettings, StartError> {
        let max_connections = self.database_max_connections.unwrap_or(enough);
        if max_connections < least {
            return Err(StartError::setting(
                Flag::DATABASE_MAX_CONNECTIONS,
                format!("{max_connections} is too few: this process needs {least} or more"),
            ));
        }
        self.timeouts
            .settings(&self.at.database_url, max_connections)
    }
}

impl Default for DatabaseTimeouts {
    fn default() -> Self {
        let second = MINUTE / 60;
        Self {
            database_acquire_timeout: 5 * second,
            // The insertion of a batch is the longest statement there is.
            database_statement_timeout: 60 * second,
            database_lock_timeout: 10 * second,
        }
    }
}

impl DatabaseTimeouts {
    /// The settings for `max_connections` to a database.
    ///
    /// # Errors
    /// [`StartError::Setting`] when the URL is none of Postgres; without the URL.
    pub fn settings(
        &self,
        url: &Secret,
        max_connections: u32,
    ) -> Result<DatabaseSettings, StartError> {
        let postgres = Url::parse(url.expose())
            .is_ok_and(|url| matches!(url.scheme(), "postgres" | "postgresql"));
        if !postgres {
            return Err(StartError::setting(
                Flag::DATABASE_URL,
                "expected postgres://user:password@host:port/database",
            ));
        }
        Ok(DatabaseSettings {
            url: url.expose().to_owned(),
            max_connections,
            acquire_timeout: self.database_acquire_timeout,
            statement_timeout: self.database_statement_timeout,
            lock_timeout: self.database_lock_timeout,
        })
    }
}

/// A database's URL without password and parameters, save the folder of a
/// Unix socket.
#[must_use]
pub fn place(url: &str) -> String {
    let Ok(mut url) = Url::parse(url) else {
        return "(not a URL)".to_owned();
    };
    let socket = url
        .query_pairs()
        .find_map(|(name, value)| (name == "host").then(|| value.into_owned()));
    url.set_query(socket.map(|folder| format!("host={folder}")).as_deref());
    // Only a URL without a host refuses, and that one has no password.
    if url.set_password(None).is_err() {
        tracing::trace!("a database without a host");
    }
    url.into()
}
