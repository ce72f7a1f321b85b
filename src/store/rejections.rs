//! Reports: the rows of a job that were not imported.

use super::{Database, signed, unknown_word, unsigned};
use crate::domain::error::Error;
use crate::domain::ids::{JobId, UserPoolId};
use crate::domain::rejection::{Rejection, RejectionCode};

/// Rejected rows of a job by line number, from after a line.
///
/// # Errors
/// Unavailable without a database.
pub async fn list(
    db: &Database,
    pool: &UserPoolId,
    job: JobId,
    after: u64,
    limit: i64,
) -> Result<Vec<Rejection>, Error> {
    sqlx::query!(
        "SELECT line, code, column_name, detail FROM rejected_rows
         WHERE user_pool_id = $1 AND job_id = $2 AND line > $3
         ORDER BY line LIMIT $4",
        pool.as_str(),
        job.0,
        signed(after)?,
        limit,
    )
    .fetch_all(&db.pool)
    .await?
    .into_iter()
    .map(|r| {
        Ok(Rejection {
            line: unsigned(r.line)?,
            code: RejectionCode::from_name(&r.code).ok_or_else(|| unknown_word("code"))?,
            column: r.column_name,
            detail: r.detail.map(unsigned).transpose()?,
        })
    })
    .collect()
}
