//! A connection of the pool, on which every call has an end.
//!
//! A call that is cut off, because its time is up or its caller is gone, leaves
//! a connection of which nobody knows what it will answer next. Such a one
//! never goes back to the pool as it is: sqlx would put it there, with a
//! transaction open if the call was a BEGIN, and its place would stay taken for
//! as long as a dead network is waited for.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool::managed::Object;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use sqlx::postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{
    AssertSqlSafe, Connection as _, Describe, Either, Error, Execute, Executor, PgConnection,
    Postgres, SqlStr,
};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::deadline;
use super::pool::{Common, MARGIN, Pooled, Session};

/// How long a connection may take to become quiet before it is closed.
const GIVING_BACK: Duration = Duration::from_secs(5);
/// A commit has the usual time, or this, whatever the deadline of its call.
const COMMIT: Duration = Duration::from_secs(10);
/// What a connection was told of which nobody knows that. Longer than any, so
/// that it is told anew.
const UNKNOWN: Duration = Duration::from_secs(1 << 30);

/// What one statement answers.
pub(super) type Step = Either<PgQueryResult, PgRow>;

/// A connection of the pool, and what is known of it.
pub(super) struct Held {
    /// `None` once a call has left it in a state that nobody knows.
    connection: Option<Pooled>,
    /// What the connections of the pool share.
    common: Arc<Common>,
    /// Whether a call is under way; when this is dropped: was cut off.
    busy: bool,
    /// Whether a transaction may be open.
    open: bool,
    /// Whether the database was told within it how long statements may take:
    /// it forgets that when the transaction is rolled back.
    told_within: bool,
}

impl Held {
    /// A connection that has yet to [`greet`](Self::greet) the database.
    pub(super) fn new(connection: Pooled, common: Arc<Common>) -> Self {
        Self {
            connection: Some(connection),
            common,
            busy: false,
            open: false,
            told_within: false,
        }
    }

    /// Asks for a sign of life, by what is to be said anyway: how long
    /// statements may take, where that is news, and that a transaction begins.
    pub(super) async fn greet(&mut self, begin: bool, new: bool) -> Result<(), Error> {
        let news = self.common.limit.news(self.told());
        self.open = begin;
        match (news, begin) {
            (Some(news), true) => {
                let statement = format!("{}; BEGIN", deadline::statement(news));
                self.answer(AssertSqlSafe(statement)).await?;
                self.note_told(news);
            }
            (Some(news), false) => self.tell(news).await?,
            (None, true) => self.run("BEGIN").await?,
            (None, false) if new => {}
            (None, false) => {
                let ended = self.call()?.ping().await;
                self.called(Ok(ended))?;
            }
        }
        Ok(())
    }

    /// Closes the connection.
    pub(super) fn discard(mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Object::take(connection));
        }
    }

    /// Begins a transaction.
    pub(super) async fn begin(&mut self) -> Result<(), Error> {
        in_time()?;
        self.open = true;
        self.told_within = false;
        self.run("BEGIN").await
    }

    /// Ends the transaction; its work lasts. A deadline that has passed comes
    /// first; one that passes now cuts nothing off: of a commit that is broken
    /// off nobody knows how durable it is.
    pub(super) async fn commit(&mut self) -> Result<(), Error> {
        in_time()?;
        let usual = self.common.limit.usual();
        if self.told() < usual.min(COMMIT) {
            let commit = format!("{}; COMMIT", deadline::statement(usual));
            self.note_told(usual);
            self.answer(AssertSqlSafe(commit)).await?;
        } else {
            self.run("COMMIT").await?;
        }
        self.open = false;
        Ok(())
    }

    /// Ends the transaction; of its work nothing lasts.
    pub(super) async fn rollback(&mut self) -> Result<(), Error> {
        self.run("ROLLBACK").await?;
        self.open = false;
        self.forgot();
        Ok(())
    }

    /// Ends the part of the transaction that began at a mark; of its work
    /// nothing lasts.
    pub(super) async fn back_to_mark(&mut self) -> Result<(), Error> {
        self.run("ROLLBACK TO SAVEPOINT mark").await?;
        self.forgot();
        Ok(())
    }

    /// Runs a statement without parameters or answer, whatever the deadline: a
    /// transaction that has failed takes no word about time.
    pub(super) async fn run(&mut self, statement: &'static str) -> Result<(), Error> {
        self.answer(statement).await.map(drop)
    }

    /// Refuses what there is no time for, and tells the database where it would
    /// allow more than is left.
    async fn heed_deadline(&mut self) -> Result<(), Error> {
        in_time()?;
        match self.common.limit.news(self.told()) {
            Some(news) => self.tell(news).await,
            None => Ok(()),
        }
    }

    /// Tells the database how long statements may take.
    async fn tell(&mut self, allowed: Duration) -> Result<(), Error> {
        let statement = AssertSqlSafe(deadline::statement(allowed));
        self.answer(statement).await?;
        self.note_told(allowed);
        Ok(())
    }

    /// How long the database was told that statements may take.
    fn told(&self) -> Duration {
        let session = self.connection.as_deref();
        session.map_or(self.common.limit.usual(), |session| session.told)
    }

    /// How long a call may take: the database allows no more than usual, whatever
    /// it was told.
    fn bound(&self) -> Duration {
        self.told().min(self.common.limit.usual()) + MARGIN
    }

    fn note_told(&mut self, told: Duration) {
        if let Some(session) = self.connection.as_deref_mut() {
            session.told = told;
        }
        self.told_within |= self.open;
    }

    /// Notes that what was done in the transaction is undone.
    fn forgot(&mut self) {
        if self.told_within {
            self.note_told(UNKNOWN);
        }
    }

    /// The connection for one call, which is under way from now on.
    fn call(&mut self) -> Result<&mut PgConnection, Error> {
        match self.connection.as_deref_mut() {
            Some(session) => {
                self.busy = true;
                Ok(&mut session.connection)
            }
            None => Err(Error::Io(io::ErrorKind::NotConnected.into())),
        }
    }

    /// Notes the end of a call. After any but an orderly one the connection is
    /// closed.
    fn called<T>(
        &mut self,
        ended: Result<Result<T, Error>, tokio::time::error::Elapsed>,
    ) -> Result<T, Error> {
        let answer = ended.unwrap_or_else(|_| Err(Error::Io(io::ErrorKind::TimedOut.into())));
        if is_orderly(&answer) {
            if let Some(session) = self.connection.as_deref_mut() {
                session.answered = Instant::now();
            }
        } else if let Some(connection) = self.connection.take() {
            // Its place in the pool is free from here on.
            drop(Object::take(connection));
        }
        self.busy = false;
        answer
    }

    /// Streams rows to the database by COPY: `fill` puts the next piece into an
    /// empty buffer, and answers false when there is none.
    pub(super) async fn copy(
        &mut self,
        statement: &'static str,
        fill: impl FnMut(&mut Vec<u8>) -> bool,
    ) -> Result<u64, Error> {
        self.heed_deadline().await?;
        let not_connected = || Error::Io(io::ErrorKind::NotConnected.into());
        let mut copying = Copying(Some(self.connection.take().ok_or_else(not_connected)?));
        let session: &mut Session = copying.0.as_mut().ok_or_else(not_connected)?;
        let bound = session.told + MARGIN;
        let ended = timeout(bound, copy(&mut session.connection, statement, fill)).await;
        let copied = ended.unwrap_or_else(|_| Err(Error::Io(io::ErrorKind::TimedOut.into())));
        if is_orderly(&copied) {
            session.answered = Instant::now();
            self.connection = copying.0.take();
        }
        copied
    }

    /// All that a query answers.
    pub(super) async fn steps<'q, E: Execute<'q, Postgres> + 'q>(
        &mut self,
        query: E,
    ) -> Result<Vec<Step>, Error> {
        self.heed_deadline().await?;
        self.answer(query).await
    }

    /// All that a query answers, whatever the deadline.
    async fn answer<'q, E: Execute<'q, Postgres> + 'q>(
        &mut self,
        query: E,
    ) -> Result<Vec<Step>, Error> {
        let bound = self.bound();
        let steps = self.call()?.fetch_many(query).try_collect();
        let ended = timeout(bound, steps).await;
        self.called(ended)
    }
}

