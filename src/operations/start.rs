//! Start and stop a job.

use uuid::Uuid;

use super::Muster;
use super::fields::Fields;
use super::jobs::{JobView, Named};
use super::request_id::fingerprint;
use crate::domain::error::{Error, Reason};
use crate::domain::job::{EXPIRED_MESSAGE, JobStatus, Transition, Upload, UserImportJob};
use crate::domain::principal::{Principal, Role};
use crate::meters;
use crate::store::{self, Transaction, Wake};
use crate::traces::Parent;

/// What Start finds of a job's file.
enum Found {
    /// What the job names, as it was taken in, and whether it is still there.
    TakenIn(Option<Upload>, bool),
    /// What a caller put into the store; the error says why it cannot be
    /// imported.
    InStore(Option<Result<Upload, Error>>),
}

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
        self.view(caller, job).await
    }

    async fn start(&self, named: &Named, request_id: Option<Uuid>) -> Result<UserImportJob, Error> {
        // Outside the transaction: the object store may be slow.
        let found = self.look(self.load_job(named).await?).await?;

        let mut tx = self.0.db.begin("start_job").await?;
        let started = self.start_in(&mut tx, named, request_id, found).await;
        let (job, pinned) = tx.settle(started).await?;
        if let Some(bytes) = pinned {
            meters::upload_bytes(bytes);
            meters::upload_ended(true);
        }
        tracing::info!(user_pool_id = %named.pool, job_id = %named.job, "start taken");
        Ok(job)
    }

    async fn look(&self, job: UserImportJob) -> Result<Found, Error> {
        if self.0.objects.takes_uploads() {
            // Of any other status the call is refused, whatever lies there.
            return Ok(match job.status {
                JobStatus::Created => {
                    let found = self.look_in_store(&job).await?;
                    if let Some(Err(_)) = &found {
                        meters::upload_ended(false);
                    }
                    Found::InStore(found)
                }
                _ => Found::InStore(None),
            });
        }
        let there = match &job.upload {
            Some(upload) => self.0.objects.head(&upload.object).await?.is_some(),
            None => false,
        };
        Ok(Found::TakenIn(job.upload, there))
    }

    /// Answers the job, and the size of the upload that was taken in with it.
    async fn start_in(
        &self,
        tx: &mut Transaction,
        named: &Named,
        request_id: Option<Uuid>,
        found: Found,
    ) -> Result<(UserImportJob, Option<u64>), Error> {
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
            return Ok((job, None));
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
        let (missing, pin) = match found {
            // One that was replaced meanwhile is there, or it would not be named.
            Found::TakenIn(upload, there) => {
                let gone = job.upload == upload && !there;
                (job.upload.is_none() || gone, None)
            }
            Found::InStore(found) => (found.is_none(), found.transpose()?),
        };
        if missing {
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
        if let Some(upload) = &pin {
            let set = store::jobs::set_upload(tx, &named.pool, named.job, upload, now).await?;
            set.map_err(|_| Error::internal("a locked CREATED job took no upload"))?;
        }
        let trace = Parent::current().to_job();
        let start = Transition::Start;
        let trace = trace.as_deref();
        let (pool, job_id) = (&named.pool, named.job);
        if !store::jobs::apply(tx, pool, job_id, start, now, trace, Wake::Started).await? {
            return Err(Error::internal("a locked CREATED job was not started"));
        }
        let (total_bytes, total_rows) = match &pin {
            Some(upload) => (Some(upload.bytes), upload.rows),
            None => (job.total_bytes, job.total_rows),
        };
        let pinned = pin.as_ref().map(|upload| upload.bytes);
        let started = UserImportJob {
            status: Transition::Start.to(),
            start_date: Some(now),
            upload: pin.or(job.upload),
            total_bytes,
            total_rows,
            ..job
        };
        Ok((started, pinned))
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
        self.view(caller, job).await
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
        let (pool, job_id, stop) = (&named.pool, named.job, Transition::Stop);
        if !store::jobs::apply(tx, pool, job_id, stop, now, None, Wake::Stopping).await? {
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
        Ok(UserImportJob {
            status: Transition::Stop.to(),
            ..job
        })
    }
}
