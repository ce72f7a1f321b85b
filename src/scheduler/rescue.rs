//! IN_PROGRESS -> FAILED, for jobs that worker after worker lost without a row
//! written. A job whose worker was lost once is rescued by the next claim: a
//! lease that has run out holds nobody back.

use super::Scheduler;
use super::finish::{note, step};
use crate::domain::error::Error;
use crate::domain::job::{FailureReason, Transition};
use crate::meters;
use crate::store::finish::{end, fold_lanes, next_fruitless};
use crate::traces;

impl Scheduler {
    /// Gives up all jobs that get nowhere. Answers how many.
    ///
    /// # Errors
    /// Unavailable without a database.
    pub async fn rescue_tick(&self) -> Result<u64, Error> {
        let mut given_up = 0;
        loop {
            let begun = traces::now();
            let mut tx = self.db().begin("rescue").await?;
            let cap = self.0.settings.max_fruitless;
            let Some(due) = next_fruitless(&mut tx, cap).await? else {
                drop(tx);
                if given_up > 0 {
                    self.purge_at_once().await;
                }
                return Ok(given_up);
            };
            let step = step(begun, &due);
            let folded = fold_lanes(&mut tx, &due.job).await?;
            let ending = self.end_now(
                Transition::GiveUp,
                &format!(
                    "The import was given up: {cap} workers in a row were lost without progress."
                ),
                Some(FailureReason::NoProgress),
            );
            if !end(&mut tx, &due.job, folded, &ending).await? {
                return Err(Error::internal("a locked job could not be given up"));
            }
            tx.commit().await?;
            note(&step, &folded, &ending);
            meters::jobs_ended(ending.transition.to(), ending.reason, 1);
            tracing::error!(job_id = %due.job.job_id, "job given up: no worker got anywhere");
            given_up += 1;
        }
    }
}
