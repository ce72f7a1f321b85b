//! The connection to Postgres: pool, transactions, migrations, notifications.

use std::ops::DerefMut as _;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::migrate::{Migrate as _, Migrator};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgConnection, PgPool};

use crate::domain::error::{Error, Reason};

static MIGRATOR: Migrator = sqlx::migrate!();

/// The channel on which Start and Stop wake the schedulers. Only a hint: the
/// schedulers' poll is what guarantees.
const WAKE_CHANNEL: &str = "muster_jobs";

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
#[derive(Clone, Debug)]
pub struct Database {
    pub(super) pool: PgPool,
    url: String,
}

/// A transaction; rolled back unless [`Transaction::commit`] is called.
#[derive(Debug)]
pub struct Transaction(sqlx::Transaction<'static, sqlx::Postgres>);

impl Transaction {
    /// Makes the work of the transaction last.
    ///
    /// # Errors
    /// Unavailable when the answer was lost: the work may or may not last.
    pub async fn commit(self) -> Result<(), Error> {
        Ok(self.0.commit().await?)
    }

    /// Ends the transaction by its result: what went well lasts; of the rest
    /// nothing does, and its locks are gone before the caller is answered.
    ///
    /// # Errors
    /// That of the result; unavailable when the answer to the commit was lost.
    pub async fn settle<T>(self, result: Result<T, Error>) -> Result<T, Error> {
        match result {
            Ok(value) => {
                self.commit().await?;
                Ok(value)
            }
            Err(error) => {
                self.rollback().await;
                Err(error)
            }
        }
    }

    /// Undoes the work of the transaction. Its locks are gone when this ends;
    /// those of one that is merely dropped are let go some time later.
    pub async fn rollback(self) {
        // A connection that cannot roll back is closed, which does as well.
        if let Err(error) = self.0.rollback().await {
            tracing::debug!(%error, "a rollback failed");
        }
    }

    /// The connection, for the functions of this room.
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        self.0.deref_mut()
    }

    /// The transaction inside, for savepoints.
    pub(super) fn inner(&mut self) -> &mut sqlx::Transaction<'static, sqlx::Postgres> {
        &mut self.0
    }
}

impl Database {
    /// Opens a pool; the first connection is made when it is needed.
    ///
    /// # Errors
    /// Invalid argument when the URL cannot be parsed; the message does not
    /// repeat it, since it holds a password.
    pub fn open(settings: &DatabaseSettings) -> Result<Self, Error> {
        let millis = |d: Duration| d.as_millis().to_string();
        let options = PgConnectOptions::from_str(&settings.url)
            .map_err(|_| {
                Error::invalid(
                    "database_url",
                    None,
                    crate::domain::error::Constraint::Other(
                        "is no URL of the form postgres://user:password@host:port/database".into(),
                    ),
                )
            })?
            .application_name("muster")
            .options([
                ("statement_timeout", millis(settings.statement_timeout)),
                ("lock_timeout", millis(settings.lock_timeout)),
                (
                    "idle_in_transaction_session_timeout",
                    millis(settings.lock_timeout * 2),
                ),
                ("tcp_keepalives_idle", "15".to_owned()),
                ("tcp_keepalives_interval", "5".to_owned()),
                ("tcp_keepalives_count", "3".to_owned()),
                ("tcp_user_timeout", millis(settings.statement_timeout)),
            ])
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            .acquire_timeout(settings.acquire_timeout)
            .connect_lazy_with(options);
        Ok(Self {
            pool,
            url: settings.url.clone(),
        })
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// Unavailable when the database cannot be reached.
    pub async fn begin(&self, name: &'static str) -> Result<Transaction, Error> {
        tracing::trace!(transaction = name, "begin");
        Ok(Transaction(self.pool.begin().await?))
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
        let mut connection = PgConnectOptions::from_str(&self.url)?
            .application_name("muster migrate")
            .connect()
            .await?;
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
        let mut connection = self.pool.acquire().await?;
        let rows = connection
            .list_applied_migrations("_sqlx_migrations")
            .await
            .map_err(Error::internal)?;
        let mut missing = MIGRATOR.iter().peekable();
        for row in rows {
            match missing.next() {
                Some(m) if m.version == row.version && m.checksum == row.checksum => {}
                _ => return Ok(SchemaState::Unknown),
            }
        }
        Ok(if missing.peek().is_none() {
            SchemaState::Current
        } else {
            SchemaState::Behind
        })
    }

    /// Listens for [`Transaction::wake`].
    ///
    /// # Errors
    /// Unavailable without a database.
    pub async fn listen(&self) -> Result<Listener, Error> {
        // Not from the pool: it would hold a connection for ever.
        let mut listener = PgListener::connect(&self.url).await?;
        listener.listen(WAKE_CHANNEL).await?;
        Ok(Listener(listener))
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

impl Transaction {
    /// Wakes the schedulers when the transaction commits.
    ///
    /// # Errors
    /// Unavailable without a database.
    pub async fn wake(&mut self) -> Result<(), Error> {
        sqlx::query!("SELECT pg_notify($1, '')", WAKE_CHANNEL)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

/// Hears [`Transaction::wake`].
#[derive(Debug)]
pub struct Listener(PgListener);

impl Listener {
    /// Waits for the next wake. Wakes may be lost when the connection is: after
    /// an error, look at the tables and listen again.
    ///
    /// # Errors
    /// Unavailable when the connection is lost.
    pub async fn woken(&mut self) -> Result<(), Error> {
        match self.0.try_recv().await? {
            Some(_) => Ok(()),
            None => Err(Error::unavailable(
                Reason::DatabaseUnavailable,
                "The connection that listens was lost.",
            )),
        }
    }
}