/// Whether a connection is as it was before a call that ended so.
fn is_orderly<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Ok(_) | Err(Error::Database(_)))
}

/// Refuses to begin anything after the deadline.
pub(super) fn in_time() -> Result<(), Error> {
    if deadline::is_over() {
        return Err(Error::Io(io::ErrorKind::TimedOut.into()));
    }
    Ok(())
}

/// A connection during a COPY. One that is cut off in its midst is closed:
/// sqlx keeps no count of the answers to a COPY, and would take those that are
/// still to come for answers to what is asked next.
struct Copying(Option<Pooled>);

impl Drop for Copying {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}

async fn copy(
    connection: &mut PgConnection,
    statement: &str,
    mut fill: impl FnMut(&mut Vec<u8>) -> bool,
) -> Result<u64, Error> {
    let mut copy = connection.copy_in_raw(statement).await?;
    let mut piece = Vec::new();
    while fill(&mut piece) {
        copy.send(piece.as_slice()).await?;
        piece.clear();
    }
    copy.finish().await
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        let quieten = match (self.open, self.busy) {
            (true, _) => "ROLLBACK",
            (false, true) => "SELECT 1",
            // It goes back as it is.
            (false, false) => return,
        };
        if self.busy || self.told_within {
            connection.told = UNKNOWN;
        }
        match Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(give_back(connection, quieten));
            }
            // Nothing runs any more: the process is about to end.
            Err(_) => drop(Object::take(connection)),
        }
    }
}

/// Gives a connection back to the pool once it is quiet, or closes it. Either
/// way its place is free when this ends.
async fn give_back(mut connection: Pooled, quieten: &'static str) {
    // It waits for what is still to be answered; if that is an error, it ends
    // with it, and has done nothing.
    let quiet = timeout(GIVING_BACK, (&mut connection.connection).execute(quieten)).await;
    if !matches!(quiet, Ok(Ok(_))) {
        tracing::debug!("a connection gave no sign of life, and was closed");
        drop(Object::take(connection));
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held")
            .field("busy", &self.busy)
            .field("open", &self.open)
            .finish_non_exhaustive()
    }
}

impl<'c> Executor<'c> for &'c mut Held {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        stream::once(self.steps(query))
            .map_ok(|steps| stream::iter(steps.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        Box::pin(async move { Ok(self.steps(query).await?.into_iter().find_map(Either::right)) })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'c: 'e,
    {
        Box::pin(async move {
            let bound = self.bound();
            let prepared = self.call()?.prepare_with(sql, parameters);
            let ended = timeout(bound, prepared).await;
            self.called(ended)
        })
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Postgres>, Error>>
    where
        'c: 'e,
    {
        Box::pin(async move {
            let bound = self.bound();
            let described = self.call()?.describe(sql);
            let ended = timeout(bound, described).await;
            self.called(ended)
        })
    }
}
