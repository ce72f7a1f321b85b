//! Jobs in a line each: pools, uploads, and schedulers that tick when told to.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use muster::domain::clock::Clock;
use muster::domain::error::Error;
use muster::domain::ids::{JobId, SystemIds, UserPoolId};
use muster::domain::job::{Counters, UserImportJob};
use muster::importer::{ImportSettings, Importer};
use muster::operations::jobs::{CreateJob, JobView};
use muster::operations::pools::CreatePool;
use muster::operations::uploads::{Received, UploadRequest};
use muster::scheduler::{Scheduler, SchedulerSettings};
use muster::store::Database;
use muster::store::lanes::{self, Claim, JobKey};
use url::Url;
use uuid::Uuid;

use super::muster::{TestMuster, admin};

/// Seven days: what uploads are kept for unless a test says otherwise.
pub const RETAIN: Duration = Duration::from_secs(7 * 24 * 3600);

/// A job, by what callers name it by.
#[derive(Clone, Debug)]
pub struct TestJob {
    pub pool: String,
    pub id: String,
    /// Where its file may be uploaded to.
    pub url: String,
}

impl TestJob {
    /// As the store names it.
    pub fn key(&self) -> JobKey {
        JobKey {
            user_pool_id: UserPoolId::parse(&self.pool).expect("a pool id"),
            job_id: self.job_id(),
        }
    }

    pub fn job_id(&self) -> JobId {
        let id = JobId::parse(&self.id).expect("a job id");
        id.expect("a job id of muster's")
    }
}

/// Claims a job as a worker does that nobody has seen before.
pub async fn claim(db: &Database) -> Option<Claim> {
    claim_for(db, scheduler_settings().lease).await
}

/// The same, for another time.
pub async fn claim_for(db: &Database, lease: Duration) -> Option<Claim> {
    let max_fruitless = scheduler_settings().max_fruitless;
    let (worker, token) = (Uuid::new_v4(), Uuid::new_v4());
    lanes::claim(db, worker, token, lease, max_fruitless)
        .await
        .expect("a look for jobs")
}

/// Small batches, several lanes, a lease that outlives any test.
pub fn scheduler_settings() -> SchedulerSettings {
    SchedulerSettings {
        lanes: 2,
        lane_bytes: 1,
        max_jobs: 4,
        lease: Duration::from_secs(300),
        poll: Duration::from_millis(100),
        retain_upload: RETAIN,
        batch_rows: 100,
        batch_bytes: 1 << 20,
        max_fruitless: 3,
        max_row_chars: 16_000,
        max_rows: 10_000,
    }
}

/// Ticks until no job can be taken up or ended any more.
pub async fn work(scheduler: &Scheduler) {
    loop {
        let taken = scheduler.dispatch_tick().await.expect("a dispatch");
        let begun = scheduler.import_tick().await.expect("claims");
        let ended = begun.is_empty() && taken == 0;
        for import in begun {
            import.await.expect("an import that does not panic");
        }
        scheduler.finish_tick().await.expect("a finish");
        if ended {
            return;
        }
    }
}

/// A file of users whose rows keep all rules of [`TestMuster::pool`].
pub fn users_csv(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut csv = "cognito:username,email,email_verified\n".to_owned();
    for name in names {
        let name = name.as_ref();
        csv.push_str(&format!("{name},{name}@example.com,true\n"));
    }
    csv
}

impl TestMuster {
    /// A scheduler with the settings of [`scheduler_settings`].
    pub fn scheduler(&self) -> Scheduler {
        self.scheduler_with(|_| ())
    }

    /// A scheduler with other settings; each is a worker of its own.
    pub fn scheduler_with(&self, change: impl FnOnce(&mut SchedulerSettings)) -> Scheduler {
        let mut settings = scheduler_settings();
        change(&mut settings);
        Scheduler::new(
            self.db.clone(),
            self.objects.clone(),
            self.clock.clone(),
            Arc::new(SystemIds),
            settings,
        )
    }

    /// The part of a scheduler that imports what is claimed, and no more.
    pub fn importer(&self) -> Importer {
        self.importer_with(self.db.clone(), self.clock.clone(), 100)
    }

    /// One with leases of another length, which it renews each third of it.
    pub fn importer_for(&self, lease: Duration) -> Importer {
        self.importer_of(self.db.clone(), self.clock.clone(), 100, lease)
    }

    /// One over another connection, by another clock, with other batches.
    pub fn importer_with(&self, db: Database, clock: Arc<dyn Clock>, rows: usize) -> Importer {
        self.importer_of(db, clock, rows, scheduler_settings().lease)
    }

