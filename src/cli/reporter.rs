//! Who hears how things go: lines, JSON lines, or (in `bar`) a progress bar.

use std::io::{self, Write};
use std::time::Duration;

use super::json::{Json, compact};
use super::progress::{JobMeter, Snapshot, percent};
use super::text;
use crate::api::v1::{UserImportJob, WatchUserImportJobResponse};

/// Hears how an upload and a job go. Times are since the command began.
pub trait Reporter {
    /// So many of the upload's bytes are on their way.
    ///
    /// # Errors
    ///
    /// When it cannot be told.
    fn upload(&mut self, sent: u64, total: u64, at: Duration) -> io::Result<()>;

    /// The job as it now is. Also called about once a second when it has not changed.
    ///
    /// # Errors
    ///
    /// When it cannot be told.
    fn job(&mut self, job: &UserImportJob, at: Duration) -> io::Result<()>;

    /// Something worth a line of its own.
    ///
    /// # Errors
    ///
    /// When it cannot be told.
    fn note(&mut self, text: &str) -> io::Result<()>;
}

/// Lines for a log: each change of status, and otherwise at most one a second.
#[derive(Debug)]
pub struct Lines<W> {
    out: W,
    meter: JobMeter,
    upload: Option<(Duration, u64)>,
    job: Option<(Duration, Snapshot)>,
}

/// The least time between two lines that say that things go on.
const PAUSE: Duration = Duration::from_secs(1);

impl<W: Write> Lines<W> {
    /// Writes the lines there.
    pub fn new(out: W) -> Self {
        Self {
            out,
            meter: JobMeter::default(),
            upload: None,
            job: None,
        }
    }
}

impl<W: Write> Reporter for Lines<W> {
    fn upload(&mut self, sent: u64, total: u64, at: Duration) -> io::Result<()> {
        let due = match self.upload {
            None => sent > 0 || total == 0,
            Some((_, before)) if before == sent => false,
            Some((last, _)) => sent == total || at.saturating_sub(last) >= PAUSE,
        };
        if !due {
            return Ok(());
        }
        self.upload = Some((at, sent));
        writeln!(
            self.out,
            "upload: {} of {} ({} %)",
            text::bytes(sent),
            text::bytes(total),
            if sent == total {
                100
            } else {
                percent(sent, total)
            },
        )
    }

    fn job(&mut self, job: &UserImportJob, at: Duration) -> io::Result<()> {
        let now = self.meter.observe(job, at);
        let due = match &self.job {
            None => true,
            Some((_, before)) if before.status != now.status => true,
            Some((last, before)) => {
                (before.rows, before.bytes) != (now.rows, now.bytes)
                    && at.saturating_sub(*last) >= PAUSE
            }
        };
        if !due {
            return Ok(());
        }
        match now.total_bytes.filter(|_| now.bytes > 0) {
            Some(total) => writeln!(self.out, "{now} ({} %)", percent(now.bytes, total))?,
            None => writeln!(self.out, "{now}")?,
        }
        self.job = Some((at, now));
        Ok(())
    }

    fn note(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }
}

/// The answers of a followed job as JSON, a line for each change.
#[derive(Debug)]
pub struct JsonLines<W, N> {
    out: W,
    notes: N,
    last: Option<UserImportJob>,
}

impl<W: Write, N: Write> JsonLines<W, N> {
    /// Writes the answers to `out`, and to `notes` what is no answer.
    pub const fn new(out: W, notes: N) -> Self {
        Self {
            out,
            notes,
            last: None,
        }
    }
}

impl<W: Write, N: Write> Reporter for JsonLines<W, N> {
    fn upload(&mut self, _: u64, _: u64, _: Duration) -> io::Result<()> {
        Ok(())
    }

    fn job(&mut self, job: &UserImportJob, _: Duration) -> io::Result<()> {
        if self.last.as_ref() == Some(job) {
            return Ok(());
        }
        self.last = Some(job.clone());
        let answer = WatchUserImportJobResponse {
            user_import_job: self.last.clone(),
        };
        let line = Json::of(&answer)
            .and_then(|json| compact(&json))
            .map_err(io::Error::other)?;
        writeln!(self.out, "{line}")
    }

    fn note(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.notes, "{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1::UserImportJobStatus;

    fn job(status: UserImportJobStatus, imported: i64) -> UserImportJob {
        UserImportJob {
            status: status.into(),
            imported_users: imported,
            processed_bytes: imported * 10,
            total_bytes: Some(10_000),
            ..Default::default()
        }
    }

    #[test]
    fn lines_are_a_second_apart_unless_the_status_changes() {
        use UserImportJobStatus::{InProgress, Pending, Succeeded};
        let mut out = Vec::new();
        let mut lines = Lines::new(&mut out);
        for (millis, status, imported) in [
            (0, Pending, 0),
            (900, Pending, 0),
            (2000, Pending, 0),
            (2100, InProgress, 0),
            (2600, InProgress, 100),
            (3100, InProgress, 200),
            (4100, InProgress, 200),
            (4200, InProgress, 500),
            (5200, InProgress, 500),
            (5300, Succeeded, 1000),
        ] {
            lines
                .job(&job(status, imported), Duration::from_millis(millis))
                .unwrap();
        }
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "PENDING: 0 rows\n\
             IN_PROGRESS: 0 rows\n\
             IN_PROGRESS: 200 rows, 200 rows/s, 4 s left (20 %)\n\
             IN_PROGRESS: 500 rows, 238 rows/s, 3 s left (50 %)\n\
             SUCCEEDED: 1,000 rows (100 %)\n"
        );
    }

    #[test]
    fn an_upload_always_ends_with_its_last_line() {
        let mut out = Vec::new();
        let mut lines = Lines::new(&mut out);
        for (millis, sent) in [(0, 0), (200, 500), (400, 900), (1300, 1500), (1400, 2000)] {
            lines
                .upload(sent, 2000, Duration::from_millis(millis))
                .unwrap();
        }
        lines.upload(2000, 2000, Duration::from_secs(9)).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "upload: 500 B of 2.0 kB (25 %)\n\
             upload: 1.5 kB of 2.0 kB (75 %)\n\
             upload: 2.0 kB of 2.0 kB (100 %)\n"
        );
    }

    #[test]
    fn json_lines_are_one_for_each_change() {
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        let mut lines = JsonLines::new(&mut out, &mut notes);
        for imported in [0, 0, 5] {
            let job = job(UserImportJobStatus::InProgress, imported);
            lines.job(&job, Duration::ZERO).unwrap();
        }
        lines.note("reconnecting").unwrap();
        let out = String::from_utf8(out).unwrap();
        let imported: Vec<serde_json::Value> = out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .map(|value: serde_json::Value| value["user_import_job"]["imported_users"].clone())
            .collect();
        assert_eq!(imported, ["0", "5"]);
        assert_eq!(notes, b"reconnecting\n");
    }
}
