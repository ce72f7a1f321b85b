//! All SQL, one file an aggregate. The only room that knows sqlx: the others
//! hold a [`Database`] or a [`Transaction`] and call functions of this room.

pub mod backlog;
pub mod bulk;
mod copy;
mod database;
pub mod deadline;
pub mod dispatch;
pub mod finish;
pub mod gather;
mod held;
pub mod jobs;
pub mod lanes;
mod listener;
mod pool;
pub mod pools;
pub mod purge;
pub mod rejections;
pub mod request_ids;
mod stuck;
pub mod sweeps;
pub mod together;
mod transaction;
pub mod users;
mod wake;

pub use database::{Database, DatabaseSettings, SchemaState};
pub use listener::Listener;
pub use pool::PoolUse;
pub use transaction::{Connection, Transaction};
pub use wake::Wake;

use crate::domain::error::{Error, Reason};

/// A sqlx error as an error of ours: a database that is away, or too busy, is
/// UNAVAILABLE and worth another try; anything else is a bug.
impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let away = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            sqlx::Error::Database(db) => db.code().is_some_and(|code| is_passing(&code)),
            _ => false,
        };
        if away {
            Self::unavailable(
                Reason::DatabaseUnavailable,
                "The database cannot be reached at the moment.",
            )
            .with_source(error)
        } else {
            Self::internal(error)
        }
    }
}

/// Whether a SQLSTATE names a fault that passes by itself: connection trouble,
/// a server that starts or stops, no room, a timeout, a deadlock.
fn is_passing(code: &str) -> bool {
    code.starts_with("08")
        || code.starts_with("53")
        || code.starts_with("57P")
        || matches!(
            code,
            "40001" | "40P01" | "55P03" | "57014" | "25P03" | "25006"
        )
}

/// A number from the store that cannot be negative.
fn unsigned(value: i64) -> Result<u64, Error> {
    u64::try_from(value).map_err(Error::internal)
}

/// A number for the store, which has no unsigned ones.
fn signed(value: u64) -> Result<i64, Error> {
    i64::try_from(value).map_err(Error::internal)
}

/// A word in the store that this version does not know.
fn unknown_word(column: &'static str) -> Error {
    Error::internal(format!("the store holds an unknown word in {column}"))
}

/// Demands that a statement touched exactly one row.
fn exactly_one(rows: u64, what: &'static str) -> Result<(), Error> {
    if rows == 1 {
        return Ok(());
    }
    Err(Error::internal(format!(
        "{what} touched {rows} rows, not 1"
    )))
}
