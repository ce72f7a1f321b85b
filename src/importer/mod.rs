//! One job: read, check, route to lanes, write batches, move checkpoints.

mod batch;
mod lane;
mod outlet;
mod pace;
mod reader;
mod share;
mod source;
mod together;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::domain::clock::Clock;
use crate::domain::error::Error;
use crate::domain::ids::Ids;
use crate::domain::job::{Counters, FailureReason};
use crate::objects::Objects;
use crate::store::lanes::Claim;
use crate::store::{self, Database};
use crate::traces::Parent;
use batch::Batch;
use lane::{Lane, LaneEnd};
use outlet::{Outlet, Waiting};
use pace::Pace;
use reader::{ReadEnd, Reader};
use share::Shares;
use source::Source;

pub use together::{Ended, MOST_TOGETHER, Together};

/// Batches of a lane that are steps of the job's trace: a large file has
/// thousands.
const TRACED_BATCHES: u32 = 100;

/// How jobs are imported.
#[derive(Clone, Debug)]
pub struct ImportSettings {
    /// How long a worker may be silent before another takes its job.
    pub lease: Duration,
    /// Most rows of a batch.
    pub batch_rows: usize,
    /// Most bytes of a batch, shared out among the jobs that are imported at
    /// once, and a job's among its lanes.
    pub batch_bytes: usize,
    /// Longest row, in characters.
    pub max_row_chars: usize,
    /// Most rows of a file.
    pub max_rows: u64,
}

/// Why a file cannot be imported (any further).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// In a word.
    pub reason: FailureReason,
    /// In a sentence of at most 128 characters, without any value of a row.
    pub message: String,
}

/// How the work on a claimed job came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every row is accounted for.
    Done,
    /// The job is STOPPING, and this worker writes no more.
    Stopped,
    /// Shutdown: the job is to be given back at its checkpoints.
    CalledOff,
    /// The lease is gone: another worker has the job, or the database forgot the
    /// claim in a crash.
    Lost,
    /// The file cannot be imported.
    Unusable(Fault),
}

impl Outcome {
    /// In a word or two.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Stopped => "stopped",
            Self::CalledOff => "called off",
            Self::Lost => "lost",
            Self::Unusable(_) => "unusable",
        }
    }
}

/// Imports claimed jobs. Cheap to clone.
#[derive(Clone)]
pub struct Importer {
    db: Database,
    objects: Objects,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    settings: Arc<ImportSettings>,
    shares: Shares,
}

impl Importer {
    /// An importer over a database and an object store.
    #[must_use]
    pub fn new(
        db: Database,
        objects: Objects,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        settings: ImportSettings,
    ) -> Self {
        Self {
            db,
            objects,
            clock,
            ids,
            shares: Shares::of(settings.batch_bytes),
            settings: Arc::new(settings),
        }
    }

