//! What was seen so far, and what must hold of what is seen next.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use muster::domain::job::{Counters, JobStatus, Transition};
use muster::domain::rejection::{Outcome, RejectionCode};

use crate::ending::{Expected, Fate};
use crate::file::File;
use crate::snapshot::{Job, Lane, Snapshot};

/// What was last seen of a lane.
#[derive(Clone, Debug, Default)]
struct LaneSeen {
    bytes: u64,
    finished: bool,
    /// How often it moved on after Stop was taken.
    moved_on: u32,
}

/// What was last seen of a job.
#[derive(Clone, Debug)]
struct JobSeen {
    number: usize,
    status: JobStatus,
    /// The job's row at its end.
    end: Option<String>,
    done: BTreeMap<u64, Fate>,
    lanes: BTreeMap<usize, LaneSeen>,
    token: Option<String>,
}

pub struct History {
    expected: Vec<Expected>,
    rivals: bool,
    jobs: HashMap<String, JobSeen>,
}

fn demand(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

fn status(job: &Job) -> Result<JobStatus, String> {
    JobStatus::from_name(&job.status).ok_or_else(|| format!("the status {}", job.status))
}

/// Which of the planned jobs it is.
pub fn number(job: &Job) -> Result<usize, String> {
    let number = job
        .job_name
        .strip_prefix("job ")
        .and_then(|n| n.parse().ok());
    number.ok_or_else(|| format!("the job {}", job.job_name))
}

/// Whether a job can have got from one status to another; by one move, if
/// only one was made.
fn leads(from: JobStatus, to: JobStatus, single: bool) -> bool {
    let next = |from: JobStatus| {
        Transition::ALL
            .into_iter()
            .filter(move |t| t.from().contains(&from))
            .map(Transition::to)
    };
    from == to || next(from).any(|status| status == to || (!single && leads(status, to, false)))
}

/// What became of each row that is accounted for.
pub fn fates(seen: &Snapshot, id: &str) -> Result<BTreeMap<u64, Fate>, String> {
    let mut fates = BTreeMap::new();
    let users = seen.users.iter().filter(|u| u.import_job_id == id);
    let users = users.map(|u| (u.import_line, Fate::User(u.username_key.clone())));
    let rejected = seen.rejected.iter().filter(|r| r.job_id == id);
    let rejected = rejected.map(|r| {
        let fate = Fate::Rejected(r.code.clone(), r.column_name.clone(), r.detail);
        (r.line, fate)
    });
    for (line, fate) in users.chain(rejected) {
        if let Some(other) = fates.insert(line, fate) {
            return Err(format!(
                "line {line} has two outcomes, one of them {other:?}"
            ));
        }
    }
    Ok(fates)
}

/// The counters that go with what is there.
fn count(fates: &BTreeMap<u64, Fate>) -> Result<Counters, String> {
    let mut counters = Counters::default();
    for fate in fates.values() {
        let Fate::Rejected(code, ..) = fate else {
            counters.imported += 1;
            continue;
        };
        let known = RejectionCode::ALL.into_iter().find(|c| c.as_str() == code);
        match known.ok_or_else(|| format!("the code {code}"))?.outcome() {
            Outcome::Skipped => counters.skipped += 1,
            Outcome::Failed => counters.failed += 1,
        }
    }
    Ok(counters)
}

fn counters(job: &Job, lanes: &[&Lane]) -> Counters {
    let sum = |of: fn(&Lane) -> u64| lanes.iter().map(|l| of(l)).sum::<u64>();
    Counters {
        imported: job.imported_users + sum(|l| l.imported_users),
        skipped: job.skipped_users + sum(|l| l.skipped_users),
        failed: job.failed_users + sum(|l| l.failed_users),
    }
}

impl History {
    pub fn new(expected: Vec<Expected>, rivals: bool) -> Self {
        Self {
            expected,
            rivals,
            jobs: HashMap::new(),
        }
    }

    pub fn expected(&self, job: &Job) -> Result<&Expected, String> {
        let number = number(job)?;
        self.expected
            .get(number)
            .ok_or_else(|| job.job_name.clone())
    }

    /// The jobs that are being imported: pool, id, counters.
    pub fn counted(&self, seen: &Snapshot) -> Vec<(String, String, Counters)> {
        let jobs = seen.jobs.iter().filter(|job| job.deletion_date.is_none());
        jobs.map(|job| (job, seen.lanes_of(&job.job_id)))
            .filter(|(_, lanes)| !lanes.is_empty())
            .map(|(job, lanes)| {
                let id = format!("import-{}", job.job_id);
                (job.user_pool_id.clone(), id, counters(job, &lanes))
            })
            .collect()
    }

    /// Checks all that must hold at any instant. Answers how many jobs went
    /// from one worker to another since the last.
    pub fn check(
        &mut self,
        seen: &Snapshot,
        objects: &BTreeSet<String>,
        single: bool,
    ) -> Result<u64, String> {
        let mut takeovers = 0;
        for job in &seen.jobs {
            let what = |e| format!("job {} ({}): {e}", job.job_name, job.status);
            takeovers += self.job(seen, job, objects, single).map_err(what)?;
        }
        for pool in &seen.pools {
            let jobs = seen
                .jobs
                .iter()
                .filter(|j| j.user_pool_id == pool.user_pool_id);
            let there = jobs.filter(|j| j.deletion_date.is_none()).count();
            demand(pool.import_job_count == there, || {
                format!("{} jobs counted, {there} there", pool.import_job_count)
            })?;
        }
        let numbers: Vec<usize> = seen.jobs.iter().map(number).collect::<Result<_, _>>()?;
        let different: BTreeSet<usize> = numbers.iter().copied().collect();
        demand(different.len() == numbers.len(), || {
            "a Create with a request id acted twice".to_owned()
        })?;
        // What became of a job that is gone.
        for (id, before) in &self.jobs {
            if seen.job(id).is_some() {
                continue;
            }
            demand(
                before.end.is_some() || before.status == JobStatus::Created,
                || {
                    format!(
                        "job {} went while it was {:?}",
                        before.number, before.status
                    )
                },
            )?;
            let users = |fates: &BTreeMap<u64, Fate>| {
                fates
                    .values()
                    .filter(|f| matches!(f, Fate::User(_)))
                    .count()
            };
            let left = fates(seen, id)?;
            demand(
                left.len() == users(&left) && users(&left) == users(&before.done),
                || format!("job {} left {left:?}", before.number),
            )?;
        }
        Ok(takeovers)
    }

    fn job(
        &mut self,
        seen: &Snapshot,
        job: &Job,
        objects: &BTreeSet<String>,
        single: bool,
    ) -> Result<u64, String> {
        let expected = self.expected(job)?;
        let now = status(job)?;
        let before = self.jobs.get(&job.job_id).cloned();
        let from = before.as_ref().map_or(JobStatus::Created, |b| b.status);
        demand(leads(from, now, single), || format!("it was {from:?}"))?;

        let lanes = seen.lanes_of(&job.job_id);
        let deleted = job.deletion_date.is_some();
        let done = fates(seen, &job.job_id)?;
        // A deleted job's reports go bit by bit.
        if !deleted {
            let (kept, there) = (counters(job, &lanes), count(&done)?);
            demand(kept == there, || {
                format!("{kept:?} counted, {there:?} there")
            })?;
        }
        let file = expected.file(job.total_bytes);
        if !self.rivals {
            for (line, fate) in &done {
                let right = file.and_then(|f| f.1.get(line));
                demand(right == Some(fate), || {
                    format!("line {line} became {fate:?}, not {right:?}")
                })?;
            }
        }
        demand(
            deleted
                || self.accounted(job, now, &lanes, &done, before.as_ref(), file.map(|f| f.0))?,
            || format!("{:?} accounted for with {lanes:?}", done.keys()),
        )?;

        if let Some(object) = &job.upload_object
            && !now.is_terminal()
            && !deleted
        {
            demand(objects.contains(object), || "its file is gone".to_owned())?;
        }
        let end = now.is_terminal().then(|| {
            format!(
                "{:?} {:?} {:?} {:?} {} {:?}",
                job.completion_date,
                job.completion_message,
                job.failure_reason,
                job.total_rows,
                job.processed_bytes,
                counters(job, &lanes)
            )
        });
        if let Some(before) = before.as_ref().and_then(|b| b.end.as_ref()) {
            demand(end.as_ref() == Some(before), || {
                format!("it had ended: {before}")
            })?;
        }
        let token = lanes.iter().find_map(|l| l.lease_token.clone());
        let one = lanes
            .iter()
            .all(|l| l.lease_token.is_none() || l.lease_token == token);
        demand(one, || format!("two workers at once: {lanes:?}"))?;
        let had = before.as_ref().and_then(|b| b.token.clone());
        let takeover = had.is_some() && token.is_some() && had != token;
        let lanes = self.lanes(now, &lanes, before.as_ref(), file.map(|f| f.0))?;
        let done = match (&before, deleted) {
            (Some(before), true) => before.done.clone(),
            _ => done,
        };
        let number = number(job)?;
        let next = JobSeen {
            number,
            status: now,
            end,
            done,
            lanes,
            token: token.or(had),
        };
        self.jobs.insert(job.job_id.clone(), next);
        Ok(takeover.into())
    }

    /// Whether the rows that are accounted for are those that the checkpoints
    /// stand for.
    fn accounted(
        &self,
        job: &Job,
        now: JobStatus,
        lanes: &[&Lane],
        done: &BTreeMap<u64, Fate>,
        before: Option<&JobSeen>,
        file: Option<&File>,
    ) -> Result<bool, String> {
        let lines: BTreeSet<u64> = done.keys().copied().collect();
        let Some(file) = file else {
            return Ok(lines.is_empty());
        };
        let complete = now == JobStatus::Succeeded
            || job.failure_reason.as_deref() == Some("TOO_MANY_REJECTED_ROWS");
        if complete {
            let all: BTreeSet<u64> = file.rows.iter().map(|r| r.line).collect();
            let bytes = Some(job.processed_bytes) == job.total_bytes;
            let rows = job.total_rows == Some(all.len() as u64);
            return Ok(lines == all && bytes && rows);
        }
        if !lanes.is_empty() {
            let mut right = BTreeSet::new();
            for lane in lanes {
                let own: Vec<u64> = file
                    .done(lane.lane, lanes.len(), lane.checkpoint_bytes)
                    .collect();
                let counted = lane.imported_users + lane.skipped_users + lane.failed_users;
                if counted != own.len() as u64 {
                    return Ok(false);
                }
                right.extend(own);
            }
            return Ok(lines == right);
        }
        // Nothing is written before there are lanes, nor once they are gone.
        let empty = BTreeMap::new();
        let before = before.map_or(&empty, |b| &b.done);
        Ok(done == before)
    }

    /// How the lanes moved on.
    fn lanes(
        &self,
        now: JobStatus,
        lanes: &[&Lane],
        before: Option<&JobSeen>,
        file: Option<&File>,
    ) -> Result<BTreeMap<usize, LaneSeen>, String> {
        let mut all = BTreeMap::new();
        for lane in lanes {
            let had = before
                .and_then(|b| b.lanes.get(&lane.lane))
                .cloned()
                .unwrap_or_default();
            let back = lane.checkpoint_bytes < had.bytes || (had.finished && !lane.finished);
            demand(!back, || format!("lane {} went back: {lane:?}", lane.lane))?;
            let size = file.map(|f| f.csv.len() as u64);
            let line = file.and_then(|f| f.line_at(lane.checkpoint_bytes));
            let right = if lane.finished {
                size == Some(lane.checkpoint_bytes)
            } else {
                line == Some(lane.checkpoint_line)
            };
            demand(right, || format!("no row ends at a checkpoint: {lane:?}"))?;
            let moved = lane.checkpoint_bytes != had.bytes || lane.finished != had.finished;
            // The batch that was being written when Stop came, and no other.
            let stopping = before.is_some_and(|b| b.status == JobStatus::Stopping);
            let moved_on = had.moved_on + u32::from(moved && stopping);
            demand(moved_on <= 1 && now != JobStatus::Pending, || {
                format!("lane {} goes on after Stop", lane.lane)
            })?;
            all.insert(
                lane.lane,
                LaneSeen {
                    bytes: lane.checkpoint_bytes,
                    finished: lane.finished,
                    moved_on,
                },
            );
        }
        Ok(all)
    }
}
