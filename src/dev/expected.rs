//! What the demo's file must come to, row by row.

use serde::Deserialize;

use crate::api::v1::{RejectedRow, UserImportJob, UserImportJobStatus};

/// The users who do not exist, of `examples/`.
pub const USERS: &[u8] = include_bytes!("../../examples/users.csv");
const EXPECTED: &str = include_str!("../../examples/users.expected.json");

/// What an import must come to.
#[derive(Debug, Deserialize)]
pub struct Expected {
    imported: i64,
    skipped: i64,
    failed: i64,
    /// By line number.
    rejected: Vec<Rejected>,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
struct Rejected {
    line: i64,
    code: String,
}

impl Expected {
    /// What the import of [`USERS`] must come to.
    pub fn of_users() -> serde_json::Result<Self> {
        serde_json::from_str(EXPECTED)
    }

    /// Every difference to what came of it, in words.
    pub fn differences(&self, job: &UserImportJob, rows: &[RejectedRow]) -> Vec<String> {
        let status = (job.status() != UserImportJobStatus::Succeeded)
            .then(|| format!("the job is {}", job.status().as_str_name()));
        let counts = [
            ("imported", self.imported, job.imported_users),
            ("skipped", self.skipped, job.skipped_users),
            ("failed", self.failed, job.failed_users),
        ]
        .into_iter()
        .filter(|(_, expected, found)| expected != found)
        .map(|(what, expected, found)| format!("{what}: expected {expected}, found {found}"));
        let found: Vec<Rejected> = rows
            .iter()
            .map(|row| Rejected {
                line: row.line_number,
                code: row.code.clone(),
            })
            .collect();
        let missing = only_in(&self.rejected, &found, "expected, and not found");
        let surplus = only_in(&found, &self.rejected, "found, and not expected");
        status
            .into_iter()
            .chain(counts)
            .chain(missing)
            .chain(surplus)
            .collect()
    }
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} imported, {} skipped, {} failed, and every line and code of those",
            self.imported, self.skipped, self.failed
        )
    }
}

fn only_in<'a>(
    these: &'a [Rejected],
    those: &'a [Rejected],
    what: &'a str,
) -> impl Iterator<Item = String> + 'a {
    // Counted, so that a row that is reported twice is a difference as well.
    let times = |rows: &[Rejected], row: &Rejected| rows.iter().filter(|r| *r == row).count();
    these
        .iter()
        .enumerate()
        .filter(move |(at, row)| times(&these[..=*at], row) > times(those, row))
        .map(move |(_, row)| format!("line {}: {} {what}", row.line, row.code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: i64, code: &str) -> RejectedRow {
        RejectedRow {
            line_number: line,
            code: code.to_owned(),
            ..Default::default()
        }
    }

    fn expected() -> Expected {
        serde_json::from_str(
            r#"{"imported": 5, "skipped": 1, "failed": 1, "rejected": [
                {"line": 3, "code": "INVALID_EMAIL"}, {"line": 4, "code": "DUPLICATE_IN_FILE"}]}"#,
        )
        .unwrap()
    }

    fn job() -> UserImportJob {
        UserImportJob {
            status: UserImportJobStatus::Succeeded.into(),
            imported_users: 5,
            skipped_users: 1,
            failed_users: 1,
            ..Default::default()
        }
    }

    #[test]
    fn what_is_as_expected_has_no_differences() {
        let rows = [row(4, "DUPLICATE_IN_FILE"), row(3, "INVALID_EMAIL")];
        assert_eq!(expected().differences(&job(), &rows), [""; 0]);
    }

    #[test]
    fn every_difference_is_told() {
        let job = UserImportJob {
            status: UserImportJobStatus::Failed.into(),
            imported_users: 4,
            ..job()
        };
        let rows = [
            row(4, "DUPLICATE_IN_FILE"),
            row(4, "DUPLICATE_IN_FILE"),
            row(3, "X"),
        ];
        assert_eq!(
            expected().differences(&job, &rows),
            [
                "the job is USER_IMPORT_JOB_STATUS_FAILED",
                "imported: expected 5, found 4",
                "line 3: INVALID_EMAIL expected, and not found",
                "line 4: DUPLICATE_IN_FILE found, and not expected",
                "line 3: X found, and not expected",
            ]
        );
    }

    #[test]
    fn the_expectations_add_up_to_the_file() {
        let expected = Expected::of_users().unwrap();
        let rejected = i64::try_from(expected.rejected.len()).unwrap();
        assert_eq!(expected.skipped + expected.failed, rejected);
        assert!(USERS.starts_with(b"name,given_name,"));
    }
}
