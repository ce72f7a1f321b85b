//! Deletes for good: uploads after their time, and what belonged to deleted
//! jobs and pools. In bites, and again from the start after a crash.

use time::Duration;

use super::Scheduler;
use super::run::PURGE;
use crate::domain::error::Error;
use crate::store::lanes::JobKey;
use crate::store::purge as store;
use crate::store::sweeps;

/// Jobs or pools of one round.
const MANY: i64 = 100;
/// Rows of one statement.
const BITE: i64 = 10_000;
/// How long request ids are remembered (`docs/contract.md`, "Fields").
const REQUEST_IDS: Duration = Duration::hours(24);
/// The longest that an upload by a URL of the store may take after the last
/// second of that URL.
const SLOWEST_UPLOAD: Duration = Duration::hours(24);

impl Scheduler {
    /// Purges all that is due. Answers how many uploads, jobs and pools went.
    ///
    /// # Errors
    /// Unavailable without a database or an object store.
    pub async fn purge_tick(&self) -> Result<u64, Error> {
        let mut gone = self.purge_uploads().await?;
        gone += self.purge_jobs().await?;
        gone += self.purge_pools().await?;
        gone += self.sweep().await?;
        let before = self.0.clock.now() - REQUEST_IDS;
        while store::delete_request_ids(self.db(), before, BITE).await? > 0 {}
        Ok(gone)
    }

    /// Deletes uploads whose time is up.
    pub(super) async fn purge_uploads(&self) -> Result<u64, Error> {
        let now = self.0.clock.now();
        let mut gone = 0;
        loop {
            let due = store::uploads_due(self.db(), now, MANY).await?;
            if due.is_empty() {
                return Ok(gone);
            }
            for job in due {
                self.beat(PURGE);
                // The object first: a crash in between finds the note again.
                self.delete_objects(&job).await?;
                self.sweep_later(&job).await?;
                store::upload_gone(self.db(), &job).await?;
                gone += 1;
            }
        }
    }

    /// After the end of a job: deletes its upload where none is to be kept. What
    /// cannot be deleted now is left to the purge.
    pub(super) async fn purge_at_once(&self) {
        if !self.0.settings.retain_upload.is_zero() {
            return;
        }
        if let Err(error) = self.purge_uploads().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "an upload could not be deleted at the end of its job; the purge tries again"
            );
        }
    }

    async fn delete_objects(&self, job: &JobKey) -> Result<(), Error> {
        self.0
            .objects
            .delete_job(&job.user_pool_id, job.job_id)
            .await
    }

    /// A URL of the store may still be good for a job whose folder was deleted:
    /// what comes by it is deleted later.
    async fn sweep_later(&self, job: &JobKey) -> Result<(), Error> {
        if !self.0.objects.takes_uploads() {
            return Ok(());
        }
        let then = self.0.clock.now() - SLOWEST_UPLOAD;
        sweeps::sweep_later(self.db(), job, then).await
    }

    /// Deletes what came by a URL of the store after its job's folder was
    /// deleted. Answers how many jobs were looked at.
    async fn sweep(&self) -> Result<u64, Error> {
        let then = self.0.clock.now() - SLOWEST_UPLOAD;
        let mut seen = 0;
        loop {
            let due = sweeps::sweeps_due(self.db(), then, MANY).await?;
            if due.is_empty() {
                return Ok(seen);
            }
            for job in due {
                self.beat(PURGE);
                self.delete_objects(&job).await?;
                sweeps::swept(self.db(), &job).await?;
                seen += 1;
            }
        }
    }

    /// Deletes what is left of deleted jobs.
    async fn purge_jobs(&self) -> Result<u64, Error> {
        let mut gone = 0;
        loop {
            let due = store::deleted_jobs(self.db(), MANY).await?;
            if due.is_empty() {
                return Ok(gone);
            }
            for job in due {
                self.delete_objects(&job).await?;
                self.sweep_later(&job).await?;
                while store::delete_rejections(self.db(), &job, BITE).await? > 0 {
                    self.beat(PURGE);
                }
                gone += u64::from(store::delete_job(self.db(), &job).await?);
            }
        }
    }

    /// Deletes what is left of deleted pools.
    async fn purge_pools(&self) -> Result<u64, Error> {
        let mut gone = 0;
        loop {
            let due = store::deleted_pools(self.db(), MANY).await?;
            if due.is_empty() {
                return Ok(gone);
            }
            for pool in due {
                let now = self.0.clock.now();
                while store::delete_jobs_of(self.db(), &pool, now, MANY).await? {
                    self.purge_jobs().await?;
                }
                while store::delete_users_of(self.db(), &pool, BITE).await? > 0 {
                    self.beat(PURGE);
                }
                gone += u64::from(store::delete_pool(self.db(), &pool).await?);
            }
        }
    }
}
