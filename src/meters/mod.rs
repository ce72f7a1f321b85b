//! What muster counts and times, for Prometheus: [`names`] has every metric,
//! and a function here stands for each thing that happens. They are called
//! where it happens, and do next to nothing until a process [exposes] them.
//!
//! Labels are closed sets: no pool, no caller, nothing that somebody sent.
//!
//! [exposes]: crate::process::metrics_port

mod call;
pub mod names;

use std::time::Duration;

use metrics::{counter, gauge, histogram};

use crate::domain::job::{Counters, FailureReason, JobStatus};
use names::Kind;

pub use call::{CallTimer, Front, UNKNOWN_METHOD};

/// A word of a label.
pub type Word = metrics::SharedString;

/// How the users of a batch got into the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchPath {
    /// As if nothing could collide.
    Plain,
    /// Without those that were there already.
    WithoutKnown,
    /// Each looked at by itself.
    RowByRow,
    /// As if nothing could collide, with those of other jobs.
    Together,
    /// There were none: all rows were rejected, or it was the end of the file.
    NoUsers,
}

impl BatchPath {
    const ALL: [Self; 5] = [
        Self::Plain,
        Self::WithoutKnown,
        Self::RowByRow,
        Self::Together,
        Self::NoUsers,
    ];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::WithoutKnown => "without_known",
            Self::RowByRow => "row_by_row",
            Self::Together => "together",
            Self::NoUsers => "no_users",
        }
    }
}

/// The jobs that have not ended, as the database has them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backlog {
    /// Jobs by status.
    pub jobs: [(JobStatus, f64); 4],
    /// Seconds since the oldest PENDING job was started.
    pub oldest_pending: f64,
    /// Seconds since the job that has stood still the longest got on.
    pub oldest_unmoved: f64,
}

/// Tells what each metric means, once there is somebody to tell.
pub fn describe() {
    for metric in names::ALL {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.help),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
            Kind::Histogram => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
}

/// Which program this is.
pub fn build_info(program: &'static str, version: &'static str) {
    gauge!(names::BUILD_INFO.name, "program" => program, "version" => version).set(1.0);
}

/// Begins to count what a server does: a counter that appears with its first
/// event hides that event from a rate.
pub fn begin_server() {
    for result in [true, false] {
        uploads(result).increment(0);
    }
    upload_bytes(0);
    for front in ["grpc", "http", "aws"] {
        gauge!(names::CALLS_IN_FLIGHT.name, "front" => front).increment(0.0);
    }
}

