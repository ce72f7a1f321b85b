//! CREATED -> EXPIRED, for jobs that nobody started in time. What belonged to
//! them goes with the purge.

use super::Scheduler;
use super::run::EXPIRE;
use crate::domain::error::Error;
use crate::store::jobs::expire;

/// Jobs of one statement, so that it ends soon.
const BITE: i64 = 1_000;

impl Scheduler {
    /// Expires all jobs whose time is up. Answers how many.
    ///
    /// # Errors
    /// Unavailable without a database.
    pub async fn expire_tick(&self) -> Result<u64, Error> {
        let now = self.0.clock.now();
        let mut total = 0;
        loop {
            let expired = expire(&self.0.db, now, BITE).await?;
            total += expired;
            self.beat(EXPIRE);
            if expired == 0 {
                break;
            }
        }
        if total > 0 {
            tracing::info!(jobs = total, "jobs expired");
            self.purge_uploads(EXPIRE).await?;
        }
        Ok(total)
    }
}
