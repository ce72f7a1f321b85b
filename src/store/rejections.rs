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
            column: r.column_name.map(Into::into),
            detail: r.detail.map(unsigned).transpose()?,
        })
    })
    .collect()
}

/// From so many rows on they are copied. Fewer go in one message: a COPY takes
/// two, and without TCP_NODELAY, which sqlx 0.9.0 does not set, the second may
/// wait 40 ms for the acknowledgement of the first.
const MANY: usize = 500;
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
    rejections: impl ExactSizeIterator<Item = &'a Rejection>,
) -> Result<(), Error> {
    match rejections.len() {
        0 => Ok(()),
        1..MANY => insert_few(tx, job, rejections).await,
        _ => copy(tx, job, rejections).await,
    }
}

async fn insert_few<'a>(
    tx: &mut Transaction,
    job: &JobKey,
    rejections: impl Iterator<Item = &'a Rejection>,
) -> Result<(), Error> {
    let (mut lines, mut codes) = (Vec::new(), Vec::new());
    let (mut columns, mut details) = (Vec::new(), Vec::new());
    for rejection in rejections {
        lines.push(signed(rejection.line)?);
        codes.push(rejection.code.as_str());
        columns.push(rejection.column.as_deref());
        details.push(rejection.detail.map(signed).transpose()?);
    }
    sqlx::query!(
        "INSERT INTO rejected_rows (user_pool_id, job_id, line, code, column_name, detail)
         SELECT $1, $2, line, code, column_name, detail
         FROM UNNEST($3::bigint[], $4::text[], $5::text[], $6::bigint[])
             AS r (line, code, column_name, detail)",
        job.user_pool_id.as_str(),
        job.job_id.0,
        &lines,
        &codes[..] as _,
        &columns[..] as _,
        &details[..] as _,
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn copy<'a>(
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
