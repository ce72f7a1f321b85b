//! STOPPING -> STOPPED and IN_PROGRESS -> SUCCEEDED or FAILED, once no row is
//! being written any more.

use std::time::SystemTime;

use super::Scheduler;
use super::run::{FINISH, PURGE};
use crate::domain::error::Error;
use crate::domain::job::{
    Counters, FailureReason, STOPPED_MESSAGE, SUCCEEDED_MESSAGE, TOO_MANY_REJECTED_MESSAGE,
    Transition,
};
use crate::meters;
use crate::store::Transaction;
use crate::store::finish::{
    End, Ending, Folded, end, fold_claimed, fold_lanes, next_done, next_stopped,
};
use crate::store::lanes::Claim;
use crate::traces::{self, Parent, Step};

impl Scheduler {
    /// Ends all jobs whose end is due. Answers how many.
    ///
    /// # Errors
    /// Unavailable without a database.
    pub async fn finish_tick(&self) -> Result<u64, Error> {
        let mut ended = 0;
        while self.finish_stopped().await? || self.finish_done().await? {
            ended += 1;
            self.beat(FINISH);
        }
        if ended > 0 {
            self.purge_at_once(FINISH).await;
        }
        Ok(ended)
    }

    async fn finish_stopped(&self) -> Result<bool, Error> {
        let begun = traces::now();
        let mut tx = self.db().begin("finish_stopped").await?;
        let Some(due) = next_stopped(&mut tx).await? else {
            return Ok(false);
        };
        let step = step(begun, &due);
        let folded = fold_lanes(&mut tx, &due.job).await?;
        let ending = self.end_now(Transition::FinishStopped, STOPPED_MESSAGE, None);
        let done = end(&mut tx, &due.job, folded, &ending).await?;
        tx.commit().await?;
        note(&step, &folded, &ending);
        meters::jobs_ended(ending.transition.to(), ending.reason, u64::from(done));
        tracing::info!(job_id = %due.job.job_id, rows = folded.counters.total(), "job stopped");
        Ok(done)
    }

    async fn finish_done(&self) -> Result<bool, Error> {
        let begun = traces::now();
        let mut tx = self.db().begin("finish_done").await?;
        let Some(due) = next_done(&mut tx).await? else {
            return Ok(false);
        };
        let folded = fold_lanes(&mut tx, &due.job).await?;
        self.finish(tx, &due, folded, begun).await
    }

    /// Ends the job of a claim, all of whose lanes are done. Answers false when
    /// that is another's to do: a Stop came first, or the lease was lost.
    pub(super) async fn finish_claimed(&self, claim: &Claim) -> Result<bool, Error> {
        let begun = traces::now();
        let mut tx = self.db().begin("finish_claimed").await?;
        let Some((due, folded)) = fold_claimed(&mut tx, claim).await? else {
            tx.rollback().await;
            return Ok(false);
        };
        let done = self.finish(tx, &due, folded, begun).await?;
        if done {
            self.purge_at_once(PURGE).await;
        }
        Ok(done)
    }

    /// Ends a locked job at the end of its file, if it is still IN_PROGRESS.
    async fn finish(
        &self,
        mut tx: Transaction,
        due: &Ending,
        folded: Folded,
        begun: SystemTime,
    ) -> Result<bool, Error> {
        let step = step(begun, due);
        let ending = self.end_of_file(due, &folded.counters);
        if !end(&mut tx, &due.job, folded, &ending).await? {
            tx.rollback().await;
            return Ok(false);
        }
        tx.commit().await?;
        tell(&step, due, &folded, &ending);
        Ok(true)
    }

    /// The end of a job all of whose rows are accounted for.
    pub(super) fn end_of_file(&self, job: &Ending, counters: &Counters) -> End {
        if counters.too_many_rejected(job.max_rejected_percent) {
            return self.end_now(
                Transition::FinishFailed,
                TOO_MANY_REJECTED_MESSAGE,
                Some(FailureReason::TooManyRejectedRows),
            );
        }
        self.end_now(Transition::FinishSucceeded, SUCCEEDED_MESSAGE, None)
    }
}

/// Tells of a job that came to the end of its file.
pub(super) fn tell(step: &Step, job: &Ending, folded: &Folded, ending: &End) {
    note(step, folded, ending);
    meters::jobs_ended(ending.transition.to(), ending.reason, 1);
    tracing::info!(
        job_id = %job.job.job_id,
        status = ending.transition.to().as_str(),
        imported = folded.counters.imported,
        skipped = folded.counters.skipped,
        failed = folded.counters.failed,
        "job ended"
    );
}

/// The end of a job, in its trace.
pub(super) fn step(begun: SystemTime, due: &Ending) -> Step {
    let parent = Parent::of_job(due.trace_parent.as_deref());
    let step = Step::begun_at(begun, "finish", &parent);
    step.job(&due.job.user_pool_id, due.job.job_id);
    step
}

/// Notes how a job ended.
pub(super) fn note(step: &Step, folded: &Folded, ending: &End) {
    step.set("muster.status", ending.transition.to().as_str());
    if let Some(reason) = ending.reason {
        step.set("muster.failure_reason", reason.as_str());
    }
    let counters = folded.counters;
    step.count("muster.imported_users", counters.imported);
    step.count("muster.skipped_users", counters.skipped);
    step.count("muster.failed_users", counters.failed);
}
