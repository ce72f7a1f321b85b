//! The connection to Postgres: pool, transactions, migrations, notifications.

use std::fmt;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{Migrate as _, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};
use tokio::time::timeout;

use super::listener::Listener;
use super::pool::{Pool, PoolUse};
use super::transaction::Transaction;
use crate::domain::error::{Constraint, Error};

static MIGRATOR: Migrator = sqlx::migrate!();

/// How to reach the database, and how long to wait for it.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// `postgres://user:password@host:port/database`. Never printed.
    pub url: String,
    /// Most connections that this process opens.
    pub max_connections: u32,
    /// Longest wait for a connection from the pool.
    pub acquire_timeout: Duration,
    /// Longest run of one statement.
    pub statement_timeout: Duration,
    /// Longest wait for a lock, and longest pause inside a transaction.
    pub lock_timeout: Duration,
}

impl DatabaseSettings {
    /// The way to the database. The error does not repeat the URL.
    fn options(&self) -> Result<PgConnectOptions, Error> {
        let options = PgConnectOptions::from_str(&self.url).map_err(|_| {
            Error::invalid(
                "database_url",
                None,
                Constraint::Other(
                    "is no URL of the form postgres://user:password@host:port/database".into(),
                ),
            )
        })?;
        let options = match options.get_application_name() {
            // Whoever names a process in its URL finds it by that name.
            Some(_) => options,
            None => options.application_name("muster"),
        };
        Ok(options.disable_statement_logging())
    }

    /// The same, with the limits that the database keeps by itself: it lets go
    /// of what a client holds that is gone, or stands still, without the
    /// client's help. What sqlx opens has no keepalive on the client's side,
    /// and needs none: every call has an end ([`super::held`]), a connection
    /// that lay idle is tested, and one that only listens is
    /// [probed](super::Listener::probe).
    pub(super) fn limited(&self) -> Result<PgConnectOptions, Error> {
        let millis = |d: Duration| d.as_millis().to_string();
        Ok(self.options()?.options([
            ("statement_timeout", millis(self.statement_timeout)),
            ("lock_timeout", millis(self.lock_timeout)),
            (
                "idle_in_transaction_session_timeout",
                millis(self.lock_timeout * 2),
            ),
            ("tcp_keepalives_idle", "15".to_owned()),
            ("tcp_keepalives_interval", "5".to_owned()),
            ("tcp_keepalives_count", "3".to_owned()),
            ("tcp_user_timeout", millis(self.statement_timeout)),
            // Plans are as good without a look at the values (the tests try
            // both), and each statement is planned once in a session.
            ("plan_cache_mode", "force_generic_plan".to_owned()),
        ]))
    }
}

/// What a database knows of muster's schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// Just what this version needs.
    Current,
    /// Migrations are missing: `muster migrate` applies them.
    Behind,
    /// Made or changed by another version.
    Unknown,
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    pub(super) pool: Pool,
    pub(super) settings: Arc<DatabaseSettings>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL holds a password.
        f.write_str("Database(..)")
    }
}

impl Database {
    /// Opens a pool; the first connection is made when it is needed.
    ///
    /// # Errors
    /// Invalid argument when the URL cannot be parsed; the message does not
    /// repeat it, since it holds a password.
    pub fn open(settings: &DatabaseSettings) -> Result<Self, Error> {
        Ok(Self {
            pool: Pool::open(settings, settings.limited()?)?,
            settings: Arc::new(settings.clone()),
        })
    }

    /// The same, of whose waits for a connection [`crate::meters`] hears nothing.
    #[must_use]
    pub fn unmetered(self) -> Self {
        Self {
            pool: self.pool.unmetered(),
            ..self
        }
    }

    /// How its connections are used now.
    #[must_use]
    pub fn usage(&self) -> PoolUse {
        self.pool.usage()
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// Unavailable when the database cannot be reached.
    pub async fn begin(&self, name: &'static str) -> Result<Transaction, Error> {
        tracing::trace!(transaction = name, "begin");
        Ok(Transaction::begin(&self.pool).await?)
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// Unavailable when there is none.
    pub async fn ping(&self) -> Result<(), Error> {
        sqlx::query!("SELECT 1 AS one")
            .fetch_one(&self.pool)
            .await?;
        Ok(())
    }

    /// Closes all connections, once they are given back.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Applies the migrations that are missing. Safe to run from several
    /// processes at once. Answers how many it applied.
    ///
    /// # Errors
    /// Unavailable without a database; internal when a migration fails.
    pub async fn migrate(&self) -> Result<usize, Error> {
        // A migration may take longer than any statement of the service: it
        // has a connection of its own, without the limits.
        let options = self.settings.options()?.application_name("muster migrate");
        let mut connection = timeout(self.settings.acquire_timeout, options.connect())
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)??;
        let before = applied(&mut connection).await?;
        MIGRATOR
            .run_direct(None, &mut connection, false)
            .await
            .map_err(Error::internal)?;
        Ok(MIGRATOR.iter().count().saturating_sub(before))
    }

    /// Compares the database's schema with the one this version needs.
    ///
    /// # Errors
    /// Unavailable without a database.
    pub async fn schema_state(&self) -> Result<SchemaState, Error> {
        let known = sqlx::query_scalar!(
            r#"SELECT to_regclass('_sqlx_migrations') IS NOT NULL AS "known!""#
        )
        .fetch_one(&self.pool)
        .await?;
        if !known {
            return Ok(SchemaState::Behind);
        }
        // sqlx's own function for this takes no other connection than its own.
        let rows: Vec<(i64, Vec<u8>)> =
            sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations ORDER BY version")
                .fetch_all(&self.pool)
                .await?;
        let mut missing = MIGRATOR.iter().peekable();
        for (version, checksum) in rows {
            match missing.next() {
                Some(m) if m.version == version && *m.checksum == *checksum => {}
                _ => return Ok(SchemaState::Unknown),
            }
        }
        Ok(if missing.peek().is_none() {
            SchemaState::Current
        } else {
            SchemaState::Behind
        })
    }

    /// Listens for each [`Wake`](super::Wake).
    ///
    /// # Errors
    /// Unavailable without a database.
    pub async fn listen(&self) -> Result<Listener, Error> {
        Listener::open(&self.settings, self.pool.bound()).await
    }
}

/// How many migrations a database has had.
async fn applied(connection: &mut PgConnection) -> Result<usize, Error> {
    let known: bool =
        sqlx::query_scalar!(r#"SELECT to_regclass('_sqlx_migrations') IS NOT NULL AS "known!""#)
            .fetch_one(&mut *connection)
            .await?;
    if !known {
        return Ok(0);
    }
    Ok(connection
        .list_applied_migrations("_sqlx_migrations")
        .await
        .map_err(Error::internal)?
        .len())
}