    fn importer_of(
        &self,
        db: Database,
        clock: Arc<dyn Clock>,
        rows: usize,
        lease: Duration,
    ) -> Importer {
        let settings = scheduler_settings();
        Importer::new(
            db,
            self.objects.clone(),
            clock,
            Arc::new(SystemIds),
            ImportSettings {
                lease,
                batch_rows: rows,
                batch_bytes: settings.batch_bytes,
                max_row_chars: settings.max_row_chars,
                max_rows: settings.max_rows,
            },
        )
    }

    /// A pool that auto-verifies e-mail addresses.
    pub async fn pool(&self) -> String {
        self.pool_with(|_| ()).await
    }

    /// A pool that auto-verifies e-mail addresses, and more.
    pub async fn pool_with(&self, change: impl FnOnce(&mut CreatePool)) -> String {
        let mut request = CreatePool {
            pool_name: "made up".to_owned(),
            auto_verified_attributes: vec!["email".to_owned()],
            ..CreatePool::default()
        };
        change(&mut request);
        let pool = self.muster.create_pool(&admin(), request).await;
        pool.expect("a pool").user_pool_id.to_string()
    }

    /// A job in status CREATED.
    pub async fn create(&self, pool: &str) -> TestJob {
        self.create_with(pool, |_| ()).await.expect("a job")
    }

    pub async fn create_with(
        &self,
        pool: &str,
        change: impl FnOnce(&mut CreateJob),
    ) -> Result<TestJob, Error> {
        let mut request = CreateJob {
            user_pool_id: pool.to_owned(),
            job_name: "made up".to_owned(),
            ..CreateJob::default()
        };
        change(&mut request);
        let view = self.muster.create_job(&admin(), request).await?;
        Ok(TestJob {
            pool: pool.to_owned(),
            id: view.job.job_id.to_string(),
            url: view.pre_signed_url.unwrap_or_default(),
        })
    }

    /// Uploads a file by the URL that the job's Create answered.
    pub async fn upload(&self, job: &TestJob, csv: impl Into<Bytes>) -> Result<Received, Error> {
        let request = upload_request(&job.url);
        // In two pieces, as a network would have it.
        let mut first: Bytes = csv.into();
        let second = first.split_off(first.len() / 2);
        let body = stream::iter([Ok(first), Ok(second)]);
        self.muster.receive_upload(request, body).await
    }

    pub async fn start(&self, job: &TestJob) -> Result<JobView, Error> {
        self.muster
            .start_job(&admin(), &job.pool, &job.id, None)
            .await
    }

    pub async fn stop(&self, job: &TestJob) -> Result<JobView, Error> {
        self.muster.stop_job(&admin(), &job.pool, &job.id).await
    }

    /// A job whose file is uploaded.
    pub async fn uploaded(&self, pool: &str, csv: impl Into<Bytes>) -> TestJob {
        let job = self.create(pool).await;
        self.upload(&job, csv).await.expect("an upload");
        job
    }

    /// A job in status PENDING.
    pub async fn started(&self, pool: &str, csv: impl Into<Bytes>) -> TestJob {
        let job = self.uploaded(pool, csv).await;
        self.start(&job).await.expect("a start");
        job
    }

    /// A job from its Create to its end.
    pub async fn import(&self, pool: &str, csv: impl Into<Bytes>) -> UserImportJob {
        let job = self.started(pool, csv).await;
        work(&self.scheduler()).await;
        self.describe(&job).await
    }
}

/// What a PUT to a signed URL asks for.
pub fn upload_request(url: &str) -> UploadRequest {
    let url = Url::parse(url).expect("an upload URL");
    let path: Vec<&str> = url.path_segments().expect("a path").collect();
    let [.., user_pool_id, job_id] = path[..] else {
        panic!("an upload URL names a pool and a job");
    };
    let query = |name: &str| {
        let pair = url.query_pairs().find(|(key, _)| key == name);
        pair.unwrap_or_else(|| panic!("{name} in the URL"))
            .1
            .into_owned()
    };
    UploadRequest {
        user_pool_id: user_pool_id.to_owned(),
        job_id: job_id.to_owned(),
        expires: query("expires").parse().expect("a time"),
        max_bytes: query("max-bytes").parse().expect("a size"),
        signature: query("signature"),
        content_length: None,
    }
}

/// Imported, skipped and failed rows.
pub const fn counted(imported: u64, skipped: u64, failed: u64) -> Counters {
    Counters {
        imported,
        skipped,
        failed,
    }
}
