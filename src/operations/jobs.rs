//! Create, describe, list and delete user import jobs.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use time::OffsetDateTime;
use uuid::Uuid;

use super::Muster;
use super::fields::{Fields, Page};
use super::request_id::fingerprint;
use super::signing::UploadGrant;
use super::tokens::Listing;
use crate::domain::error::{Error, Reason};
use crate::domain::ids::{JobId, UserPoolId};
use crate::domain::job::{Counters, JobStatus, UserImportJob};
use crate::domain::principal::{Principal, Role};
use crate::domain::rules::password_hash::PasswordHashingAlgorithm;
use crate::store;
use crate::store::pools::JobSlot;

/// A request for a new job.
#[derive(Clone, Debug, Default)]
pub struct CreateJob {
    /// The pool that the users go to.
    pub user_pool_id: String,
    /// A name for the job.
    pub job_name: String,
    /// Echoed; not used.
    pub cloud_watch_logs_role_arn: Option<String>,
    /// The one format of the file's password hashes.
    pub password_hashing_algorithm: Option<PasswordHashingAlgorithm>,
    /// 0-100; `None` means 50.
    pub max_rejected_percent: Option<i32>,
    /// A UUID that makes a second call with it answer the first one's job.
    pub request_id: Option<String>,
}

/// A job, as one caller may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobView {
    /// The job.
    pub job: UserImportJob,
    /// Where the caller may upload the file to, if it may.
    pub pre_signed_url: Option<String>,
    /// The headers that an upload to it must bear.
    pub pre_signed_url_headers: BTreeMap<String, String>,
}

/// Jobs of a page whose URLs are signed at once: some stores have a service for
/// that, which has to be asked.
const SIGNED_AT_ONCE: usize = 8;

/// A job that a request names.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) pool: UserPoolId,
    pub(super) job: JobId,
}

impl Muster {
    /// Makes a job in status CREATED.
    ///
    /// # Errors
    /// Invalid argument, not found (the pool), quota exceeded.
    pub async fn create_job(
        &self,
        caller: &Principal,
        request: CreateJob,
    ) -> Result<JobView, Error> {
        let mut fields = Fields::default();
        let pool = fields.user_pool_id(&request.user_pool_id);
        if let Some(pool) = &pool {
            caller.authorise(Role::Operator, pool)?;
        }
        fields.name("job_name", &request.job_name);
        if let Some(arn) = &request.cloud_watch_logs_role_arn {
            fields.role_arn(arn);
        }
        let max_rejected_percent = fields.max_rejected_percent(request.max_rejected_percent);
        let request_id = fields.request_id(request.request_id.as_deref());
        let user_pool_id = fields.finish_with(pool)?;

        let creation_date = self.0.clock.now();
        let job = UserImportJob {
            user_pool_id,
            job_id: JobId(self.0.ids.ordered()),
            job_name: request.job_name,
            status: JobStatus::Created,
            cloud_watch_logs_role_arn: request.cloud_watch_logs_role_arn,
            password_hashing_algorithm: request.password_hashing_algorithm,
            max_rejected_percent,
            creation_date,
            expires_at: creation_date + self.0.settings.expire_after,
            start_date: None,
            completion_date: None,
            completion_message: None,
            failure_reason: None,
            counters: Counters::default(),
            processed_bytes: 0,
            upload: None,
            total_rows: None,
            total_bytes: None,
        };
        let muster = self.clone();
        let job = self
            .detached(async move { muster.insert_job(job, request_id).await })
            .await?;
        self.view(caller, job).await
    }

    async fn insert_job(
        &self,
        job: UserImportJob,
        request_id: Option<Uuid>,
    ) -> Result<UserImportJob, Error> {
        let pool = &job.user_pool_id;
        let limit = self.0.settings.max_jobs_per_pool;
        let mut tx = self.0.db.begin("create_job").await?;
        let slot = store::pools::take_job_slot(&mut tx, pool, limit).await?;
        if slot == JobSlot::Missing {
            return Err(Error::user_pool_not_found(pool.as_str()));
        }
        let percent = job.max_rejected_percent.to_string();
        let fingerprint = fingerprint(
            "CreateUserImportJob",
            &[
                Some(&job.job_name),
                job.cloud_watch_logs_role_arn.as_deref(),
                job.password_hashing_algorithm.map(|a| a.as_str()),
                Some(&percent),
            ],
        );
        // Before the quota: a repeated call makes no job.
        if let Some(first) = self
            .seen_before(&mut tx, pool, request_id, &fingerprint, job.job_id)
            .await?
        {
            tx.rollback().await;
            return store::jobs::get(&self.0.db, pool, first)
                .await?
                .ok_or_else(|| Error::job_not_found(first));
        }
        if slot == JobSlot::Full {
            return Err(Error::quota(
                Reason::TooManyJobs,
                format!("user pool {pool}"),
                format!("The user pool has {limit} import jobs, as many as it may; delete some."),
            ));
        }
        store::jobs::insert(&mut tx, &job).await?;
        tx.commit().await?;
        tracing::info!(user_pool_id = %pool, job_id = %job.job_id, "job created");
        Ok(job)
    }

    /// Answers one job.
    ///
    /// # Errors
    /// Invalid argument, not found.
    pub async fn describe_job(
        &self,
        caller: &Principal,
        user_pool_id: &str,
        job_id: &str,
    ) -> Result<JobView, Error> {
        let named = self
            .named_job(caller, Role::Reader, user_pool_id, job_id)
            .await?;
        let job = self.load_job(&named).await?;
        self.view(caller, job).await
    }

