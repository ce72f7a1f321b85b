//! How much there is to do, for whoever watches over the installation. No duty:
//! nothing waits for it, and no process is ill when it fails.

use super::Scheduler;
use crate::domain::error::Error;
use crate::meters;
use crate::store::backlog::backlog;

impl Scheduler {
    /// Looks at the jobs that have not ended, and tells of them.
    ///
    /// # Errors
    /// Unavailable without a database; then it is told that nobody knows.
    pub async fn measure_tick(&self) -> Result<(), Error> {
        let found = backlog(self.db(), self.0.clock.now()).await;
        meters::backlog(found.as_ref().ok().copied());
        found.map(drop)
    }
}