    /// Imports a claimed job, from its checkpoints to its end or to where it is
    /// called off. Leaves the lease and the status of the job to the caller.
    ///
    /// # Errors
    /// Unavailable when the database or the object store stays away.
    pub async fn run(&self, claim: &Claim, shutdown: &CancellationToken) -> Result<Outcome, Error> {
        let Some((job, pool)) = store::jobs::get_with_pool(&self.db, &claim.job).await? else {
            return Ok(Outcome::Lost);
        };
        // From the lane that is furthest behind; the others pass over what they
        // have done.
        let at = claim
            .lanes
            .iter()
            .map(|c| (c.bytes, c.line))
            .min()
            .unwrap_or((0, 1));
        let opening = Source::open(
            &self.objects,
            &job,
            &pool.schema,
            self.settings.max_row_chars,
            at,
            claim.resumed,
        );
        let opened = tokio::select! {
            opened = opening => opened?,
            () = self.keep_lease(claim) => return Ok(Outcome::Lost),
            () = shutdown.cancelled() => return Ok(Outcome::CalledOff),
        };
        let source = match opened {
            Ok(source) => source,
            Err(fault) => return Ok(Outcome::Unusable(fault)),
        };

        let off = shutdown.child_token();
        // Whatever way this future ends, the lanes end too.
        let _guard = off.clone().drop_guard();
        let shared = Arc::new(claim.clone());
        let sorted = pool.schema.alias_attributes.is_empty();
        let mut lanes = JoinSet::new();
        let mut outlets = Vec::new();
        let count = u32::try_from(claim.lanes.len()).unwrap_or(u32::MAX);
        let waiting = Arc::new(Waiting::new(claim.lanes.len()));
        for (number, checkpoint) in (0..).zip(claim.lanes.iter().copied()) {
            // A batch goes to a lane that waits, and comes back when it is written.
            let (sender, receiver) = mpsc::channel(1);
            let (give_back, spent) = mpsc::channel(1);
            let pace = Arc::new(Pace::new(self.settings.batch_rows, count));
            outlets.push(Outlet {
                lane: number.into(),
                waiting: waiting.clone(),
                checkpoint,
                batches: sender,
                spent,
                pace: pace.clone(),
                batch: Batch::default(),
            });
            let lane = Lane {
                db: self.db.clone(),
                clock: self.clock.clone(),
                claim: shared.clone(),
                number,
                checkpoint,
                lease: self.settings.lease,
                sorted,
                careful: 0,
                connection: None,
                waiting: waiting.clone(),
                pace,
                give_back,
                unsure: Counters::default(),
                parent: Parent::current(),
                steps: TRACED_BATCHES,
            };
            lanes.spawn(lane.run(receiver, off.clone()).in_current_span());
        }
        let share = self.shares.take(claim.lanes.len());
        let reader = Reader {
            schema: &pool.schema,
            algorithm: job.password_hashing_algorithm,
            settings: &self.settings,
            ids: self.ids.clone(),
            outlets,
            waiting,
            sorted,
            share: &share,
            rows: job.counters.total(),
        };
        let work = async {
            let reading = reader.run(source, &off);
            let writing = end_of_lanes(&mut lanes, &off);
            tokio::join!(reading, writing)
        };
        let mut work = std::pin::pin!(work);
        let mut lost = false;
        let (read, written) = tokio::select! {
            ended = &mut work => ended,
            () = self.keep_lease(claim) => {
                lost = true;
                // Not dropped: what is being written comes to its end.
                off.cancel();
                work.await
            }
        };
        Ok(match (written?, read?) {
            (LaneEnd::Lost, _) => Outcome::Lost,
            (LaneEnd::CalledOff, _) if lost => Outcome::Lost,
            (LaneEnd::Stopped, _) => Outcome::Stopped,
            (_, ReadEnd::Unusable(fault)) => Outcome::Unusable(fault),
            (LaneEnd::Finished, ReadEnd::EndOfFile) => Outcome::Done,
            (LaneEnd::CalledOff | LaneEnd::Finished, _) => Outcome::CalledOff,
        })
    }

    /// Renews the lease while batches are few and far between. Ends when the
    /// lease is lost; a database that is away is no proof of that.
    async fn keep_lease(&self, claim: &Claim) {
        let third = self.settings.lease / 3;
        loop {
            sleep(third).await;
            // One dead connection must not cost the lease.
            match timeout(
                third,
                store::lanes::renew(&self.db, claim, self.settings.lease),
            )
            .await
            {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => return,
                Ok(Err(error)) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the lease could not be renewed"
                ),
                Err(_) => tracing::warn!("no answer to the renewal of the lease"),
            }
        }
    }
}

/// Waits for all lanes. The first that does not finish calls the others off,
/// and its end is the end of all.
async fn end_of_lanes(
    lanes: &mut JoinSet<Result<LaneEnd, Error>>,
    off: &CancellationToken,
) -> Result<LaneEnd, Error> {
    let mut first = Ok(LaneEnd::Finished);
    while let Some(joined) = lanes.join_next().await {
        let ended = joined.map_err(Error::internal).flatten();
        if !matches!(ended, Ok(LaneEnd::Finished)) && matches!(first, Ok(LaneEnd::Finished)) {
            first = ended;
            off.cancel();
        }
    }
    first
}
