//! The pool of connections, whose every call has an end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use deadpool::managed::{self, Metrics, Object, PoolError, QueueMode, RecycleError, RecycleResult};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use sqlx::postgres::{PgConnectOptions, PgRow, PgStatement, PgTypeInfo};
use sqlx::{
    Connection as _, Describe, Either, Error, Execute, Executor, PgConnection, Postgres, SqlStr,
};
use tokio::time::{sleep, timeout};

use super::DatabaseSettings;
use super::deadline::Limit;
use super::held::{Held, Step, in_time};
use crate::domain::error as domain;
use crate::meters;

/// How long a connection that lay idle may take for a sign of life.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);
/// How much longer than the database allows a statement its answer is waited
/// for: the database's own word on it goes first, where it can be heard.
pub(super) const MARGIN: Duration = Duration::from_secs(2);
/// A connection that is older is replaced: what a session has gathered goes
/// with it, and a database behind a new address is found.
const LONGEST_LIFE: Duration = Duration::from_secs(30 * 60);
/// One that nobody has needed for so long is let go, when one is asked for the
/// [`SWEEP`]th time.
const LONGEST_IDLE: Duration = Duration::from_secs(10 * 60);
const SWEEP: usize = 100;
/// The pauses before a database that refuses connections, as one does that
/// starts, is tried again.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// A connection that goes back to the pool when it is dropped.
pub(super) type Pooled = Object<Sessions>;

/// A pool of connections. Cheap to clone.
///
/// Not sqlx's own: that asks for a sign of life when a connection is given back
/// as well, and hands all connections out in turn. The last one given back
/// knows the tables and statements best.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    connections: managed::Pool<Sessions>,
    /// The longest wait for a connection.
    patience: Duration,
    /// The longest wait for its first answer.
    sign_of_life: Duration,
    /// What they share.
    common: Arc<Common>,
    /// How often a connection was asked for.
    held: Arc<AtomicUsize>,
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

/// What the connections of a pool have in common.
#[derive(Debug)]
pub(super) struct Common {
    /// How long statements may take.
    pub(super) limit: Limit,
    /// When one was last waited for in vain.
    silent: Mutex<Option<Instant>>,
}

impl Common {
    /// Notes that a connection gave no sign of life.
    fn note_silence(&self) {
        if let Ok(mut silent) = self.silent.lock() {
            *silent = Some(Instant::now());
        }
    }

    /// Whether one gave no sign of life since then.
    fn silent_since(&self, then: Instant) -> bool {
        let silent = self.silent.lock().map_or(None, |silent| *silent);
        silent.is_some_and(|silent| then < silent)
    }
}

/// A connection, and what is known of it.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: PgConnection,
    /// How long it was told that statements may take.
    pub(super) told: Duration,
    /// When it last answered.
    pub(super) answered: Instant,
}

/// Makes connections.
#[derive(Debug)]
pub(super) struct Sessions {
    options: PgConnectOptions,
    common: Arc<Common>,
}

impl managed::Manager for Sessions {
    type Type = Session;
    type Error = Error;

