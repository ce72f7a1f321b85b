//! How a job ended: counters, the first rejected rows, and the last word.

use std::fmt;

use super::failure::Failure;
use super::jobs::JobRef;
use super::session::Session;
use super::tables;
use super::text::one_line;
use crate::api::v1::{ListRejectedRowsRequest, RejectedRow, UserImportJob};

/// How many rejected rows are shown.
const SHOWN: i32 = 10;

/// The first rejected rows of a job, if it has any.
///
/// # Errors
///
/// When the server refuses.
pub async fn first_rejected(
    session: &Session,
    job: &JobRef,
    ended: &UserImportJob,
) -> Result<Vec<RejectedRow>, Failure> {
    if rejected(ended) == 0 {
        return Ok(Vec::new());
    }
    let request = ListRejectedRowsRequest {
        user_pool_id: job.pool.clone(),
        job_id: job.job_id.clone(),
        page_size: SHOWN,
        page_token: String::new(),
    };
    let answer = session.imports().list_rejected_rows(request).await?;
    Ok(answer.into_inner().rejected_rows)
}

const fn rejected(job: &UserImportJob) -> i64 {
    job.skipped_users.saturating_add(job.failed_users)
}

/// A job that has ended, as text.
pub struct Summary<'a> {
    /// For the command lines that show more.
    pub session: &'a Session,
    /// The job.
    pub job: &'a UserImportJob,
    /// Its first rejected rows.
    pub rows: &'a [RejectedRow],
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let job = JobRef {
            pool: self.job.user_pool_id.clone(),
            job_id: self.job.job_id.clone(),
        };
        let command = |rest: &str| self.session.command(&format!("jobs rejected {job} {rest}"));
        write(f, self.job, self.rows, &command)
    }
}

fn write(
    f: &mut dyn fmt::Write,
    job: &UserImportJob,
    rows: &[RejectedRow],
    command: &dyn Fn(&str) -> String,
) -> fmt::Result {
    writeln!(f, "{}\n", tables::counters(job))?;
    if !rows.is_empty() {
        writeln!(f, "{}\n", tables::rejected_rows(rows))?;
        let all = i64::try_from(rows.len()).is_ok_and(|shown| shown >= rejected(job));
        if !all {
            writeln!(
                f,
                "{} of {} rejected rows. All:  {}",
                rows.len(),
                rejected(job),
                command("--all")
            )?;
        }
        writeln!(
            f,
            "To mend and import again:  {}\n",
            command("--csv rejected.csv")
        )?;
    }
    write!(f, "{}", tables::status(job))?;
    if !job.completion_message.is_empty() {
        write!(f, ": {}", one_line(&job.completion_message))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1::{RejectedRowOutcome, UserImportJobStatus};

    #[test]
    fn a_summary_shows_counters_rows_commands_and_the_last_word() {
        let job = UserImportJob {
            status: UserImportJobStatus::Succeeded.into(),
            imported_users: 9_997,
            skipped_users: 2,
            failed_users: 1,
            completion_message: "Import Job Completed Successfully.".to_owned(),
            ..Default::default()
        };
        let rows = [
            RejectedRow {
                line_number: 12,
                outcome: RejectedRowOutcome::Failed.into(),
                code: "INVALID_EMAIL".to_owned(),
                column: "email".to_owned(),
                message: "The value is no email address.".to_owned(),
            },
            RejectedRow {
                line_number: 1040,
                outcome: RejectedRowOutcome::Skipped.into(),
                code: "USER_ALREADY_EXISTS".to_owned(),
                column: String::new(),
                message: "The user already exists.".to_owned(),
            },
        ];
        let mut out = String::new();
        write(&mut out, &job, &rows, &|rest| format!("muster … {rest}")).unwrap();
        snapbox::assert_data_eq!(
            out,
            snapbox::str![[r#"
ROWS
imported  9997
skipped      2
failed       1

LINE  OUTCOME  CODE                 COLUMN  MESSAGE
  12  FAILED   INVALID_EMAIL        email   The value is no email address.
1040  SKIPPED  USER_ALREADY_EXISTS          The user already exists.

2 of 3 rejected rows. All:  muster … --all
To mend and import again:  muster … --csv rejected.csv

SUCCEEDED: Import Job Completed Successfully.
"#]]
        );
    }
}
