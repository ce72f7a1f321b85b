//! Stub: the scheduler is written elsewhere.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::domain::clock::Clock;
use crate::domain::error::Error;
use crate::domain::ids::Ids;
use crate::objects::Objects;
use crate::store::Database;

/// How the scheduler works.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "a stub")]
pub struct SchedulerSettings {
    pub lanes: u16,
    pub max_jobs: usize,
    pub lease: Duration,
    pub poll: Duration,
    pub retain_upload: Duration,
    pub batch_rows: usize,
    pub batch_bytes: usize,
    pub max_fruitless: u32,
    pub max_row_chars: usize,
    pub max_rows: u64,
}

/// The scheduler. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Scheduler;

impl Scheduler {
    /// A scheduler.
    #[must_use]
    pub fn new(
        _db: Database,
        _objects: Objects,
        _clock: Arc<dyn Clock>,
        _ids: Arc<dyn Ids>,
        _settings: SchedulerSettings,
    ) -> Self {
        Self
    }

    /// Works until the shutdown.
    ///
    /// # Errors
    /// When it cannot work at all.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Error> {
        shutdown.cancelled().await;
        Ok(())
    }

    /// How long ago each duty's loop last turned.
    #[must_use]
    pub fn heartbeats(&self) -> Vec<(&'static str, Duration)> {
        vec![("stub", Duration::ZERO)]
    }
}
