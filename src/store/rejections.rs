//! Reports: the rows of a job that were not imported.

use super::copy::CopyRows;
use super::lanes::JobKey;
use super::{Database, Transaction, signed, unknown_word, unsigned};
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

/// Takes the rows of [`insert`].
const COPY: &str = "COPY rejected_rows (user_pool_id, job_id, line, code, column_name, detail)
     FROM STDIN (FORMAT binary)";
const COLUMNS: i16 = 6;

/// Keeps why rows of a batch were not imported. Best by line: the index is then
/// filled in its order.
///
/// # Errors
/// Unavailable without a database.
pub async fn insert<'a>(
    tx: &mut Transaction,
    job: &JobKey,
    rejections: impl Iterator<Item = &'a Rejection>,
) -> Result<(), Error> {
    let mut rows = CopyRows::default();
    for rejection in rejections {
        rows.row(COLUMNS);
        rows.value(job.user_pool_id.as_str());
        rows.value(job.job_id.0.as_bytes());
        rows.value(signed(rejection.line)?.to_be_bytes());
        rows.value(rejection.code.as_str());
        rows.maybe(rejection.column.as_deref());
        rows.maybe(
            rejection
                .detail
                .map(signed)
                .transpose()?
                .map(i64::to_be_bytes),
        );
    }
    if rows.is_empty() {
        return Ok(());
    }
    let mut rows = Some(rows.finish());
    tx.connection()
        .copy(COPY, |piece| {
            rows.take().is_some_and(|rows| {
                *piece = rows;
                true
            })
        })
        .await?;
    Ok(())
}
