//! Reports: the rows of a job that were not imported.

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

/// Keeps why rows of a batch were not imported.
///
/// # Errors
/// Unavailable without a database.
pub async fn insert(
    tx: &mut Transaction,
    job: &JobKey,
    rejections: &[Rejection],
) -> Result<(), Error> {
    if rejections.is_empty() {
        return Ok(());
    }
    let lines: Vec<i64> = rejections
        .iter()
        .map(|r| signed(r.line))
        .collect::<Result<_, _>>()?;
    let codes: Vec<&str> = rejections.iter().map(|r| r.code.as_str()).collect();
    let columns: Vec<Option<&str>> = rejections.iter().map(|r| r.column.as_deref()).collect();
    let details: Vec<Option<i64>> = rejections
        .iter()
        .map(|r| r.detail.map(signed).transpose())
        .collect::<Result<_, _>>()?;
    sqlx::query!(
        "INSERT INTO rejected_rows (user_pool_id, job_id, line, code, column_name, detail)
         SELECT $1, $2, r.line, r.code, r.column_name, r.detail
         FROM UNNEST($3::bigint[], $4::text[], $5::text[], $6::bigint[])
             AS r (line, code, column_name, detail)",
        job.user_pool_id.as_str(),
        job.job_id.0,
        &lines[..] as _,
        &codes[..] as _,
        &columns[..] as _,
        &details[..] as _,
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
