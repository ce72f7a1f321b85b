//! Claims IN_PROGRESS jobs that nobody holds, and imports them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::Instrument as _;

use super::Scheduler;
use super::finish::{note, step};
use super::run::{DISPATCH, PURGE};
use crate::domain::error::{Error, ErrorKind};
use crate::domain::job::Transition;
use crate::importer::{Fault, Outcome};
use crate::meters;
use crate::store::finish::{End, end, fold_claimed};
use crate::store::lanes::{Claim, claim, excuse, release};
use crate::traces::{self, Parent, Step};

/// The longest of one try to give a job back, and the pause before the next.
const ONE_TRY: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(250);

impl Scheduler {
    /// Claims as many jobs as there are free permits, and begins to import
    /// them. Answers the tasks, which end with the work on each job.
    ///
    /// # Errors
    /// Unavailable without a database.
    pub async fn import_tick(&self) -> Result<Vec<JoinHandle<()>>, Error> {
        let mut begun = Vec::new();
        while !self.0.draining.is_cancelled() {
            let Ok(permit) = self.0.permits.clone().try_acquire_owned() else {
                break;
            };
            let settings = &self.0.settings;
            let token = self.0.ids.random();
            let claimed = claim(
                &self.0.db,
                self.0.worker,
                token,
                settings.lease,
                settings.max_fruitless,
            )
            .await;
            let claim = match claimed {
                Ok(Some(claim)) => claim,
                Ok(None) => break,
                Err(error) if begun.is_empty() => return Err(error),
                // What was begun is answered; the next round meets the error.
                Err(_) => break,
            };
            if claim.taken_over {
                meters::lease_taken_over();
            }
            let claims = self.with_others(claim).await;
            let scheduler = self.clone();
            begun.push(self.0.imports.spawn(async move {
                scheduler.work_on(&claims).await;
                drop(permit);
                // There is a permit for another job.
                scheduler.0.freed.store(true, Ordering::Release);
                scheduler.wake(&[DISPATCH]);
            }));
        }
        Ok(begun)
    }

    /// Imports one claimed job by itself.
    pub(super) async fn work_alone(&self, claim: &Claim) {
        let span = tracing::info_span!(
            "import",
            user_pool_id = %claim.job.user_pool_id,
            job_id = %claim.job.job_id
        );
        let importing = meters::importing();
        let step = Step::begin("import", &Parent::of_job(claim.trace_parent.as_deref()));
        note_claim(&step, claim);
        let (scheduler, claim) = (self.clone(), claim.clone());
        step.around(async move { scheduler.work(&claim).await })
            .instrument(span)
            .await;
        drop((step, importing));
    }

    /// Imports one claimed job, and does what its outcome asks for.
    async fn work(&self, claim: &Claim) {
        tracing::info!(resumed = claim.resumed, "import begins");
        let ended = match self.0.importer.run(claim, &self.0.draining).await {
            Ok(outcome) => self.conclude(claim, outcome).await,
            Err(error) => Err(error),
        };
        let Err(error) = ended else { return };
        traces::note("muster.outcome", "stopped short");
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the import stopped short; it is taken up again"
        );
        if error.kind() != ErrorKind::Unavailable {
            return;
        }
        // Waiting for a database or a store is no fault of the job's.
        let settled = if self.0.draining.is_cancelled() {
            self.give_back(claim).await
        } else {
            // The lease is left to run out: that is the pause before the next try.
            patiently(|| excuse(&self.0.db, claim)).await
        };
        if let Err(error) = settled {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a claim could not be settled"
            );
        }
    }

    /// Gives a job back at its checkpoints.
    async fn give_back(&self, claim: &Claim) -> Result<(), Error> {
        patiently(|| release(&self.0.db, claim)).await
    }

    async fn conclude(&self, claim: &Claim, outcome: Outcome) -> Result<(), Error> {
        traces::note("muster.outcome", outcome.as_str());
        match outcome {
            Outcome::Done => {
                tracing::info!("all rows are accounted for");
                if !self.finish_claimed(claim).await? {
                    // A Stop came first, and must not wait for the lease to run out.
                    self.give_back(claim).await?;
                    self.finish_tick().await?;
                }
            }
            Outcome::Stopped => {
                tracing::info!("import stopped");
                self.give_back(claim).await?;
                self.finish_tick().await?;
            }
            Outcome::CalledOff => {
                self.give_back(claim).await?;
                tracing::info!("import given back");
            }
            Outcome::Lost => {
                meters::lease_lost();
                tracing::warn!(
                    "the lease was lost: another worker has the job, or the database forgot it in a crash"
                );
            }
            Outcome::Unusable(fault) => {
                if !self.give_up(claim, &fault).await? {
                    self.give_back(claim).await?;
                    self.finish_tick().await?;
                }
            }
        }
        Ok(())
    }

    /// Ends a job whose file cannot be imported. Answers false when the job is
    /// in no status for that: a Stop came first, or another worker has it.
    async fn give_up(&self, claim: &Claim, fault: &Fault) -> Result<bool, Error> {
        let begun = traces::now();
        let mut tx = self.0.db.begin("give_up").await?;
        let Some((due, folded)) = fold_claimed(&mut tx, claim).await? else {
            tx.rollback().await;
            return Ok(false);
        };
        let step = step(begun, &due);
        let ending = self.end_now(Transition::GiveUp, &fault.message, Some(fault.reason));
        if !end(&mut tx, &claim.job, folded, &ending).await? {
            tx.rollback().await;
            return Ok(false);
        }
        tx.commit().await?;
        note(&step, &folded, &ending);
        meters::jobs_ended(ending.transition.to(), ending.reason, 1);
        tracing::info!(
            reason = fault.reason.as_str(),
            "the file cannot be imported"
        );
        self.purge_at_once(PURGE).await;
        Ok(true)
    }

    /// An end of a job, now; its upload is kept for as long as is set.
    pub(super) fn end_now(
        &self,
        transition: Transition,
        message: &str,
        reason: Option<crate::domain::job::FailureReason>,
    ) -> End {
        let now = self.0.clock.now();
        End {
            transition,
            message: message
                .chars()
                .take(crate::domain::job::MAX_COMPLETION_MESSAGE)
                .collect(),
            reason,
            now,
            purge_at: now + self.0.settings.retain_upload,
        }
    }
}

/// Notes which job is imported, and how it was found.
pub(super) fn note_claim(step: &Step, claim: &Claim) {
    step.job(&claim.job.user_pool_id, claim.job.job_id);
    step.count("muster.lanes", claim.lanes.len() as u64);
    step.set("muster.resumed", claim.resumed);
    step.set("muster.taken_over", claim.taken_over);
}

/// Does what frees a job for others, again and again while the database is
/// away. Harmless when the lease is another's by then. Whoever ends the process
/// need not wait for it: the lease runs out.
pub(super) async fn patiently<F>(act: impl Fn() -> F) -> Result<(), Error>
where
    F: Future<Output = Result<(), Error>>,
{
    let mut told = false;
    loop {
        match timeout(ONE_TRY, act()).await {
            Ok(Err(error)) if error.kind() == ErrorKind::Unavailable => {
                if !told {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the job cannot be given back yet"
                    );
                    told = true;
                }
            }
            Ok(done) => return done,
            Err(_) => tracing::debug!("no answer; the job is given back once more"),
        }
        sleep(PAUSE).await;
    }
}
