//! The database at the start and at the end of a process.

use std::error::Error as _;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::StartError;
use super::config::Flag;
use super::lifecycle::Outcome;
use crate::domain::error::{Error, ErrorKind};
use crate::store::{Database, DatabaseSettings, SchemaState};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const ONE_TRY: Duration = Duration::from_secs(3);

/// The database, once for the work and once for [`super::health::Judge`].
#[derive(Clone, Debug)]
pub struct Databases {
    /// For the work.
    pub work: Database,
    /// One connection, so that health is not judged by how busy the pool is.
    pub health: Database,
}

impl Databases {
    /// Opens the database, waiting for it if it is away, but no longer than
    /// `patience`.
    ///
    /// # Errors
    /// [`StartError::Setting`] when it stays away, or turns us down.
    pub async fn open(settings: &DatabaseSettings, patience: Duration) -> Result<Self, StartError> {
        let work = open(settings)?;
        let health = open(&DatabaseSettings {
            max_connections: 1,
            acquire_timeout: ONE_TRY,
            statement_timeout: ONE_TRY,
            ..settings.clone()
        })?;
        wait_for(&health, &settings.url, patience).await?;
        Ok(Self { work, health })
    }

    /// Refuses a schema that is not just what this version needs.
    ///
    /// # Errors
    /// [`StartError::Schema`] says what to do about it.
    pub async fn check_schema(&self) -> Result<(), StartError> {
        match self.health.schema_state().await {
            Ok(SchemaState::Current) => Ok(()),
            Ok(SchemaState::Behind) => Err(StartError::Schema(
                "the database's schema is not up to date: run `muster migrate` first",
            )),
            Ok(SchemaState::Unknown) => Err(StartError::Schema(
                "the database's schema was made by another version of muster: run that version, or, \
                 if this one is newer, its `muster migrate` first",
            )),
            Err(error) => Err(refused(&error)),
        }
    }

    /// Closes all connections; waits a little for those that are in use, unless
    /// the process is to end at once.
    pub async fn close(&self, outcome: Outcome) {
        if matches!(outcome, Outcome::Aborted(_)) {
            return;
        }
        let both = async { tokio::join!(self.work.close(), self.health.close()) };
        if timeout(Duration::from_secs(2), both).await.is_err() {
            tracing::warn!("left connections to the database behind");
        }
    }
}

fn open(settings: &DatabaseSettings) -> Result<Database, StartError> {
    Database::open(settings).map_err(|error| refused(&error))
}

fn refused(error: &Error) -> StartError {
    StartError::setting(Flag::DATABASE_URL, in_words(error))
}

/// An error with its source, which holds no password. What callers are told of
/// a bug is of no use to whoever starts the process.
pub(super) fn in_words(error: &Error) -> String {
    match error.source() {
        Some(source) if error.kind() == ErrorKind::Internal => source.to_string(),
        Some(source) => format!("{error} ({source})"),
        None => error.to_string(),
    }
}

async fn wait_for(database: &Database, url: &str, patience: Duration) -> Result<(), StartError> {
    let deadline = Instant::now() + patience;
    let mut pause = FIRST_PAUSE;
    let mut told = false;
    let place = super::config::place(url);
    loop {
        let problem = match timeout(ONE_TRY, database.ping()).await {
            Ok(Ok(())) => return Ok(()),
            // A wrong password or a missing database does not pass by itself.
            Ok(Err(error)) if error.kind() != ErrorKind::Unavailable => {
                return Err(refused(&error));
            }
            Ok(Err(error)) => in_words(&error),
            Err(_) => "no answer".to_owned(),
        };
        if Instant::now() + pause > deadline {
            return Err(StartError::setting(
                Flag::DATABASE_URL,
                format!(
                    "no database answered at {place} within {} s: {problem}",
                    patience.as_secs()
                ),
            ));
        }
        if !told {
            tracing::warn!(database = place, problem, "waiting for the database");
            told = true;
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
