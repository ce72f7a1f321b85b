//! One lane: takes batches, and writes each in one transaction that is fenced
//! by the lease and moves the checkpoint.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::batch::Batch;
use super::outlet::Waiting;
use super::pace::Pace;
use crate::domain::clock::Clock;
use crate::domain::error::{Error, ErrorKind};
use crate::domain::job::{Counters, JobStatus};
use crate::domain::rejection::Rejection;
use crate::meters::{self, BatchPath};
use crate::store::bulk::{find_known, insert_or_reject, insert_plain};
use crate::store::lanes::{Checkpoint, Claim, Locked, advance, lock};
use crate::store::{Connection, Database, Transaction, rejections};
use crate::traces::{Parent, Step};

/// Batches that go straight to the path for collisions after one collided.
const CAREFUL_BATCHES: u32 = 8;
/// How often a batch is tried again when the database is away or busy.
const TRIES: u32 = 10;
/// The first pause between two tries; each later one is twice as long, up to
/// [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How a lane's work came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneEnd {
    /// All of the lane's rows are written.
    Finished,
    /// The job is STOPPING.
    Stopped,
    /// The lease was lost.
    Lost,
    /// The work was called off.
    CalledOff,
}

/// A lane that is being written.
pub struct Lane {
    pub(super) db: Database,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) claim: Arc<Claim>,
    pub(super) number: u16,
    pub(super) checkpoint: Checkpoint,
    pub(super) lease: Duration,
    /// Whether rows of a batch may be put in order of their keys.
    pub(super) sorted: bool,
    /// Batches for which plain insertion is not tried.
    pub(super) careful: u32,
    /// That of the last batch.
    pub(super) connection: Option<Connection>,
    pub(super) waiting: Arc<Waiting>,
    pub(super) pace: Arc<Pace>,
    /// Takes batches that are written, so that their memory is used again.
    pub(super) give_back: Sender<Batch>,
    /// What the batch adds whose commit nobody has heard of yet.
    pub(super) unsure: Counters,
    /// The step of which batches are part, and how many more shall be.
    pub(super) parent: Parent,
    pub(super) steps: u32,
}

/// What became of one batch.
enum Written {
    Done(Checkpoint),
    Stopped,
    Lost,
    CalledOff,
}

impl Lane {
    /// Writes batches until there are no more, or `off` is called.
    ///
    /// # Errors
    /// Unavailable when the database stays away.
    pub async fn run(
        mut self,
        mut batches: Receiver<Batch>,
        off: CancellationToken,
    ) -> Result<LaneEnd, Error> {
        if self.checkpoint.finished {
            return Ok(LaneEnd::Finished);
        }
        loop {
            self.waiting.begin(self.number.into());
            let batch = tokio::select! {
                biased;
                () = off.cancelled() => return Ok(LaneEnd::CalledOff),
                batch = batches.recv() => batch,
            };
            // The reader went away before the end of the file.
            let Some(mut batch) = batch else {
                return Ok(LaneEnd::CalledOff);
            };
            let begun = Instant::now();
            let written = self.write_patiently(&batch, &off).await?;
            self.pace.took(batch.len(), begun.elapsed());
            batch.clear();
            // Full, or the reader is done: then this is the end of the batch.
            self.give_back.try_send(batch).ok();
            match written {
                Written::Done(checkpoint) => self.checkpoint = checkpoint,
                Written::Stopped => return Ok(LaneEnd::Stopped),
                Written::Lost => return Ok(LaneEnd::Lost),
                Written::CalledOff => return Ok(LaneEnd::CalledOff),
            }
            if self.checkpoint.finished {
                return Ok(LaneEnd::Finished);
            }
        }
    }

    /// Writes a batch, again and again while the database is away or busy.
    async fn write_patiently(
        &mut self,
        batch: &Batch,
        off: &CancellationToken,
    ) -> Result<Written, Error> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            match self.write(batch).await {
                Err(error) if error.kind() == ErrorKind::Unavailable => {
                    tracing::warn!(
                        lane = self.number,
                        error = &error as &dyn std::error::Error,
                        "a batch is tried again"
                    );
                    meters::batch_retried();
                }
                other => return other,
            }
            tokio::select! {
                () = off.cancelled() => return Ok(Written::CalledOff),
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        self.write(batch).await
    }