    async fn create(&self) -> Result<Session, Error> {
        let mut pause = FIRST_PAUSE;
        loop {
            match PgConnection::connect_with(&self.options).await {
                Err(error) if is_starting(&error) => sleep(pause).await,
                made => {
                    return Ok(Session {
                        connection: made?,
                        told: self.common.limit.usual(),
                        answered: Instant::now(),
                    });
                }
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn recycle(&self, session: &mut Session, past: &Metrics) -> RecycleResult<Error> {
        if past.age() > LONGEST_LIFE {
            return Err(RecycleError::message("it has served its time"));
        }
        // Silence of one is silence of all that lay idle with it: nobody has
        // the time to wait for each.
        if self.common.silent_since(session.answered) {
            return Err(RecycleError::message("another gave no sign of life"));
        }
        Ok(())
    }
}

/// Whether a database cannot be reached as if it were just being started.
fn is_starting(error: &Error) -> bool {
    match error {
        Error::Io(cause) => matches!(
            cause.kind(),
            std::io::ErrorKind::ConnectionRefused
                | std::io::ErrorKind::ConnectionAborted
                | std::io::ErrorKind::ConnectionReset
        ),
        Error::Database(cause) => cause.code().is_some_and(|code| code == "57P03"),
        _ => false,
    }
}

impl Pool {
    /// A pool that opens its first connection when it is needed.
    pub(super) fn open(
        settings: &DatabaseSettings,
        options: PgConnectOptions,
    ) -> Result<Self, domain::Error> {
        let common = Arc::new(Common {
            limit: Limit::new(settings.statement_timeout),
            silent: Mutex::default(),
        });
        let connections = managed::Pool::builder(Sessions {
            options,
            common: Arc::clone(&common),
        })
        .max_size(settings.max_connections as usize)
        .queue_mode(QueueMode::Lifo)
        .build()
        .map_err(domain::Error::internal)?;
        Ok(Self {
            connections,
            patience: settings.acquire_timeout,
            sign_of_life: SIGN_OF_LIFE.min(settings.acquire_timeout / 2),
            common,
            held: Arc::default(),
            metered: true,
        })
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
        let status = self.connections.status();
        let [most, size, idle] = [status.max_size, status.size, status.available]
            .map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        PoolUse {
            in_use: size.saturating_sub(idle),
            idle,
            most,
        }
    }

    /// A connection of one's own for a while.
    pub(super) async fn hold(&self) -> Result<Held, Error> {
        self.take(false).await
    }

    /// The same, with a transaction begun.
    pub(super) async fn begin(&self) -> Result<Held, Error> {
        self.take(true).await
    }

    async fn take(&self, begin: bool) -> Result<Held, Error> {
        in_time()?;
        if self
            .held
            .fetch_add(1, Ordering::Relaxed)
            .is_multiple_of(SWEEP)
        {
            self.connections
                .retain(|_, past| past.last_used() < LONGEST_IDLE);
        }
        let begun = Instant::now();
        let taken = match timeout(self.patience, self.living(begin)).await {
            Ok(Ok(held)) => Ok(held),
            Ok(Err(PoolError::Backend(error))) => Err(error),
            Ok(Err(PoolError::Closed)) => Err(Error::PoolClosed),
            Ok(Err(_)) | Err(_) => Err(Error::PoolTimedOut),
        };
        if self.metered {
            meters::database_waited(begun.elapsed(), taken.is_ok());
        }
        taken
    }

    /// A connection that has given a sign of life, or is new.
    async fn living(&self, begin: bool) -> Result<Held, PoolError<Error>> {
        loop {
            let connection = self.connections.get().await?;
            let new = Object::metrics(&connection).recycled.is_none();
            let mut held = Held::new(connection, Arc::clone(&self.common));
            match timeout(self.sign_of_life, held.greet(begin, new)).await {
                Ok(Ok(())) => return Ok(held),
                Ok(Err(error)) if new => return Err(PoolError::Backend(error)),
                Ok(Err(_)) => {}
                Err(_) => self.common.note_silence(),
            }
            held.discard();
        }
    }

    /// The same bound for what is called on no connection of the pool.
    pub(super) fn bound(&self) -> Duration {
        self.common.limit.usual() + MARGIN
    }

    /// Closes all connections, once they are given back.
    pub(super) async fn close(&self) {
        loop {
            let left = self.connections.status().size;
            if left == 0 {
                break;
            }
            // So that none is made in the place of one that is in use.
            self.connections.resize(left);
            let Ok(connection) = self.connections.get().await else {
                break;
            };
            // The database hears of it, where it can.
            let closed = timeout(SIGN_OF_LIFE, Object::take(connection).connection.close()).await;
            if !matches!(closed, Ok(Ok(()))) {
                tracing::debug!("a connection was dropped, not closed");
            }
        }
        self.connections.close();
    }
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
