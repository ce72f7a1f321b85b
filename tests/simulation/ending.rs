//! What each job must have come to, and how a history ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use muster::domain::job::JobStatus;
use muster::objects::Objects;
use muster::operations::Muster;
use muster::operations::pools::CreatePool;
use muster::store::Database;
use object_store::ObjectStore as _;
use object_store::memory::InMemory;
use sqlx::PgConnection;

use crate::actor::{self, Known};
use crate::file::{self, File};
use crate::plan::{Call, Duty, Op, Plan, SERVER, WORKERS, WorkerPlan};
use crate::snapshot::{self, Job, Snapshot};
use crate::support::imports::work;
use crate::support::muster::{ManualClock, admin};
use crate::world::{World, clean};

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    User(String),
    Rejected(String, Option<String>, Option<i64>),
}

/// What a file comes to when nothing happens to its job.
#[derive(Clone, Debug)]
struct Undisturbed {
    file: File,
    fates: BTreeMap<u64, Fate>,
    end: String,
    users: Vec<String>,
}

/// What a job comes to, by the file that it is started with.
#[derive(Clone, Debug)]
pub struct Expected(Vec<Undisturbed>);

/// How a job ended, without what is of the time.
fn end(job: &Job) -> String {
    format!(
        "{} {:?} {:?}, {} imported, {} skipped, {} failed of {:?}, {} of {:?} bytes",
        job.status,
        job.failure_reason,
        job.completion_message,
        job.imported_users,
        job.skipped_users,
        job.failed_users,
        job.total_rows,
        job.processed_bytes,
        job.total_bytes,
    )
}

/// The file of a planned job, or its first half.
pub fn file(plan: &Plan, job: usize, half: bool) -> File {
    let rows = &plan.jobs[job].rows;
    let many = if half { rows.len() / 2 } else { rows.len() };
    File::of(&rows[..many], plan.space(job))
}

/// A pool for a job.
pub async fn pool(plan: &Plan, job: usize, muster: &Muster) -> String {
    let aliases = plan.aliases(job);
    let request = CreatePool {
        pool_name: "made up".to_owned(),
        auto_verified_attributes: vec!["email".to_owned()],
        alias_attributes: aliases.then(|| "email".to_owned()).into_iter().collect(),
        ..CreatePool::default()
    };
    let pool = muster.create_pool(&admin(), request).await.expect("a pool");
    pool.user_pool_id.to_string()
}

/// Puts the users of a job into a pool that are there before.
pub async fn there(plan: &Plan, job: usize, pool: &str, reader: &mut PgConnection) {
    let (aliases, space) = (plan.aliases(job), plan.space(job));
    let there = &plan.jobs[job].there;
    let keys: Vec<String> = there.iter().map(|n| file::key(space, *n)).collect();
    let aliases: Vec<Option<String>> = there
        .iter()
        .map(|n| aliases.then(|| file::email(space, *n)))
        .collect();
    sqlx::query(
        "INSERT INTO users (user_pool_id, username_key, username, sub,
             user_create_date, import_job_id, import_line, email_alias)
         SELECT $1, u.name, u.name, gen_random_uuid(), now(), $2, 2, u.alias
         FROM UNNEST($3::text[], $4::text[]) AS u (name, alias)",
    )
    .bind(pool)
    .bind(snapshot::THERE)
    .bind(keys)
    .bind(aliases)
    .execute(reader)
    .await
    .expect("users");
}

impl Expected {
    /// Runs a job without any fault.
    pub async fn find(plan: &Plan, job: usize, db: &Database, reader: &mut PgConnection) -> Self {
        let halved = |op: &Op| matches!(op, Op::Call(Call::Upload { half: true }, _));
        let mut versions = vec![file(plan, job, false)];
        if plan.ops.iter().any(halved) {
            versions.push(file(plan, job, true));
        }
        let mut expected = Vec::new();
        for file in versions {
            let run = undisturbed(plan, job, file, db, reader).await;
            expected.push(run);
        }
        Self(expected)
    }

    /// The file of a size, and what becomes of each row.
    pub fn file(&self, bytes: Option<u64>) -> Option<(&File, &BTreeMap<u64, Fate>)> {
        let of_size = |u: &&Undisturbed| Some(u.file.csv.len() as u64) == bytes;
        self.0.iter().find(of_size).map(|u| (&u.file, &u.fates))
    }
}

