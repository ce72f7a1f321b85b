//! The rules that a server applies to pools and jobs.

use std::time::Duration;

use clap::Args;
use url::Url;

use super::{FileLimits, values};
use crate::operations::Settings;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// The longest that S3 signs for.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
const TIB: u64 = 1 << 40;

/// The rules that a server applies to pools and jobs.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Jobs and calls")]
pub struct JobRules {
    /// How long a job may wait for its start, 1m to 48h
    #[arg(
        long,
        env = "MUSTER_EXPIRE_AFTER",
        hide_env_values = true,
        default_value = "24h",
        value_name = "DURATION",
        value_parser = values::duration(MINUTE, 48 * HOUR)
    )]
    expire_after: Duration,
    /// How long an upload URL is good
    #[arg(
        long,
        env = "MUSTER_UPLOAD_URL_TTL",
        hide_env_values = true,
        default_value = "15m",
        value_name = "DURATION",
        value_parser = values::duration(Duration::from_secs(1), WEEK)
    )]
    upload_url_ttl: Duration,
    /// Largest upload, in bytes or with a unit (KiB, MiB, GiB; KB, MB, GB)
    #[arg(
        long,
        env = "MUSTER_MAX_UPLOAD_BYTES",
        hide_env_values = true,
        default_value = "5GiB",
        value_name = "BYTES",
        value_parser = values::bytes(1, TIB)
    )]
    max_upload_bytes: u64,
    /// Most jobs of a pool, those that have ended included, those deleted not
    #[arg(
        long,
        env = "MUSTER_MAX_JOBS_PER_POOL",
        hide_env_values = true,
        default_value = "1000",
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=100_000_000)
    )]
    max_jobs_per_pool: u32,
    /// What the ids of new pools begin with
    #[arg(
        long,
        env = "MUSTER_REGION",
        hide_env_values = true,
        default_value = "local",
        value_parser = values::region
    )]
    region: String,
    /// Longest time of one call; streams and uploads have no such limit
    #[arg(
        long,
        env = "MUSTER_REQUEST_TIMEOUT",
        hide_env_values = true,
        default_value = "30s",
        value_name = "DURATION",
        value_parser = values::duration(Duration::from_millis(100), 10 * MINUTE)
    )]
    pub request_timeout: Duration,
}

impl JobRules {
    /// The rules of the operations, for callers who reach `public_url`.
    #[must_use]
    pub fn settings(&self, limits: &FileLimits, public_url: Url) -> Settings {
        Settings {
            expire_after: self.expire_after,
            upload_url_ttl: self.upload_url_ttl,
            max_upload_bytes: self.max_upload_bytes,
            max_rows: limits.max_rows,
            max_row_chars: limits.max_row_chars,
            max_jobs_per_pool: self.max_jobs_per_pool,
            public_url,
            region: self.region.clone(),
        }
    }
}
