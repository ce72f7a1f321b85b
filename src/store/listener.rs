//! Hearing what wakes the schedulers.

use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::time::timeout;

use super::DatabaseSettings;
use super::wake::{CHANNEL, Wake};
use crate::domain::error::{Error, Reason};

/// Hears what [`Wake`] says. When one with a dead connection is dropped, sqlx
/// holds on to that until the system gives it up.
#[derive(Debug)]
pub struct Listener {
    inner: PgListener,
    bound: Duration,
}

impl Listener {
    pub(super) async fn open(settings: &DatabaseSettings, bound: Duration) -> Result<Self, Error> {
        // A pool of its own: it would hold a connection of the other for ever.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(settings.acquire_timeout)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(settings.limited()?);
        let opened = timeout(bound, async {
            let mut inner = PgListener::connect_with(&pool).await?;
            inner.eager_reconnect(false);
            inner.listen(CHANNEL).await?;
            Ok::<_, sqlx::Error>(inner)
        });
        let inner = opened.await.map_err(|_| sqlx::Error::PoolTimedOut)??;
        Ok(Self { inner, bound })
    }

    /// Waits for the next wake; none is one that this version does not know.
    /// Wakes may be lost when the connection is: after an error, look at the
    /// tables and listen again.
    ///
    /// # Errors
    /// Unavailable when the connection is lost. One that is dead, and does not
    /// say so, is found by [`Listener::probe`] only.
    pub async fn woken(&mut self) -> Result<Option<Wake>, Error> {
        match self.inner.try_recv().await? {
            Some(said) => Ok(Wake::from_word(said.payload())),
            None => Err(lost()),
        }
    }

    /// Asks the database for a sign of life on this connection.
    ///
    /// # Errors
    /// Unavailable when there is none: listen again.
    pub async fn probe(&mut self) -> Result<(), Error> {
        let probe = sqlx::query!("SELECT 1 AS one").fetch_one(&mut self.inner);
        timeout(self.bound, probe).await.map_err(|_| lost())??;
        Ok(())
    }
}

fn lost() -> Error {
    Error::unavailable(
        Reason::DatabaseUnavailable,
        "The connection that listens was lost.",
    )
}