    /// Answers a page of a pool's jobs, newest first, and the next page's token.
    ///
    /// # Errors
    /// Invalid argument, not found (the pool).
    pub async fn list_jobs(
        &self,
        caller: &Principal,
        user_pool_id: &str,
        page: &Page,
    ) -> Result<(Vec<JobView>, Option<String>), Error> {
        let mut fields = Fields::default();
        let pool = fields.user_pool_id(user_pool_id);
        if let Some(pool) = &pool {
            caller.authorise(Role::Reader, pool)?;
        }
        let size = fields.page_size(page.size);
        let pool = fields.finish_with(pool)?;
        let listing = Listing {
            key: &self.0.key,
            name: &["jobs", pool.as_str()],
            size,
            token: page.token.as_deref(),
        };
        let after = listing
            .after::<String>()?
            .map(|id| Uuid::try_parse(&id).map_err(|_| Error::invalid_page_token()))
            .transpose()?;
        let jobs = store::jobs::list(&self.0.db, &pool, after, listing.limit()).await?;
        if jobs.is_empty() {
            self.pool(caller, Role::Reader, &pool).await?;
        }
        let (jobs, next) = listing.page(jobs, |j| j.job_id.0.to_string())?;
        let views = stream::iter(jobs.into_iter().map(|job| self.view(caller, job)))
            .buffered(SIGNED_AT_ONCE)
            .try_collect()
            .await?;
        Ok((views, next))
    }

    /// Deletes a job that never started or has ended.
    ///
    /// # Errors
    /// Invalid argument, not found, failed precondition.
    pub async fn delete_job(
        &self,
        caller: &Principal,
        user_pool_id: &str,
        job_id: &str,
    ) -> Result<(), Error> {
        let named = self
            .named_job(caller, Role::Operator, user_pool_id, job_id)
            .await?;
        let muster = self.clone();
        self.detached(async move {
            let mut tx = muster.0.db.begin("delete_job").await?;
            // The pool's row first, as everywhere: two calls cannot wait for
            // each other.
            store::pools::free_job_slot(&mut tx, &named.pool).await?;
            let now = muster.0.clock.now();
            if store::jobs::delete(&mut tx, &named.pool, named.job, now).await? {
                tx.commit().await?;
                tracing::info!(user_pool_id = %named.pool, job_id = %named.job, "job deleted");
                return Ok(());
            }
            tx.rollback().await;
            let job = muster.load_job(&named).await?;
            Err(Error::precondition(
                Reason::JobNotDeletable,
                "UserImportJob",
                job.job_id,
                format!(
                    "The user import job is {}; stop it before it is deleted.",
                    job.status.as_str()
                ),
            ))
        })
        .await
    }

    /// The job that a request names, for a caller that may do this in its pool.
    pub(super) async fn named_job(
        &self,
        caller: &Principal,
        role: Role,
        user_pool_id: &str,
        job_id: &str,
    ) -> Result<Named, Error> {
        let mut fields = Fields::default();
        let pool = fields.user_pool_id(user_pool_id);
        if let Some(pool) = &pool {
            caller.authorise(role, pool)?;
        }
        let job = fields.job_id(job_id);
        let (pool, job) = fields.finish_with(pool.zip(job))?;
        match job {
            Some(job) => Ok(Named { pool, job }),
            None => Err(self.missing_job(&pool, job_id).await),
        }
    }

    /// A named job as it is now.
    pub(super) async fn load_job(&self, named: &Named) -> Result<UserImportJob, Error> {
        match self.0.jobs.get(&named.pool, named.job).await? {
            Some(job) => Ok(job),
            None => Err(self.missing_job(&named.pool, named.job).await),
        }
    }

    /// A job as this caller may see it: with a fresh URL for an upload where
    /// the job takes one and the caller may.
    pub(super) async fn view(
        &self,
        caller: &Principal,
        job: UserImportJob,
    ) -> Result<JobView, Error> {
        let now = self.0.clock.now();
        let open = job.status == JobStatus::Created
            && now < job.expires_at
            && caller.may(Role::Operator, &job.user_pool_id);
        let signed = match open {
            true if self.0.objects.takes_uploads() => self.store_url(&job, now).await?,
            true => Some((self.upload_url(&job, now)?, BTreeMap::new())),
            false => None,
        };
        let (pre_signed_url, headers) = signed.unzip();
        Ok(JobView {
            job,
            pre_signed_url,
            pre_signed_url_headers: headers.unwrap_or_default(),
        })
    }

    fn upload_url(&self, job: &UserImportJob, now: OffsetDateTime) -> Result<String, Error> {
        let settings = &self.0.settings;
        let grant = UploadGrant {
            user_pool_id: job.user_pool_id.clone(),
            job_id: job.job_id,
            expires: (now + settings.upload_url_ttl)
                .min(job.expires_at)
                .unix_timestamp(),
            max_bytes: settings.max_upload_bytes,
        };
        let signature = self.0.key.sign_upload(&grant)?;
        let mut url = settings.public_url.clone();
        url.path_segments_mut()
            .map_err(|()| Error::internal("the public URL takes no path"))?
            .pop_if_empty()
            .extend([
                "v1",
                "uploads",
                grant.user_pool_id.as_str(),
                &grant.job_id.to_string(),
            ]);
        url.query_pairs_mut()
            .append_pair("expires", &grant.expires.to_string())
            .append_pair("max-bytes", &grant.max_bytes.to_string())
            .append_pair("signature", &signature);
        Ok(url.into())
    }
}