    /// Writes a batch as a step of the job's trace.
    async fn write(&mut self, batch: &Batch) -> Result<Written, Error> {
        let step = (self.steps > 0).then(|| Step::begin("batch", &self.parent));
        self.steps = self.steps.saturating_sub(1);
        let written = self.write_once(batch, step.as_ref()).await;
        if let (Some(step), Err(error)) = (&step, &written) {
            step.fail(error.reason().as_str());
        }
        written
    }

    /// Writes a batch: rows, reports, counters and checkpoint in one transaction.
    async fn write_once(&mut self, batch: &Batch, step: Option<&Step>) -> Result<Written, Error> {
        let begun = Instant::now();
        let before = self.checkpoint;
        let after = batch.checkpoint(before);
        let mut tx = match self.connection.take() {
            Some(connection) => connection.begin("batch").await?,
            None => self.db.begin("batch").await?,
        };
        let (found, status) = match lock(&mut tx, &self.claim, self.number).await? {
            Locked::Lost => return Ok(Written::Lost),
            Locked::Held { checkpoint, status } => (checkpoint, status),
        };
        if found == after && found != before {
            // The commit of an earlier try went through; its answer was lost.
            meters::rows(std::mem::take(&mut self.unsure));
            return Ok(Written::Done(after));
        }
        if found != before {
            return Err(Error::internal("a lane is not where its worker left it"));
        }
        match status {
            JobStatus::InProgress => {}
            JobStatus::Stopping => return Ok(Written::Stopped),
            _ => return Ok(Written::Lost),
        }

        let (path, collided) = self.load(&mut tx, batch).await?;
        let rejected = batch.all_rejections(&collided);
        rejections::insert(&mut tx, &self.claim.job, rejected.into_iter()).await?;
        let added = batch.added(&collided);
        advance(
            &mut tx,
            &self.claim,
            self.number,
            before,
            after,
            added,
            self.lease,
        )
        .await?;
        self.unsure = added;
        self.connection = Some(tx.commit_and_keep().await?);
        meters::rows(std::mem::take(&mut self.unsure));
        meters::batch(path, begun.elapsed());
        if let Some(step) = step {
            step.set("muster.lane", i64::from(self.number));
            step.set("muster.path", path.as_str());
            step.count("muster.rows", batch.len() as u64);
        }
        log_rows(batch, &collided);
        Ok(Written::Done(after))
    }

    /// Loads the users of a batch; answers which way, and why some are not.
    async fn load(
        &mut self,
        tx: &mut Transaction,
        batch: &Batch,
    ) -> Result<(BatchPath, Vec<Rejection>), Error> {
        let (users, job) = (batch.users(), &self.claim.job);
        if users.is_empty() {
            return Ok((BatchPath::NoUsers, Vec::new()));
        }
        let now = self.clock.now();
        if self.careful == 0 {
            if insert_plain(tx, job, users, &[], now).await? {
                return Ok((BatchPath::Plain, users.rejections(&[])));
            }
            self.careful = CAREFUL_BATCHES;
        }
        let (path, collided, calm) = if self.sorted {
            let known = find_known(tx, job, users).await?;
            if insert_plain(tx, job, users, &known, now).await? {
                let collided = users.rejections(&known);
                (BatchPath::WithoutKnown, collided, known.is_empty())
            } else {
                // Another job was quicker.
                let collided = insert_or_reject(tx, job, users, now).await?;
                (BatchPath::RowByRow, collided, false)
            }
        } else {
            // With aliases, who collides with whom depends on who comes first.
            let collided = insert_or_reject(tx, job, users, now).await?;
            let calm = collided.is_empty();
            (BatchPath::RowByRow, collided, calm)
        };
        self.careful = if calm {
            self.careful.saturating_sub(1)
        } else {
            CAREFUL_BATCHES
        };
        Ok((path, collided))
    }
}

/// Cognito's log lines, one a row, for whoever turns them on.
pub(super) fn log_rows(batch: &Batch, collided: &[Rejection]) {
    const TARGET: &str = "muster::import_log";
    if !tracing::enabled!(target: TARGET, tracing::Level::DEBUG) {
        return;
    }
    let not: HashSet<u64> = collided.iter().map(|r| r.line).collect();
    for line in batch.users().lines() {
        if !not.contains(&line) {
            tracing::debug!(target: TARGET, "[SUCCEEDED] Line Number {line} - The import succeeded.");
        }
    }
    for rejection in batch.rejections().iter().chain(collided) {
        tracing::debug!(
            target: TARGET,
            "[{}] Line Number {} - {}",
            rejection.code.outcome().as_str(),
            rejection.line,
            rejection.message()
        );
    }
}
