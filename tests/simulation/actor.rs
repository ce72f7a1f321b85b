//! A process of the history: a scheduler, or a server. Each has its own ways
//! to the database and to the object store.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use muster::domain::clock::Clock;
use muster::domain::error::Error;
use muster::domain::ids::SystemIds;
use muster::objects::Objects;
use muster::operations::jobs::CreateJob;
use muster::operations::{Muster, Settings, SigningKey};
use muster::scheduler::{Scheduler, SchedulerSettings};
use muster::store::{Database, DatabaseSettings};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::plan::{Call, Duty, Plan, WorkerPlan};
use crate::seen::Complaints;
use crate::store::Way;
use crate::support::imports::{scheduler_settings, upload_request};
use crate::support::muster::{ManualClock, admin, settings};
use crate::wire::Wire;

/// How long a lease lasts, by the database's clock.
pub const LEASE: Duration = Duration::from_secs(300);
/// How long a job may wait for Start. A list puts the clocks on by less than
/// the time for which request ids are kept.
pub const EXPIRE_AFTER: Duration = Duration::from_secs(2 * 3600);

enum Role {
    Worker(Scheduler),
    Server(Muster),
}

pub struct Actor {
    pub wire: Wire,
    pub way: Way,
    role: Role,
    running: Arc<AtomicUsize>,
    tasks: Vec<JoinHandle<()>>,
    complaints: Complaints,
    /// Whether it was told to end.
    pub draining: bool,
}

/// A database without patience of its own: the list decides what takes too long.
pub fn database(url: &str) -> Database {
    let long = Duration::from_secs(120);
    Database::open(&DatabaseSettings {
        url: url.to_owned(),
        max_connections: 8,
        acquire_timeout: long,
        statement_timeout: long,
        lock_timeout: long,
    })
    .expect("a database")
}

pub fn muster(db: Database, objects: Objects, clock: Arc<ManualClock>) -> Muster {
    let settings = Settings {
        expire_after: EXPIRE_AFTER,
        ..settings()
    };
    let key = SigningKey::new([7; 32]).expect("long enough");
    Muster::new(db, objects, clock, Arc::new(SystemIds), key, settings)
}

pub fn scheduler(
    db: Database,
    objects: Objects,
    clock: Arc<dyn Clock>,
    plan: &Plan,
    worker: WorkerPlan,
) -> Scheduler {
    let settings = SchedulerSettings {
        lanes: worker.lanes,
        lane_bytes: 1,
        max_jobs: 2,
        lease: LEASE,
        retain_upload: plan.retain,
        batch_rows: worker.batch_rows,
        max_fruitless: plan.max_fruitless,
        ..scheduler_settings()
    };
    Scheduler::new(db, objects, clock, Arc::new(SystemIds), settings)
}

/// A job as callers know it.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub pool: String,
    pub number: usize,
    pub id: Option<String>,
    pub max_rejected: u8,
    pub file: String,
}

impl Actor {
    pub fn worker(
        wire: Wire,
        way: Way,
        clock: Arc<ManualClock>,
        plan: &Plan,
        worker: WorkerPlan,
        complaints: Complaints,
    ) -> Self {
        let objects = Objects::over(Arc::new(way.clone()));
        let scheduler = scheduler(database(wire.url()), objects, clock, plan, worker);
        Self::new(wire, way, Role::Worker(scheduler), complaints)
    }

    pub fn server(wire: Wire, way: Way, clock: Arc<ManualClock>, complaints: Complaints) -> Self {
        let objects = Objects::over(Arc::new(way.clone()));
        let muster = muster(database(wire.url()), objects, clock);
        Self::new(wire, way, Role::Server(muster), complaints)
    }

    fn new(wire: Wire, way: Way, role: Role, complaints: Complaints) -> Self {
        Self {
            wire,
            way,
            role,
            running: Arc::default(),
            tasks: Vec::new(),
            complaints,
            draining: false,
        }
    }

