//! Start and stop a job.

use uuid::Uuid;

use super::Muster;
use super::fields::Fields;
use super::jobs::{JobView, Named};
use super::request_id::fingerprint;
use crate::domain::error::{Error, Reason};
use crate::domain::job::{EXPIRED_MESSAGE, JobStatus, Transition, Upload, UserImportJob};
use crate::domain::principal::{Principal, Role};
use crate::store::{self, Transaction};
use crate::traces::Parent;

impl Muster {
    /// Queues a CREATED job for import.
    ///
    /// # Errors
    /// Invalid argument, not found, failed precondition.
    pub async fn start_job(
        &self,
        caller: &Principal,
        user_pool_id: &str,
        job_id: &str,
        request_id: Option<&str>,
    ) -> Result<JobView, Error> {
        let named = self
            .named_job(caller, Role::Operator, user_pool_id, job_id)
            .await?;
        let mut fields = Fields::default();
        let request_id = fields.request_id(request_id);
        fields.finish()?;
        let muster = self.clone();
        let job = self
            .detached(async move { muster.start(&named, request_id).await })
            .await?;
        self.view(caller, job)
    }

    async fn start(&self, named: &Named, request_id: Option<Uuid>) -> Result<UserImportJob, Error> {
        // Outside the transaction: the object store may be slow.
        let upload = self.load_job(named).await?.upload;
        let there = match &upload {
            Some(upload) => self.0.objects.head(&upload.object).await?.is_some(),
            None => false,
        };

        let mut tx = self.0.db.begin("start_job").await?;
        let started = self
            .start_in(&mut tx, named, request_id, upload, there)
            .await;
        let job = tx.settle(started).await?;
        tracing::info!(user_pool_id = %named.pool, job_id = %named.job, "start taken");
        Ok(job)
    }

    async fn start_in(
        &self,
        tx: &mut Transaction,
        named: &Named,
        request_id: Option<Uuid>,
        upload: Option<Upload>,
        there: bool,
    ) -> Result<UserImportJob, Error> {
        let pool = store::pools::hold(tx, &named.pool)
            .await?
            .ok_or_else(|| Error::user_pool_not_found(named.pool.as_str()))?;
        let job = store::jobs::lock(tx, &named.pool, named.job)
            .await?
            .ok_or_else(|| Error::job_not_found(named.job))?;
        let fingerprint = fingerprint("StartUserImportJob", &[Some(&named.job.to_string())]);
        if self
            .seen_before(tx, &named.pool, request_id, &fingerprint, named.job)
            .await?
            .is_some()
        {
            return Ok(job);
        }

        let refuse = |reason, message: String| {
            Err(Error::precondition(
                reason,
                "UserImportJob",
                named.job,
                message,
            ))
        };
        let now = self.0.clock.now();
        if job.status != JobStatus::Created {
            return refuse(
                Reason::JobNotStartable,
                format!(
                    "The user import job is {}; only a job that is CREATED can be started.",
                    job.status.as_str()
                ),
            );
        }
        if now >= job.expires_at {
            return refuse(Reason::JobExpired, EXPIRED_MESSAGE.to_owned());
        }
        // An upload that was replaced meanwhile is there, or it would not be named.
        if job.upload.is_none() || (job.upload == upload && !there) {
            return refuse(
                Reason::NoUpload,
                format!("No csv file was uploaded for {}", named.job),
            );
        }
        if pool.schema.auto_verified_attributes.is_empty() {
            return Err(Error::precondition(
                Reason::NoAutoVerifiedAttributes,
                "UserPool",
                &named.pool,
                "The user pool auto-verifies no attribute, so that no user could be imported.",
            ));
        }
        let trace = Parent::current().to_job();
        let start = Transition::Start;
        let trace = trace.as_deref();
        if !store::jobs::apply(tx, &named.pool, named.job, start, now, trace).await? {
            return Err(Error::internal("a locked CREATED job was not started"));
        }
        tx.wake().await?;
        Ok(UserImportJob {
            status: Transition::Start.to(),
            start_date: Some(now),
            ..job
        })
    }

    /// Stops a queued or running job.
    ///
    /// # Errors
    /// Invalid argument, not found, failed precondition.
    pub async fn stop_job(
        &self,
        caller: &Principal,
        user_pool_id: &str,
        job_id: &str,
    ) -> Result<JobView, Error> {
        let named = self
            .named_job(caller, Role::Operator, user_pool_id, job_id)
            .await?;
        let muster = self.clone();
        let job = self
            .detached(async move { muster.stop(&named).await })
            .await?;
        self.view(caller, job)
    }

    async fn stop(&self, named: &Named) -> Result<UserImportJob, Error> {
        let mut tx = self.0.db.begin("stop_job").await?;
        let stopping = self.stop_in(&mut tx, named).await;
        let job = tx.settle(stopping).await?;
        tracing::info!(user_pool_id = %named.pool, job_id = %named.job, "stop taken");
        Ok(job)
    }

    async fn stop_in(&self, tx: &mut Transaction, named: &Named) -> Result<UserImportJob, Error> {
        let Some(job) = store::jobs::lock(tx, &named.pool, named.job).await? else {
            return Err(self.missing_job(&named.pool, named.job).await);
        };
        if job.status == JobStatus::Stopping {
            return Ok(job);
        }
        let now = self.0.clock.now();
        let stop = Transition::Stop;
        if !store::jobs::apply(tx, &named.pool, named.job, stop, now, None).await? {
            return Err(Error::precondition(
                Reason::JobNotStoppable,
                "UserImportJob",
                named.job,
                format!(
                    "The user import job is {}; only a job that is PENDING or IN_PROGRESS can be stopped.",
                    job.status.as_str()
                ),
            ));
        }
        tx.wake().await?;
        Ok(UserImportJob {
            status: Transition::Stop.to(),
            ..job
        })
    }
}