async fn undisturbed(
    plan: &Plan,
    job: usize,
    file: File,
    db: &Database,
    reader: &mut PgConnection,
) -> Undisturbed {
    if plan.rivals() {
        return Undisturbed {
            file,
            fates: BTreeMap::new(),
            end: String::new(),
            users: Vec::new(),
        };
    }
    let clock = Arc::<ManualClock>::default();
    let objects = Objects::over(Arc::new(InMemory::new()));
    let muster = actor::muster(db.clone(), objects.clone(), clock.clone());
    let known = Known {
        pool: pool(plan, job, &muster).await,
        number: job,
        id: None,
        max_rejected: plan.jobs[job].max_rejected,
        file: file.csv.clone(),
    };
    there(plan, job, &known.pool, reader).await;
    let id = actor::create(&muster, &known).await.expect("a job");
    let csv = file.csv.clone();
    let uploaded = actor::upload(&muster, &known.pool, &id, csv).await;
    uploaded.expect("an upload");
    let started = muster.start_job(&admin(), &known.pool, &id, None).await;
    started.expect("a start");
    let worker = WorkerPlan {
        lanes: 1,
        batch_rows: 100,
        piece: 0,
    };
    work(&actor::scheduler(db.clone(), objects, clock, plan, worker)).await;
    let seen = Snapshot::take(reader).await.expect("a look");
    let fates = crate::history::fates(&seen, &seen.jobs[0].job_id).expect("one outcome each");
    assert_eq!(fates.len(), file.rows.len(), "rows without an outcome");
    let space = plan.space(job);
    let users = snapshot::users(reader, &known.pool, space).await;
    let users = users.expect("users");
    clean(reader).await;
    Undisturbed {
        fates,
        end: end(&seen.jobs[0]),
        users,
        file,
    }
}

/// The names of all objects.
pub async fn objects(store: &InMemory) -> BTreeSet<String> {
    let all: Vec<_> = store.list(None).try_collect().await.expect("a listing");
    all.into_iter()
        .map(|meta| meta.location.to_string())
        .collect()
}

