//! The pool of connections, whose every call has an end.

use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow, PgStatement, PgTypeInfo};
use sqlx::{
    Connection as _, Describe, Either, Error, Execute, Executor, PgConnection, PgPool, Postgres,
    SqlStr,
};
use tokio::time::{Instant, timeout};

use super::DatabaseSettings;
use super::held::{Held, Step};
use crate::meters;

/// How long a connection that lay idle may take for a sign of life.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);
/// How much longer than the database allows a statement its answer is waited
/// for: the database's own word on it goes first, where it can be heard.
const MARGIN: Duration = Duration::from_secs(2);

/// A pool of connections. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    connections: PgPool,
    /// The longest that a call may take.
    bound: Duration,
    /// Whether waits for a connection are told to [`meters`].
    metered: bool,
}

/// How the connections of a pool are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// Connections that somebody works with.
    pub in_use: u32,
    /// Connections that wait for work.
    pub idle: u32,
    /// Most connections that there may be.
    pub most: u32,
}

impl Pool {
    /// A pool that opens its first connection when it is needed.
    pub(super) fn open(settings: &DatabaseSettings, options: PgConnectOptions) -> Self {
        let patience = SIGN_OF_LIFE.min(settings.acquire_timeout / 2);
        let connections = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            .acquire_timeout(settings.acquire_timeout)
            // sqlx's own test takes all the time there is: after a failover
            // every idle connection would cost one call.
            .test_before_acquire(false)
            .before_acquire(move |connection, _| Box::pin(is_alive(connection, patience)))
            .connect_lazy_with(options);
        Self {
            connections,
            bound: settings.statement_timeout + MARGIN,
            metered: true,
        }
    }

    /// The same pool, of whose waits nothing is told.
    pub(super) fn unmetered(self) -> Self {
        Self {
            metered: false,
            ..self
        }
    }

    /// How the connections are used now.
    pub(super) fn usage(&self) -> PoolUse {
        let idle = u32::try_from(self.connections.num_idle()).unwrap_or(u32::MAX);
        PoolUse {
            in_use: self.connections.size().saturating_sub(idle),
            idle,
            most: self.connections.options().get_max_connections(),
        }
    }

    /// A connection of one's own for a while.
    pub(super) async fn hold(&self) -> Result<Held, Error> {
        let begun = Instant::now();
        let connection = self.connections.acquire().await;
        if self.metered {
            meters::database_waited(begun.elapsed(), connection.is_ok());
        }
        Ok(Held::new(connection?, self.bound))
    }

    /// The same bound for what is called on no connection of the pool.
    pub(super) fn bound(&self) -> Duration {
        self.bound
    }

    /// Closes all connections, once they are given back.
    pub(super) async fn close(&self) {
        self.connections.close().await;
    }
}

/// Whether a connection that lay idle still answers; else the pool makes
/// another.
async fn is_alive(connection: &mut PgConnection, patience: Duration) -> Result<bool, Error> {
    Ok(matches!(
        timeout(patience, connection.ping()).await,
        Ok(Ok(()))
    ))
}

impl<'c> Executor<'c> for &'c Pool {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let steps = async move { self.hold().await?.steps(query).await };
        stream::once(steps)
            .map_ok(|steps| stream::iter(steps.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        Box::pin(async move {
            let steps = self.hold().await?.steps(query).await?;
            Ok(steps.into_iter().find_map(Either::right))
        })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'c: 'e,
    {
        Box::pin(async move { self.hold().await?.prepare_with(sql, parameters).await })
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Postgres>, Error>>
    where
        'c: 'e,
    {
        Box::pin(async move { self.hold().await?.describe(sql).await })
    }
}
