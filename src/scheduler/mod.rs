//! The duties that move jobs on by themselves. Each is idempotent, takes no
//! input, and has a `tick` that does one round; any number of schedulers may
//! run side by side on one database.

mod dispatch;
mod expire;
mod finish;
mod import;
mod measure;
mod purge;
mod rescue;
mod run;
mod together;

pub use run::DUTIES;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::domain::clock::Clock;
use crate::domain::ids::Ids;
use crate::importer::{ImportSettings, Importer};
use crate::objects::Objects;
use crate::store::Database;
use run::Pulse;
use together::Careful;

/// How a scheduler works.
#[derive(Clone, Debug)]
pub struct SchedulerSettings {
    /// Most lanes of a job; it is one when its pool has aliases.
    pub lanes: u16,
    /// Bytes of a file for each lane: what a lane costs must be worth it.
    pub lane_bytes: u64,
    /// Jobs that this process imports at once; small ones together count as one.
    pub max_jobs: usize,
    /// How long a worker may be silent before another takes its job.
    pub lease: Duration,
    /// How often the duties look for work that nobody woke them for.
    pub poll: Duration,
    /// How long an upload is kept after the end of its job.
    pub retain_upload: Duration,
    /// Most rows of a batch.
    pub batch_rows: usize,
    /// Most bytes of a batch.
    pub batch_bytes: usize,
    /// Claims in a row without a batch written, after which a job is FAILED.
    pub max_fruitless: u32,
    /// Longest row, in characters.
    pub max_row_chars: usize,
    /// Most rows of a file.
    pub max_rows: u64,
}

/// The duties of one process. Cheap to clone.
#[derive(Clone)]
pub struct Scheduler(Arc<Inner>);

struct Inner {
    db: Database,
    objects: Objects,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    settings: SchedulerSettings,
    importer: Importer,
    /// Random at each start, so that a worker never takes another's lease for
    /// its own.
    worker: Uuid,
    permits: Arc<Semaphore>,
    imports: TaskTracker,
    /// Whether a permit came back that no import has looked at yet.
    freed: AtomicBool,
    careful: Careful,
    /// Called off when imports are to give their jobs back.
    draining: CancellationToken,
    /// Wakes dispatch, import and finish before their time, in this order.
    wake: [Notify; 3],
    pulses: Vec<Pulse>,
}

impl std::fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scheduler({})", self.0.worker)
    }
}

impl Scheduler {
    /// The duties over a database and an object store.
    #[must_use]
    pub fn new(
        db: Database,
        objects: Objects,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        settings: SchedulerSettings,
    ) -> Self {
        let importer = Importer::new(
            db.clone(),
            objects.clone(),
            clock.clone(),
            ids.clone(),
            ImportSettings {
                lease: settings.lease,
                batch_rows: settings.batch_rows.max(1),
                batch_bytes: settings.batch_bytes.max(1),
                max_row_chars: settings.max_row_chars,
                max_rows: settings.max_rows,
            },
        );
        Self(Arc::new(Inner {
            importer,
            worker: ids.random(),
            permits: Arc::new(Semaphore::new(settings.max_jobs)),
            imports: TaskTracker::new(),
            freed: AtomicBool::new(false),
            careful: Careful::default(),
            draining: CancellationToken::new(),
            wake: Default::default(),
            pulses: run::pulses(),
            db,
            objects,
            clock,
            ids,
            settings,
        }))
    }

    fn db(&self) -> &Database {
        &self.0.db
    }
}