/// Begins to count what a scheduler does.
pub fn begin_scheduler(duties: &[&'static str]) {
    rows(Counters::default());
    for path in BatchPath::ALL {
        // Registered, with nothing in it.
        drop(histogram!(names::BATCH_SECONDS.name, "path" => path.as_str()));
    }
    for status in JobStatus::ALL.into_iter().filter(|s| s.is_terminal()) {
        if status != JobStatus::Failed {
            jobs_ended(status, None, 0);
        }
    }
    for reason in FailureReason::ALL {
        jobs_ended(JobStatus::Failed, Some(reason), 0);
    }
    for counter in [
        names::BATCH_RETRIES,
        names::LEASE_TAKEOVERS,
        names::LEASES_LOST,
    ] {
        counter!(counter.name).increment(0);
    }
    for duty in duties {
        counter!(names::DUTY_FAILURES.name, "duty" => *duty).increment(0);
    }
    gauge!(names::IMPORTS.name).increment(0.0);
}

/// Begins to count what is done with the database.
pub fn begin_database() {
    drop(histogram!(names::DATABASE_WAIT_SECONDS.name));
    counter!(names::DATABASE_WAIT_FAILURES.name).increment(0);
}

/// Whether a service of this process is ready.
pub fn ready(service: &'static str, ready: bool) {
    gauge!(names::READY.name, "service" => service).set(if ready { 1.0 } else { 0.0 });
}

fn uploads(kept: bool) -> metrics::Counter {
    counter!(names::UPLOADS.name, "result" => if kept { "kept" } else { "refused" })
}

/// An upload came to its end.
pub fn upload_ended(kept: bool) {
    uploads(kept).increment(1);
}

/// A piece of an upload came in.
pub fn upload_bytes(bytes: u64) {
    counter!(names::UPLOAD_BYTES.name).increment(bytes);
}

/// Rows are accounted for: a batch is committed.
pub fn rows(added: Counters) {
    for (outcome, rows) in [
        ("imported", added.imported),
        ("skipped", added.skipped),
        ("failed", added.failed),
    ] {
        counter!(names::ROWS.name, "outcome" => outcome).increment(rows);
    }
}

/// A batch was written.
pub fn batch(path: BatchPath, took: Duration) {
    histogram!(names::BATCH_SECONDS.name, "path" => path.as_str()).record(took);
}

/// A batch is tried again.
pub fn batch_retried() {
    counter!(names::BATCH_RETRIES.name).increment(1);
}

/// A job that is being imported, until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Importing(());

/// An import begins.
pub fn importing() -> Importing {
    gauge!(names::IMPORTS.name).increment(1.0);
    Importing(())
}

impl Drop for Importing {
    fn drop(&mut self) {
        gauge!(names::IMPORTS.name).decrement(1.0);
    }
}

/// Jobs came to their end.
pub fn jobs_ended(status: JobStatus, reason: Option<FailureReason>, jobs: u64) {
    let status = status.as_str();
    // To Prometheus an empty label is none.
    let reason = reason.map_or("", FailureReason::as_str);
    counter!(names::JOBS_ENDED.name, "status" => status, "reason" => reason).increment(jobs);
}

/// The jobs that have not ended; `None`: nobody knows.
pub fn backlog(backlog: Option<Backlog>) {
    let unknown = Backlog {
        jobs: Backlog::STATUSES.map(|status| (status, f64::NAN)),
        oldest_pending: f64::NAN,
        oldest_unmoved: f64::NAN,
    };
    let backlog = backlog.unwrap_or(unknown);
    for (status, jobs) in backlog.jobs {
        gauge!(names::JOBS.name, "status" => status.as_str()).set(jobs);
    }
    gauge!(names::OLDEST_PENDING.name).set(backlog.oldest_pending);
    gauge!(names::OLDEST_UNMOVED.name).set(backlog.oldest_unmoved);
}

/// A job was taken over from a worker whose lease had run out.
pub fn lease_taken_over() {
    counter!(names::LEASE_TAKEOVERS.name).increment(1);
}

/// A lease of this process was lost.
pub fn lease_lost() {
    counter!(names::LEASES_LOST.name).increment(1);
}

/// A duty's round failed.
pub fn duty_failed(duty: &'static str) {
    counter!(names::DUTY_FAILURES.name, "duty" => duty).increment(1);
}

/// How the database's connections are used.
pub fn database_connections(in_use: u32, idle: u32, most: u32) {
    for (state, connections) in [("in_use", in_use), ("idle", idle)] {
        gauge!(names::DATABASE_CONNECTIONS.name, "state" => state).set(connections);
    }
    gauge!(names::DATABASE_CONNECTIONS_MOST.name).set(most);
}

/// Work waited for a connection, and got it or did not.
pub fn database_waited(time: Duration, got_it: bool) {
    histogram!(names::DATABASE_WAIT_SECONDS.name).record(time);
    if !got_it {
        counter!(names::DATABASE_WAIT_FAILURES.name).increment(1);
    }
}

impl Backlog {
    /// The statuses that it counts: a job in any other has ended.
    pub const STATUSES: [JobStatus; 4] = [
        JobStatus::Created,
        JobStatus::Pending,
        JobStatus::InProgress,
        JobStatus::Stopping,
    ];
}
