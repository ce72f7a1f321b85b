//! Every metric by its name, with what it means. Alerts, the dashboard and
//! `docs/operations.md` name them, so a name is as good as a promise.

/// What kind of number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Grows only, from 0 at the start of the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Times in seconds, by [`BUCKETS`].
    Histogram,
}

/// A metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// As Prometheus has it.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// What it means.
    pub help: &'static str,
}

/// Upper bounds of the buckets of all histograms, in seconds: from a wait for a
/// free connection to the upload of a large file.
pub const BUCKETS: [f64; 16] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    300.0,
];

macro_rules! metrics {
    ($($constant:ident $kind:ident $name:literal $help:literal)*) => {
        $(
            #[doc = $help]
            pub const $constant: Metric = Metric { name: $name, kind: Kind::$kind, help: $help };
        )*
        /// All metrics.
        pub const ALL: &[Metric] = &[$($constant),*];
    };
}

metrics! {
    BUILD_INFO Gauge "muster_build_info"
        "Always 1; the labels say which program this is, and its version."
    READY Gauge "muster_ready"
        "1 while the process is ready for its work, else 0, by service: server or scheduler."
    CALLS Counter "muster_calls_total"
        "Calls that were answered, by front (grpc, aws, http), method and code. CANCELLED: the caller hung up."
    CALL_SECONDS Histogram "muster_call_seconds"
        "How long calls took, by front and method; a stream to its end, a download to its beginning."
    CALLS_IN_FLIGHT Gauge "muster_calls_in_flight"
        "Calls that are being answered, by front."
    UPLOADS Counter "muster_uploads_total"
        "Uploads that began with a good signature, by result: kept, or refused (also: cut off). Those to an object store, when Start looks at them."
    UPLOAD_BYTES Counter "muster_upload_bytes_total"
        "Bytes of uploads, as they came in; of those to an object store, at Start."
    ROWS Counter "muster_rows_total"
        "Rows that this process accounted for, by outcome: imported, skipped, failed."
    BATCH_SECONDS Histogram "muster_batch_seconds"
        "How long the transaction of a batch took, by path: plain, without_known, row_by_row, or no_users."
    BATCH_RETRIES Counter "muster_batch_retries_total"
        "Batches that were tried again because the database was away or busy."
    IMPORTS Gauge "muster_imports"
        "Jobs that this process is importing."
    JOBS Gauge "muster_jobs"
        "Jobs of the whole installation that have not ended, by status; counted up to 10,000 each. NaN while the database is away."
    JOBS_ENDED Counter "muster_jobs_ended_total"
        "Jobs that this process ended, by status, and by reason where that is FAILED."
    OLDEST_PENDING Gauge "muster_oldest_pending_seconds"
        "How long ago the oldest PENDING job was started; 0 without one. NaN while the database is away."
    OLDEST_UNMOVED Gauge "muster_oldest_unmoved_seconds"
        "How long ago the job that is being imported and has stood still the longest got on; 0 without one. NaN while the database is away."
    LEASE_TAKEOVERS Counter "muster_lease_takeovers_total"
        "Jobs that this process took over from a worker whose lease had run out."
    LEASES_LOST Counter "muster_leases_lost_total"
        "Jobs that this process lost to another worker, or in a crash of the database."
    DUTY_FAILURES Counter "muster_duty_failures_total"
        "Rounds of the scheduler's duties that failed, by duty."
    DATABASE_CONNECTIONS Gauge "muster_database_connections"
        "Open connections of the pool, by state: in_use, idle."
    DATABASE_CONNECTIONS_MOST Gauge "muster_database_connections_max"
        "Most connections that the pool opens."
    DATABASE_WAIT_SECONDS Histogram "muster_database_wait_seconds"
        "How long work waited for a connection of the pool."
    DATABASE_WAIT_FAILURES Counter "muster_database_wait_failures_total"
        "Times that work got no connection: the pool was busy for too long, or the database away."
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unlike_each_other_and_say_what_they_count() {
        let names: BTreeSet<_> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len());
        for metric in ALL {
            let name = metric.name;
            assert!(name.starts_with("muster_"), "{name}");
            assert_eq!(
                metric.kind == Kind::Counter,
                name.ends_with("_total"),
                "{name}"
            );
            assert!(
                metric.kind != Kind::Histogram || name.ends_with("_seconds"),
                "{name}"
            );
            assert!(metric.help.ends_with('.'), "{name}");
        }
    }
}
