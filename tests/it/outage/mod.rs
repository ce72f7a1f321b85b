//! The database away, silent, slow or restarted: every call has an end, nothing
//! stays half-done in the pool, and nothing needs to be started again.

mod calls;
mod hang_ups;
mod listening;
mod services;
mod stalled;

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use muster::domain::error::{Error, ErrorKind};
use muster::store::{Database, DatabaseSettings, Transaction};

use crate::support::watch::in_time;

/// Connections of [`impatient`].
const CONNECTIONS: u32 = 4;

/// For a database that is not waited for for long.
fn settings(url: &str) -> DatabaseSettings {
    DatabaseSettings {
        url: url.to_owned(),
        max_connections: CONNECTIONS,
        acquire_timeout: Duration::from_secs(2),
        statement_timeout: Duration::from_millis(500),
        lock_timeout: Duration::from_millis(200),
    }
}

fn impatient(url: &str) -> Database {
    Database::open(&settings(url)).expect("a database")
}

/// Whether a call was told that the database is away.
async fn is_told_so<T>(call: impl Future<Output = Result<T, Error>>) -> bool {
    matches!(in_time(call).await, Err(error) if error.kind() == ErrorKind::Unavailable)
}

/// A transaction on each connection that a pool may open: none is taken.
async fn all_connections(db: &Database, connections: u32) -> Vec<Transaction> {
    let mut held = Vec::new();
    for n in 0..connections {
        let begun = in_time(db.begin("all")).await;
        held.push(begun.unwrap_or_else(|e| panic!("connection {n}: {e:?}")));
    }
    held
}

/// A future that is dropped when it has been looked at so often, unless it is
/// done by then.
struct CutOff<F> {
    inner: Pin<Box<F>>,
    polls: usize,
}

/// Whether a future was done before it was cut off.
async fn cut_off_at<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    CutOff {
        inner: Box::pin(future),
        polls,
    }
    .await
}

impl<F: Future> Future for CutOff<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls == 0 {
            return Poll::Ready(None);
        }
        self.polls -= 1;
        self.inner.as_mut().poll(cx).map(Some)
    }
}
