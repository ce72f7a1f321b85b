//! Files from upload to report: what becomes of each row, and of the job.

mod aliases;
mod duplicates;
mod lanes;
mod log;
mod outcomes;
mod passwords;
mod pools;
mod progress;
mod row_rules;
mod together;
mod unusable;
mod values;

use muster::domain::job::UserImportJob;
use muster::domain::rejection::{Rejection, RejectionCode};

use crate::support::muster::TestMuster;

/// Line, code and column of each rejected row of a job, by line.
async fn report(
    test: &TestMuster,
    job: &UserImportJob,
) -> Vec<(u64, RejectionCode, Option<String>)> {
    let rejections = test.rejections(job).await;
    rejections.into_iter().map(told).collect()
}

fn told(rejection: Rejection) -> (u64, RejectionCode, Option<String>) {
    let column = rejection.column.map(Into::into);
    (rejection.line, rejection.code, column)
}

/// As [`report`] answers it.
fn at(line: u64, code: RejectionCode, column: &str) -> (u64, RejectionCode, Option<String>) {
    (line, code, Some(column.to_owned()))
}
