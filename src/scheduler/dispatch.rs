//! PENDING -> IN_PROGRESS, as far as this process has room for more jobs.

use std::sync::atomic::Ordering;

use super::Scheduler;
use super::run::IMPORT;
use super::together::WITH_IT;
use crate::domain::error::Error;
use crate::store::dispatch::dispatch;
use crate::traces::{self, Parent, Step};

impl Scheduler {
    /// Takes up as many PENDING jobs as this process could import now, small ones
    /// together. Answers how many.
    ///
    /// # Errors
    /// Unavailable without a database.
    pub async fn dispatch_tick(&self) -> Result<u64, Error> {
        let free = self.0.permits.available_permits();
        if free == 0 {
            return Ok(0);
        }
        let limit = i64::try_from(free).unwrap_or(i64::MAX);
        let begun = traces::now();
        let taken = dispatch(
            &self.0.db,
            self.0.settings.lanes,
            self.0.settings.lane_bytes,
            limit,
            WITH_IT,
            &self.0.careful.pools(),
        )
        .await?;
        for taken in &taken {
            let parent = Parent::of_job(taken.trace_parent.as_deref());
            let step = Step::begun_at(begun, "dispatch", &parent);
            step.job(&taken.job.user_pool_id, taken.job.job_id);
        }
        // Only now, so that import finds what was taken up at its first look.
        if self.0.freed.swap(false, Ordering::AcqRel) || !taken.is_empty() {
            self.wake(&[IMPORT]);
        }
        Ok(taken.len() as u64)
    }
}
