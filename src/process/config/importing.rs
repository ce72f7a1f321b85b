//! How a scheduler imports.

use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;

use super::{FileLimits, values};
use crate::scheduler::SchedulerSettings;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
/// Ten years: more would be another word for never.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
const KIB: u64 = 1 << 10;

/// What the duties take beside the lanes.
const DUTY_CONNECTIONS: u32 = 2;

/// How a scheduler imports.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Importing")]
pub struct ImportingArgs {
    /// Jobs that this process imports at once
    #[arg(
        long,
        env = "MUSTER_IMPORT_JOBS",
        hide_env_values = true,
        default_value = "4",
        value_name = "N",
        value_parser = RangedU64ValueParser::<u16>::new().range(1..=64)
    )]
    import_jobs: u16,
    /// Most connections over which one job is imported
    #[arg(
        long,
        env = "MUSTER_IMPORT_LANES",
        hide_env_values = true,
        default_value = "2",
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..=64)
    )]
    import_lanes: u16,
    /// Bytes of a file for each of those connections: a small file has one. With a unit: KiB, MiB
    #[arg(
        long,
        env = "MUSTER_LANE_BYTES",
        hide_env_values = true,
        default_value = "1MiB",
        value_name = "BYTES",
        value_parser = values::bytes(1, KIB * KIB * KIB * KIB)
    )]
    lane_bytes: u64,
    /// How long a job stays with a process that gives no sign of life
    #[arg(
        long,
        env = "MUSTER_LEASE",
        hide_env_values = true,
        default_value = "30s",
        value_name = "DURATION",
        value_parser = values::duration(SECOND, 10 * MINUTE)
    )]
    lease: Duration,
    /// Workers that a job may lose in a row without a row written; then it is FAILED
    #[arg(
        long,
        env = "MUSTER_MAX_LOST_WORKERS",
        hide_env_values = true,
        default_value = "5",
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=1_000)
    )]
    max_lost_workers: u32,
    /// How often to look for work that nothing has announced
    #[arg(
        long,
        env = "MUSTER_POLL",
        hide_env_values = true,
        default_value = "1s",
        value_name = "DURATION",
        value_parser = values::duration(Duration::from_millis(10), MINUTE)
    )]
    poll: Duration,
    /// How long uploaded files are kept once their job has ended; 0 deletes them at once
    #[arg(
        long,
        env = "MUSTER_RETAIN_UPLOAD",
        hide_env_values = true,
        default_value = "7d",
        value_name = "DURATION",
        value_parser = values::duration(Duration::ZERO, LONGEST)
    )]
    retain_upload: Duration,
    /// Most rows of a batch, which is one transaction; fewer while the database is slow
    #[arg(
        long,
        env = "MUSTER_BATCH_ROWS",
        hide_env_values = true,
        default_value = "100000",
        value_name = "N",
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=100_000)
    )]
    batch_rows: usize,
    /// Most bytes of a batch, shared out among the jobs that are imported at once and their lanes;
    /// the process takes more than twice as much memory. With a unit: KiB, MiB
    #[arg(
        long,
        env = "MUSTER_BATCH_BYTES",
        hide_env_values = true,
        default_value = "64MiB",
        value_name = "BYTES",
        value_parser = values::bytes(KIB, 64 * KIB * KIB)
    )]
    batch_bytes: u64,
}

impl ImportingArgs {
    /// What the scheduler goes by.
    #[must_use]
    pub fn settings(&self, limits: &FileLimits) -> SchedulerSettings {
        SchedulerSettings {
            lanes: self.import_lanes,
            lane_bytes: self.lane_bytes,
            max_jobs: self.import_jobs.into(),
            lease: self.lease,
            poll: self.poll,
            retain_upload: self.retain_upload,
            batch_rows: self.batch_rows,
            // 64 MiB at most.
            batch_bytes: usize::try_from(self.batch_bytes).unwrap_or(usize::MAX),
            max_fruitless: self.max_lost_workers,
            max_row_chars: limits.max_row_chars,
            max_rows: limits.max_rows,
        }
    }

    /// The connections without which lanes would wait for one another, and
    /// those with which nothing waits.
    #[must_use]
    pub fn connections(&self) -> (u32, u32) {
        let lanes = u32::from(self.import_jobs) * u32::from(self.import_lanes);
        (lanes + DUTY_CONNECTIONS, lanes + 2 * DUTY_CONNECTIONS)
    }

    /// How old the last turn of a duty may be before it counts as stalled.
    #[must_use]
    pub fn stalled_after(&self) -> Duration {
        // The sweeps pause for up to 30 s even where the poll is short.
        (5 * self.poll).max(45 * SECOND)
    }

    /// How old it may be before the process counts as dead. A round whose
    /// statements take as long as they may is slow, and no restart would help.
    #[must_use]
    pub fn dead_after(&self, statement_timeout: Duration) -> Duration {
        self.stalled_after() + 5 * statement_timeout
    }
}