    /// How many ticks and calls have not ended.
    pub fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    fn begin(
        &mut self,
        what: String,
        work: impl Future<Output = Result<(), Error>> + Send + 'static,
    ) {
        self.running.fetch_add(1, Ordering::Relaxed);
        let (running, complaints) = (self.running.clone(), self.complaints.clone());
        self.tasks.push(tokio::spawn(async move {
            if let Err(error) = work.await {
                complaints.judge(&what, &error);
            }
            running.fetch_sub(1, Ordering::Relaxed);
        }));
    }

    /// Whether all that has ended did so without a panic.
    pub async fn collect(&mut self) -> bool {
        let (ended, tasks) = std::mem::take(&mut self.tasks)
            .into_iter()
            .partition(JoinHandle::is_finished);
        self.tasks = tasks;
        let ended: Vec<JoinHandle<()>> = ended;
        for task in ended {
            if task.await.is_err() {
                return false;
            }
        }
        true
    }

    /// Begins a round of a duty.
    pub fn tick(&mut self, duty: Duty) {
        let Role::Worker(scheduler) = &self.role else {
            return;
        };
        let s = scheduler.clone();
        self.begin(format!("{duty:?}"), async move {
            match duty {
                Duty::Dispatch => s.dispatch_tick().await.map(drop),
                Duty::Import => {
                    for import in s.import_tick().await? {
                        import.await.map_err(Error::internal)?;
                    }
                    Ok(())
                }
                Duty::Finish => s.finish_tick().await.map(drop),
                Duty::Expire => s.expire_tick().await.map(drop),
                Duty::Rescue => s.rescue_tick().await.map(drop),
                Duty::Purge => s.purge_tick().await.map(drop),
            }
        });
    }

    /// Tells a worker to end in good order.
    pub fn drain(&mut self) {
        if let Role::Worker(scheduler) = &self.role
            && !self.draining
        {
            let scheduler = scheduler.clone();
            self.draining = true;
            self.begin("shutdown".to_owned(), async move {
                let now = CancellationToken::new();
                now.cancel();
                scheduler.run(now).await
            });
        }
    }

    /// Begins a call. `learn` is told the id of a job that was made.
    pub fn call(&mut self, call: Call, job: Known, learn: impl FnOnce(String) + Send + 'static) {
        let Role::Server(muster) = &self.role else {
            return;
        };
        let muster = muster.clone();
        self.begin(format!("{call:?}"), async move {
            if call == Call::Create {
                learn(create(&muster, &job).await?);
                return Ok(());
            }
            let Some(id) = &job.id else { return Ok(()) };
            let (caller, pool) = (admin(), &job.pool);
            match call {
                Call::Create => Ok(()),
                Call::Upload { .. } => upload(&muster, pool, id, job.file).await,
                Call::Start => muster.start_job(&caller, pool, id, None).await.map(drop),
                Call::Stop => muster.stop_job(&caller, pool, id).await.map(drop),
                Call::Delete => muster.delete_job(&caller, pool, id).await,
            }
        });
    }

    /// Ends it as `kill -9` does.
    pub fn die(&self) {
        self.wire.die();
        self.way.die();
    }
}

/// Makes a job, or finds the one that an earlier call made.
pub async fn create(muster: &Muster, job: &Known) -> Result<String, Error> {
    let request = CreateJob {
        user_pool_id: job.pool.clone(),
        job_name: format!("job {}", job.number),
        max_rejected_percent: Some(job.max_rejected.into()),
        request_id: Some(uuid::Uuid::from_u128(job.number as u128 + 1).to_string()),
        ..CreateJob::default()
    };
    let view = muster.create_job(&admin(), request).await?;
    Ok(view.job.job_id.to_string())
}

/// Uploads by the URL that Describe answers, if it answers one.
pub async fn upload(muster: &Muster, pool: &str, id: &str, csv: String) -> Result<(), Error> {
    let view = muster.describe_job(&admin(), pool, id).await?;
    let Some(url) = view.pre_signed_url else {
        return Ok(());
    };
    let body = stream::iter([Ok(Bytes::from(csv))]);
    let taken = muster.receive_upload(upload_request(&url), body).await;
    taken.map(drop)
}
