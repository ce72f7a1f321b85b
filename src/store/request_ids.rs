//! Request ids: a call that is sent twice acts once.

use time::OffsetDateTime;
use uuid::Uuid;

use super::Transaction;
use crate::domain::error::Error;
use crate::domain::ids::{JobId, UserPoolId};

/// What is known of a request id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Nothing: it is remembered from now on.
    New,
    /// The same request had it; this is the job that it was about.
    Same(JobId),
    /// Another request had it.
    Other,
}

/// Remembers a request id, unless it is known since `since` or later. A second
/// call with the same id waits here until the first one has ended.
///
/// # Errors
/// Unavailable without a database.
pub async fn remember(
    tx: &mut Transaction,
    pool: &UserPoolId,
    id: Uuid,
    fingerprint: &[u8],
    job: JobId,
    now: OffsetDateTime,
    since: OffsetDateTime,
) -> Result<Seen, Error> {
    let new = sqlx::query!(
        "INSERT INTO request_ids (user_pool_id, request_id, fingerprint, job_id, creation_date)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (user_pool_id, request_id) DO UPDATE
         SET fingerprint = excluded.fingerprint, job_id = excluded.job_id,
             creation_date = excluded.creation_date
         WHERE request_ids.creation_date < $6",
        pool.as_str(),
        id,
        fingerprint,
        job.0,
        now,
        since,
    )
    .execute(tx.connection())
    .await?
    .rows_affected()
        == 1;
    if new {
        return Ok(Seen::New);
    }
    let found = sqlx::query!(
        "SELECT fingerprint, job_id FROM request_ids WHERE user_pool_id = $1 AND request_id = $2",
        pool.as_str(),
        id,
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(match found {
        Some(f) if f.fingerprint == fingerprint => Seen::Same(JobId(f.job_id)),
        _ => Seen::Other,
    })
}
