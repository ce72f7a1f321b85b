//! Transactions.

use super::held::Held;
use super::pool::Pool;
use super::wake::{CHANNEL, Wake};
use crate::domain::error::Error;

/// A connection of one's own, for one transaction after the other: the next
/// need not wait for a place in the pool, and finds a backend that knows the
/// tables and statements already.
#[derive(Debug)]
pub struct Connection(Held);

impl Connection {
    /// Begins a transaction.
    ///
    /// # Errors
    /// Unavailable when the connection is lost.
    pub async fn begin(mut self, name: &'static str) -> Result<Transaction, Error> {
        tracing::trace!(transaction = name, "begin");
        self.0.begin().await?;
        Ok(Transaction(self.0))
    }
}

/// A transaction; rolled back unless [`Transaction::commit`] is called.
#[derive(Debug)]
pub struct Transaction(Held);

impl Transaction {
    pub(super) async fn begin(pool: &Pool) -> Result<Self, sqlx::Error> {
        Ok(Self(pool.begin().await?))
    }

    /// Makes the work of the transaction last.
    ///
    /// # Errors
    /// Unavailable when the answer was lost: the work may or may not last.
    pub async fn commit(mut self) -> Result<(), Error> {
        Ok(self.0.commit().await?)
    }

    /// Makes the work of the transaction last, and answers its connection.
    ///
    /// # Errors
    /// Unavailable when the answer was lost: the work may or may not last.
    pub async fn commit_and_keep(mut self) -> Result<Connection, Error> {
        self.0.commit().await?;
        Ok(Connection(self.0))
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
    pub async fn rollback(mut self) {
        // A connection that cannot roll back is closed, which does as well.
        if let Err(error) = self.0.rollback().await {
            tracing::debug!(%error, "a rollback failed");
        }
    }

    /// Wakes the schedulers when the transaction commits.
    ///
    /// # Errors
    /// Unavailable without a database.
    pub async fn wake(&mut self, why: Wake) -> Result<(), Error> {
        sqlx::query!("SELECT pg_notify($1, $2)", CHANNEL, why.word())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// The connection, for the functions of this room.
    pub(super) fn connection(&mut self) -> &mut Held {
        &mut self.0
    }

    /// Marks a place to go back to, until the transaction ends or the next one
    /// is marked.
    pub(super) async fn mark(&mut self) -> Result<(), sqlx::Error> {
        self.0.run("SAVEPOINT mark").await
    }

    /// Undoes what was done since the mark, a statement that failed included.
    pub(super) async fn back_to_mark(&mut self) -> Result<(), sqlx::Error> {
        self.0.back_to_mark().await
    }
}
