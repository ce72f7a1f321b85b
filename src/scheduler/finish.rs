//! STOPPING -> STOPPED and IN_PROGRESS -> SUCCEEDED or FAILED, once no row is
//! being written any more.

use super::Scheduler;
use super::run::FINISH;
use crate::domain::error::Error;
use crate::domain::job::{
    FailureReason, STOPPED_MESSAGE, SUCCEEDED_MESSAGE, TOO_MANY_REJECTED_MESSAGE, Transition,
};
use crate::store::finish::{end, fold_lanes, next_done, next_stopped};

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
        let mut tx = self.db().begin("finish_stopped").await?;
        let Some(due) = next_stopped(&mut tx).await? else {
            return Ok(false);
        };
        let folded = fold_lanes(&mut tx, &due.job).await?;
        let ending = self.end_now(Transition::FinishStopped, STOPPED_MESSAGE, None);
        let done = end(&mut tx, &due.job, folded, &ending).await?;
        tx.commit().await?;
        tracing::info!(job_id = %due.job.job_id, rows = folded.counters.total(), "job stopped");
        Ok(done)
    }

    async fn finish_done(&self) -> Result<bool, Error> {
        let mut tx = self.db().begin("finish_done").await?;
        let Some(due) = next_done(&mut tx).await? else {
            return Ok(false);
        };
        let folded = fold_lanes(&mut tx, &due.job).await?;
        let ending = if folded.counters.too_many_rejected(due.max_rejected_percent) {
            self.end_now(
                Transition::FinishFailed,
                TOO_MANY_REJECTED_MESSAGE,
                Some(FailureReason::TooManyRejectedRows),
            )
        } else {
            self.end_now(Transition::FinishSucceeded, SUCCEEDED_MESSAGE, None)
        };
        let done = end(&mut tx, &due.job, folded, &ending).await?;
        tx.commit().await?;
        tracing::info!(
            job_id = %due.job.job_id,
            status = ending.transition.to().as_str(),
            imported = folded.counters.imported,
            skipped = folded.counters.skipped,
            failed = folded.counters.failed,
            "job ended"
        );
        Ok(done)
    }
}
