//! How far a job is, how fast, and how long still. The time is a parameter.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::tables::status;
use super::text;
use crate::api::v1::{UserImportJob, UserImportJobStatus};

/// Speeds are averages over about this long, so that they neither jump with
/// each batch nor remember a pause for ever.
const WINDOW: Duration = Duration::from_secs(10);

/// How fast a count grows.
#[derive(Debug, Default)]
pub struct Rate {
    /// Oldest first. The first is the last one at or before the window's start.
    samples: VecDeque<(Duration, u64)>,
}

impl Rate {
    /// Takes note of the count at a time since any fixed one. Times do not run
    /// backwards.
    pub fn observe(&mut self, at: Duration, count: u64) {
        self.samples.push_back((at, count));
        let start = at.saturating_sub(WINDOW);
        while self.samples.get(1).is_some_and(|(t, _)| *t <= start) {
            self.samples.pop_front();
        }
    }

    /// Growth per second; `None` until there is something to compare.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rate is an estimate")]
    pub fn per_second(&self) -> Option<f64> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let seconds = last.0.saturating_sub(first.0).as_secs_f64();
        (seconds > 0.0).then(|| last.1.saturating_sub(first.1) as f64 / seconds)
    }

    /// The time until so much more has been counted; `None` while it does not grow.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub fn time_for(&self, more: u64) -> Option<Duration> {
        let rate = self.per_second().filter(|rate| *rate > 0.0)?;
        Duration::try_from_secs_f64(more as f64 / rate).ok()
    }
}

/// Turns the answers about one job into [`Snapshot`]s.
#[derive(Debug, Default)]
pub struct JobMeter {
    rows: Rate,
    bytes: Rate,
}

impl JobMeter {
    /// Where the job is at that time.
    pub fn observe(&mut self, job: &UserImportJob, at: Duration) -> Snapshot {
        let unsigned = |n: i64| u64::try_from(n).unwrap_or(0);
        let (skipped, failed) = (unsigned(job.skipped_users), unsigned(job.failed_users));
        let rows = unsigned(job.imported_users)
            .saturating_add(skipped)
            .saturating_add(failed);
        let bytes = unsigned(job.processed_bytes);
        let total = job.total_bytes.map(unsigned).filter(|total| *total > 0);
        let running = job.status() == UserImportJobStatus::InProgress;
        if running {
            self.rows.observe(at, rows);
            self.bytes.observe(at, bytes);
        }
        Snapshot {
            status: status(job),
            rows,
            skipped,
            failed,
            bytes,
            total_bytes: total,
            rows_per_second: self.rows.per_second().filter(|_| running),
            // Rows are counted at the end only, bytes are known at the start.
            left: total
                .filter(|_| running)
                .and_then(|total| self.bytes.time_for(total.saturating_sub(bytes))),
        }
    }
}

/// Where a job is. `Display` is all of it but the share of bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The status, in a word.
    pub status: &'static str,
    /// Rows accounted for.
    pub rows: u64,
    /// Those of them that were skipped.
    pub skipped: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Bytes of the file that are accounted for.
    pub bytes: u64,
    /// Bytes of the file, once they are known and not 0.
    pub total_bytes: Option<u64>,
    /// How fast rows come in, while they do.
    pub rows_per_second: Option<f64>,
    /// How long it will take still, where that can be told.
    pub left: Option<Duration>,
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} rows", self.status, text::grouped(self.rows))?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", text::grouped(self.skipped))?;
        }
        if self.failed > 0 {
            write!(f, ", {} failed", text::grouped(self.failed))?;
        }
        if let Some(rate) = self.rows_per_second {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a rate is no negative number, and an estimate"
            )]
            write!(f, ", {} rows/s", text::grouped(rate.round() as u64))?;
        }
        if let Some(left) = self.left {
            write!(f, ", {} left", text::duration(left))?;
        }
        Ok(())
    }
}

/// The share in percent, rounded down: 100 means all.
#[must_use]
pub fn percent(part: u64, whole: u64) -> u64 {
    let share = u128::from(part) * 100 / u128::from(whole.max(1));
    u64::try_from(share.min(100)).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn job(imported: i64, bytes: i64) -> UserImportJob {
        UserImportJob {
            status: UserImportJobStatus::InProgress.into(),
            imported_users: imported,
            failed_users: 3,
            processed_bytes: bytes,
            total_bytes: Some(10_000),
            ..Default::default()
        }
    }

    #[test]
    fn a_rate_needs_two_times() {
        let mut rate = Rate::default();
        assert_eq!(rate.per_second(), None);
        rate.observe(seconds(1), 100);
        assert_eq!(rate.per_second(), None);
        rate.observe(seconds(3), 500);
        assert_eq!(rate.per_second(), Some(200.0));
        assert_eq!(rate.time_for(1000), Some(seconds(5)));
    }

    #[test]
    fn a_rate_forgets_what_is_longer_ago_than_the_window() {
        let mut rate = Rate::default();
        for (at, count) in [(0, 0), (1, 9_000), (11, 9_100), (12, 9_110)] {
            rate.observe(seconds(at), count);
        }
        assert_eq!(rate.per_second(), Some(10.0));
    }

    #[test]
    fn a_rate_falls_to_nothing_while_nothing_happens() {
        let mut rate = Rate::default();
        rate.observe(seconds(0), 0);
        rate.observe(seconds(1), 100);
        for at in 2..=20 {
            rate.observe(seconds(at), 100);
        }
        assert_eq!(rate.per_second(), Some(0.0));
        assert_eq!(rate.time_for(1), None);
    }

    #[test]
    fn a_job_taken_up_midway_is_not_credited_with_what_was_there() {
        let mut meter = JobMeter::default();
        let first = meter.observe(&job(5_000, 5_000), seconds(100));
        assert_eq!((first.rows_per_second, first.left), (None, None));
        let second = meter.observe(&job(6_000, 6_000), seconds(102));
        assert_eq!(second.rows_per_second, Some(500.0));
        assert_eq!(second.left, Some(seconds(8)));
        assert_eq!(
            second.to_string(),
            "IN_PROGRESS: 6,003 rows, 3 failed, 500 rows/s, 8 s left"
        );
    }

    #[test]
    fn a_job_that_does_not_run_has_no_speed() {
        let mut meter = JobMeter::default();
        meter.observe(&job(0, 0), seconds(0));
        meter.observe(&job(100, 100), seconds(1));
        let ended = UserImportJob {
            status: UserImportJobStatus::Succeeded.into(),
            ..job(200, 10_000)
        };
        assert_eq!(
            meter.observe(&ended, seconds(2)).to_string(),
            "SUCCEEDED: 203 rows, 3 failed"
        );
    }

    #[test]
    fn a_hundred_percent_means_all() {
        assert_eq!(percent(9_999, 10_000), 99);
        assert_eq!(percent(10_000, 10_000), 100);
        assert_eq!(percent(0, 0), 0);
        assert_eq!(percent(u64::MAX, u64::MAX), 100);
    }
}
