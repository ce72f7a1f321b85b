//! The pool of connections, whose every call has an end.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow, PgStatement, PgTypeInfo};
use sqlx::{
    AssertSqlSafe, Connection as _, Describe, Either, Error, Execute, Executor, PgConnection,
    PgPool, Postgres, SqlStr,
};
use tokio::time::timeout;

use super::DatabaseSettings;
use super::deadline::Limit;
use super::held::{Held, Step};

/// How long a connection that lay idle may take for a sign of life.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);
/// How much longer than the database allows a statement its answer is waited
/// for: the database's own word on it goes first, where it can be heard.
pub(super) const MARGIN: Duration = Duration::from_secs(2);

/// A pool of connections. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    connections: PgPool,
    /// How long statements may take.
    limit: Arc<Limit>,
}

impl Pool {
    /// A pool that opens its first connection when it is needed.
    pub(super) fn open(settings: &DatabaseSettings, options: PgConnectOptions) -> Self {
        let patience = SIGN_OF_LIFE.min(settings.acquire_timeout / 2);
        let limit = Arc::new(Limit::new(settings.statement_timeout));
        let (idle, fresh) = (Arc::clone(&limit), Arc::clone(&limit));
        let connections = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            .acquire_timeout(settings.acquire_timeout)
            // sqlx's own test takes all the time there is: after a failover
            // every idle connection would cost one call.
            .test_before_acquire(false)
            .before_acquire(move |connection, _| {
                let limit = Arc::clone(&idle);
                Box::pin(async move {
                    let alive = timeout(patience, is_alive(connection, &limit));
                    Ok(matches!(alive.await, Ok(Ok(()))))
                })
            })
            .after_connect(move |connection, _| {
                let limit = Arc::clone(&fresh);
                Box::pin(async move {
                    match limit.news(limit.allowed(), true) {
                        Some(news) => tell(connection, news).await,
                        None => Ok(()),
                    }
                })
            })
            .connect_lazy_with(options);
        Self { connections, limit }
    }

    /// A connection of one's own for a while.
    pub(super) async fn hold(&self) -> Result<Held, Error> {
        let connection = self.connections.acquire().await?;
        Ok(Held::new(connection, Arc::clone(&self.limit)))
    }

    /// The same bound for what is called on no connection of the pool.
    pub(super) fn bound(&self) -> Duration {
        self.limit.usual() + MARGIN
    }

    /// Closes all connections, once they are given back.
    pub(super) async fn close(&self) {
        self.connections.close().await;
    }
}

/// Asks a connection that lay idle for a sign of life; if it has none, the pool
/// makes another. Telling it how long statements may take does as well.
async fn is_alive(connection: &mut PgConnection, limit: &Limit) -> Result<(), Error> {
    match limit.news(limit.allowed(), false) {
        Some(news) => tell(connection, news).await,
        None => connection.ping().await,
    }
}

async fn tell(connection: &mut PgConnection, news: String) -> Result<(), Error> {
    connection.execute(AssertSqlSafe(news)).await.map(drop)
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
