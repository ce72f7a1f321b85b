//! Reports: the rows of a job that were not imported. Those of one reason that lie
//! close together are kept in one row of the table: one for each was a third of
//! the database's time where all rows were rejected.

mod chunk;

use super::lanes::JobKey;
use super::{Database, Transaction, signed, unsigned};
use crate::domain::error::Error;
use crate::domain::ids::{JobId, UserPoolId};
use crate::domain::rejection::Rejection;
use chunk::{Chunk, Chunks, span, span_start};

/// Chunks that are fetched first, and the most that are fetched at once: where
/// many rows are rejected, a few have a page; where hardly any, each has one row.
const FIRST: i64 = 4;
const MOST: i64 = 512;

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
    let limit = usize::try_from(limit).map_err(Error::internal)?;
    let mut found: Vec<Rejection> = Vec::new();
    let mut from = span_start(after);
    let mut present = span(after);
    let mut size = FIRST;
    loop {
        let chunks = fetch(db, pool, job, from, size).await?;
        let mut enough = (chunks.len() as i64) < size;
        for chunk in &chunks {
            // All of the spans before this one are whole.
            if span(chunk.first_line) > present {
                present = span(chunk.first_line);
                if found.len() >= limit {
                    enough = true;
                    break;
                }
            }
            chunk.rejections_after(after, &mut found)?;
            from = chunk.first_line + 1;
        }
        if enough {
            break;
        }
        size = (size * 2).min(MOST);
    }
    found.sort_unstable_by_key(|rejection| rejection.line);
    found.truncate(limit);
    Ok(found)
}

/// Chunks by their first line, from a line on.
async fn fetch(
    db: &Database,
    pool: &UserPoolId,
    job: JobId,
    from: u64,
    limit: i64,
) -> Result<Vec<Chunk>, Error> {
    sqlx::query!(
        r#"SELECT first_line, code, column_name, offsets,
               details AS "details: Vec<Option<i64>>"
           FROM rejected_lines
           WHERE user_pool_id = $1 AND job_id = $2 AND first_line >= $3
           ORDER BY first_line LIMIT $4"#,
        pool.as_str(),
        job.0,
        signed(from)?,
        limit,
    )
    .fetch_all(&db.pool)
    .await?
    .into_iter()
    .map(|r| {
        Ok(Chunk {
            first_line: unsigned(r.first_line)?,
            code: r.code,
            column: r.column_name.map(Into::into),
            offsets: r.offsets,
            details: r.details,
        })
    })
    .collect()
}

/// Keeps why rows of a batch were not imported. They come by line.
///
/// # Errors
/// Unavailable without a database; internal when they do not come by line.
pub async fn insert<'a>(
    tx: &mut Transaction,
    job: &JobKey,
    rejections: impl Iterator<Item = &'a Rejection>,
) -> Result<(), Error> {
    let chunks = Chunks::of(rejections)?;
    if chunks.is_empty() {
        return Ok(());
    }
    // An array for each chunk is none that UNNEST takes: they go as text.
    sqlx::query!(
        "INSERT INTO rejected_lines
             (user_pool_id, job_id, first_line, code, column_name, offsets, details)
         SELECT $1, $2, first_line, code, column_name, offsets::smallint[], details::bigint[]
         FROM UNNEST($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
             AS c (first_line, code, column_name, offsets, details)",
        job.user_pool_id.as_str(),
        job.job_id.0,
        &chunks.first_lines,
        &chunks.codes[..] as _,
        &chunks.columns[..] as _,
        &chunks.offsets,
        &chunks.details[..] as _,
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
