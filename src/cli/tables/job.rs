//! Jobs and their rejected rows.

use super::{cell, enum_name, fields, number, rendered, set, table};
use crate::api::v1::{RejectedRow, UserImportJob};
use crate::cli::text::time;

/// The jobs, a line each.
#[must_use]
pub fn jobs(jobs: &[UserImportJob]) -> String {
    let mut table = table(&[
        "JOB ID", "NAME", "STATUS", "IMPORTED", "SKIPPED", "FAILED", "CREATED",
    ]);
    for job in jobs {
        table.add_row([
            cell(&job.job_id),
            cell(&job.job_name),
            cell(status(job)),
            number(job.imported_users),
            number(job.skipped_users),
            number(job.failed_users),
            cell(&time(job.creation_date)),
        ]);
    }
    rendered(&table)
}

/// One job, a line for each field that has a value.
#[must_use]
pub fn job(job: &UserImportJob) -> String {
    let count = |n: Option<i64>| n.map_or_else(String::new, |n| n.to_string());
    fields(&[
        ("job id", job.job_id.clone()),
        ("name", job.job_name.clone()),
        ("user pool", job.user_pool_id.clone()),
        ("status", status(job).to_owned()),
        ("imported", job.imported_users.to_string()),
        ("skipped", job.skipped_users.to_string()),
        ("failed", job.failed_users.to_string()),
        ("total rows", count(job.total_rows)),
        ("processed bytes", job.processed_bytes.to_string()),
        ("total bytes", count(job.total_bytes)),
        ("max rejected", format!("{} %", job.max_rejected_percent)),
        ("password hashes", algorithm(job).to_owned()),
        ("created", time(job.creation_date)),
        ("started", time(job.start_date)),
        ("completed", time(job.completion_date)),
        ("expires", expiry(job)),
        ("message", job.completion_message.clone()),
        ("failure reason", failure_reason(job).to_owned()),
        ("logs role", job.cloud_watch_logs_role_arn.clone()),
        ("upload URL", job.pre_signed_url.clone()),
    ])
}

/// The three counters of a job.
#[must_use]
pub fn counters(job: &UserImportJob) -> String {
    let mut table = table(&["ROWS", ""]);
    for (name, count) in [
        ("imported", job.imported_users),
        ("skipped", job.skipped_users),
        ("failed", job.failed_users),
    ] {
        table.add_row([cell(name), number(count)]);
    }
    rendered(&table)
}

/// Rejected rows, a line each.
#[must_use]
pub fn rejected_rows(rows: &[RejectedRow]) -> String {
    let mut table = table(&["LINE", "OUTCOME", "CODE", "COLUMN", "MESSAGE"]);
    for row in rows {
        table.add_row([
            number(row.line_number),
            cell(enum_name(
                row.outcome().as_str_name(),
                "REJECTED_ROW_OUTCOME_",
            )),
            cell(&row.code),
            cell(&row.column),
            cell(&row.message),
        ]);
    }
    rendered(&table)
}

/// Where a job is in its life, in a word.
#[must_use]
pub fn status(job: &UserImportJob) -> &'static str {
    enum_name(job.status().as_str_name(), "USER_IMPORT_JOB_STATUS_")
}

fn failure_reason(job: &UserImportJob) -> &'static str {
    set(job.failure_reason().as_str_name(), "FAILURE_REASON_")
}

fn algorithm(job: &UserImportJob) -> &'static str {
    let name = job.password_hashing_algorithm().as_str_name();
    set(name, "PASSWORD_HASHING_ALGORITHM_")
}

/// When the job expires, while that can still happen.
fn expiry(job: &UserImportJob) -> String {
    match job.start_date {
        Some(_) => String::new(),
        None => time(job.expires_at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1::{FailureReason, UserImportJobStatus};

    fn failed_job() -> UserImportJob {
        UserImportJob {
            job_name: "june\u{1b}[31m\nimport".to_owned(),
            job_id: "import-1".to_owned(),
            user_pool_id: "local_a".to_owned(),
            creation_date: Some(prost_types::Timestamp {
                seconds: 1_750_000_000,
                nanos: 5,
            }),
            status: UserImportJobStatus::Failed.into(),
            imported_users: 12_345,
            failure_reason: FailureReason::InvalidHeader.into(),
            max_rejected_percent: 50,
            total_bytes: Some(0),
            ..Default::default()
        }
    }

    #[test]
    fn a_job_is_shown_without_what_it_lacks_and_with_zeros() {
        snapbox::assert_data_eq!(
            job(&failed_job()),
            snapbox::str![[r#"
job id           import-1
name             june [31m import
user pool        local_a
status           FAILED
imported         12345
skipped          0
failed           0
processed bytes  0
total bytes      0
max rejected     50 %
created          2025-06-15T15:06:40Z
failure reason   INVALID_HEADER
"#]]
        );
    }

    #[test]
    fn jobs_are_a_line_each() {
        snapbox::assert_data_eq!(
            jobs(&[failed_job()]),
            snapbox::str![[r#"
JOB ID    NAME              STATUS  IMPORTED  SKIPPED  FAILED  CREATED
import-1  june [31m import  FAILED     12345        0       0  2025-06-15T15:06:40Z
"#]]
        );
        assert_eq!(jobs(&[]).lines().count(), 1);
    }
}