impl World<'_> {
    /// Lets everybody go on, without a fault, until nobody has anything to do.
    pub async fn calm(&mut self) -> Result<(), String> {
        for actor in &self.actors {
            self.tally.count("reads_cut", actor.way.mend());
        }
        for round in 0..100 {
            for number in 0..=SERVER {
                self.run(number).await?;
            }
            let idle = |a: &actor::Actor| a.running() == 0 && a.wire.held().is_empty();
            if self.actors.iter().all(idle) {
                for number in 0..=SERVER {
                    if !self.actors[number].collect().await {
                        return Err("a task panicked".to_owned());
                    }
                }
                return Ok(());
            }
            let pause = if round % 4 == 3 { 101 } else { 5 };
            tokio::time::advance(Duration::from_secs(pause)).await;
            self.settle(false).await?;
        }
        Err("somebody waits for ever".to_owned())
    }

    /// A round of a duty, without a fault.
    async fn duty(&mut self, worker: usize, duty: Duty) -> Result<(), String> {
        self.tick(worker, duty).await?;
        self.calm().await
    }

    /// Brings all jobs to their ends.
    pub async fn finish(&mut self) -> Result<(), String> {
        self.note("the faults end");
        self.calm().await?;
        for round in 0..20 {
            let seen = Snapshot::take(&mut self.reader).await?;
            let active =
                |j: &Job| JobStatus::from_name(&j.status).is_some_and(JobStatus::is_active);
            if !seen.jobs.iter().any(active) {
                return Ok(());
            }
            self.put_on(actor::LEASE).await?;
            for duty in [Duty::Rescue, Duty::Dispatch, Duty::Import, Duty::Finish] {
                self.duty(round % WORKERS, duty).await?;
            }
        }
        Err("a job does not come to its end".to_owned())
    }

    /// Compares what was left with what a run without faults leaves.
    pub async fn judge(&mut self) -> Result<(), String> {
        let seen = Snapshot::take(&mut self.reader).await?;
        let mut complete = seen.jobs.len() == self.plan.jobs.len();
        for job in &seen.jobs {
            if job.deletion_date.is_some() {
                complete = false;
                continue;
            }
            let fates = crate::history::fates(&seen, &job.job_id)?;
            if self.tally.faults() > 0 {
                self.tally.count("rows_under_fault", fates.len() as u64);
            }
            match job.status.as_str() {
                "SUCCEEDED" => self.tally.count("jobs_succeeded", 1),
                "FAILED" => self.tally.count("jobs_failed", 1),
                "STOPPED" => self.tally.count("jobs_stopped", 1),
                _ => {}
            }
            let given_up = job.failure_reason.as_deref() == Some("NO_PROGRESS");
            if given_up && self.tally.faults() < self.plan.max_fruitless.into() {
                return Err(format!("{} was given up without a reason", job.job_name));
            }
            if given_up || !matches!(job.status.as_str(), "SUCCEEDED" | "FAILED") {
                complete = false;
                continue;
            }
            if self.plan.rivals() {
                continue;
            }
            let expected = &self.history.expected(job)?.0;
            let right = |u: &&Undisturbed| Some(u.file.csv.len() as u64) == job.total_bytes;
            let right = expected.iter().find(right).ok_or("an unknown file")?;
            let space = self.plan.space(crate::history::number(job)?);
            let users = snapshot::users(&mut self.reader, &job.user_pool_id, space).await?;
            let lost = right
                .fates
                .keys()
                .filter(|line| !fates.contains_key(line))
                .count();
            self.tally.count("rows_lost", lost as u64);
            if (end(job), &users) != (right.end.clone(), &right.users) {
                return Err(format!(
                    "{} became\n{}\n{users:#?}\ninstead of\n{}\n{:#?}",
                    job.job_name,
                    end(job),
                    right.end,
                    right.users
                ));
            }
        }
        if complete && self.plan.rivals() {
            self.judge_rivals(&seen)?;
        }
        Ok(())
    }

    /// Jobs that brought the same users: each is there once, whoever won.
    fn judge_rivals(&self, seen: &Snapshot) -> Result<(), String> {
        let there = self.plan.jobs[0].there.iter();
        let mut right: BTreeSet<String> = there.map(|n| file::key(0, *n)).collect();
        for job in &seen.jobs {
            let (file, _) = self
                .history
                .expected(job)?
                .file(job.total_bytes)
                .ok_or("an unknown file")?;
            right.extend(file.rows.iter().filter_map(|r| r.key.clone()));
        }
        let users: BTreeSet<String> = seen.users.iter().map(|u| u.username_key.clone()).collect();
        if users != right || users.len() != seen.users.len() {
            return Err(format!("{users:?} instead of {right:?}"));
        }
        Ok(())
    }

    /// Lets the time of all that is kept run out, and has everything deleted.
    pub async fn clear(&mut self) -> Result<(), String> {
        self.note("everything expires");
        let week = Duration::from_secs(8 * 24 * 3600);
        self.clock.advance(week);
        self.duty(0, Duty::Expire).await?;
        self.duty(1, Duty::Purge).await?;
        let mut left = objects(&self.objects).await;
        left.retain(|object| !self.stranded.iter().any(|job| object.contains(job)));
        if !left.is_empty() {
            return Err(format!("ended and expired jobs left {left:?}"));
        }
        let seen = Snapshot::take(&mut self.reader).await?;
        let expired = seen.jobs.iter().filter(|j| j.status == "EXPIRED").count();
        self.tally.count("jobs_expired", expired as u64);
        self.note("everything is deleted");
        for job in seen.jobs.iter().filter(|j| j.deletion_date.is_none()) {
            let id = format!("import-{}", job.job_id);
            let done = self
                .muster
                .delete_job(&admin(), &job.user_pool_id, &id)
                .await;
            done.map_err(|e| format!("Delete: {e:?}"))?;
        }
        self.settle(true).await?;
        self.duty(2, Duty::Purge).await?;
        let seen = Snapshot::take(&mut self.reader).await?;
        if !(seen.jobs.is_empty() && seen.rejected.is_empty() && seen.lanes.is_empty()) {
            return Err(format!("deleted jobs left {seen:?}"));
        }
        Ok(())
    }
}
