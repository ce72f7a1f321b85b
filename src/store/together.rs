//! Small jobs of one pool that are imported by one transaction. What may go
//! wrong with one of them is left to the ways of a job alone: here all goes well
//! for all, or nothing is done.

use std::time::Duration;

use uuid::Uuid;

use super::finish::{Ending, ending};
use super::lanes::{Checkpoint, Claim, interval, key};
use super::{Database, Transaction, signed, unknown_word};
use crate::domain::error::Error;
use crate::domain::ids::{JobId, UserPoolId};
use crate::domain::job::JobStatus;

/// Bytes of the file of a small job, at most: some thousand rows, which a lane
/// would write as one or two batches.
pub const SMALL: u64 = 256 << 10;

/// Claims up to `limit` small jobs that can be imported together with a claimed
/// one, the oldest first: of the same pool, which has no aliases, with one lane
/// that nobody has held since they were taken up or given back, and that stands
/// at the beginning. They get the token of that claim. None if its job is not
/// small itself.
///
/// As with a claim of what nobody holds, nobody waits for the disk.
///
/// # Errors
/// Unavailable without a database.
pub async fn claim_with(
    db: &Database,
    claim: &Claim,
    worker: Uuid,
    lease: Duration,
    limit: i64,
) -> Result<Vec<Claim>, Error> {
    let rows = sqlx::query!(
        "WITH small AS MATERIALIZED (
             SELECT j.user_pool_id, j.job_id, j.trace_parent, j.start_date
             FROM user_import_jobs j
             JOIN user_pools p ON p.user_pool_id = j.user_pool_id AND p.alias_attributes = '{}'
             WHERE j.status = 'IN_PROGRESS' AND j.user_pool_id = $1 AND j.total_bytes <= $3
               AND EXISTS (SELECT 1 FROM user_import_jobs f
                   WHERE f.user_pool_id = $1 AND f.job_id = $2 AND f.total_bytes <= $3)
               AND EXISTS (SELECT 1 FROM import_lanes l
                   WHERE l.user_pool_id = j.user_pool_id AND l.job_id = j.job_id AND l.lane = 0
                     AND l.lease_token IS NULL AND l.checkpoint_bytes = 0 AND NOT l.finished)
               AND NOT EXISTS (SELECT 1 FROM import_lanes l
                   WHERE l.user_pool_id = j.user_pool_id AND l.job_id = j.job_id AND l.lane > 0)
             ORDER BY j.start_date LIMIT $4 FOR NO KEY UPDATE OF j SKIP LOCKED),
         claimed AS (
             UPDATE import_lanes l
             SET lease_token = $5, lease_worker = $6,
                 lease_expires_at = clock_timestamp() + make_interval(secs => $7),
                 fruitless_claims = fruitless_claims + 1
             FROM small s
             WHERE l.user_pool_id = s.user_pool_id AND l.job_id = s.job_id
               AND l.lease_token IS NULL AND l.checkpoint_bytes = 0 AND NOT l.finished
             RETURNING l.job_id)
         SELECT s.user_pool_id, s.job_id, s.trace_parent,
             set_config('synchronous_commit', 'off', true) AS unhurried
         FROM small s JOIN claimed c ON c.job_id = s.job_id
         ORDER BY s.start_date",
        claim.job.user_pool_id.as_str(),
        claim.job.job_id.0,
        signed(SMALL)?,
        limit,
        claim.token,
        worker,
        interval(lease),
    )
    .fetch_all(&db.pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Claim {
                job: key(&row.user_pool_id, row.job_id)?,
                token: claim.token,
                lanes: vec![Checkpoint {
                    bytes: 0,
                    line: 1,
                    finished: false,
                }],
                resumed: false,
                taken_over: false,
                trace_parent: row.trace_parent,
            })
        })
        .collect()
}

/// Locks the lanes of claimed jobs of a pool, for rows of all of them. Answers
/// whether each stands at the beginning, with this lease, in a job that is
/// IN_PROGRESS.
///
/// # Errors
/// Unavailable without a database.
pub async fn lock(
    tx: &mut Transaction,
    pool: &UserPoolId,
    jobs: &[JobId],
    token: Uuid,
) -> Result<bool, Error> {
    let ids: Vec<Uuid> = jobs.iter().map(|job| job.0).collect();
    let found = sqlx::query_scalar!(
        "SELECT l.job_id FROM import_lanes l
         JOIN user_import_jobs j ON j.user_pool_id = l.user_pool_id AND j.job_id = l.job_id
         WHERE l.user_pool_id = $1 AND l.job_id = ANY($2) AND l.lease_token = $3
           AND l.checkpoint_bytes = 0 AND NOT l.finished AND j.status = 'IN_PROGRESS'
         FOR NO KEY UPDATE OF l SKIP LOCKED",
        pool.as_str(),
        &ids,
        token,
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(found.len() == jobs.len())
}

/// The statuses of jobs, once nobody is about to change them any more.
///
/// # Errors
/// Unavailable without a database.
pub async fn settled(
    tx: &mut Transaction,
    pool: &UserPoolId,
    jobs: &[JobId],
) -> Result<Vec<(JobId, JobStatus)>, Error> {
    let ids: Vec<Uuid> = jobs.iter().map(|job| job.0).collect();
    sqlx::query!(
        "SELECT job_id, status FROM user_import_jobs
         WHERE user_pool_id = $1 AND job_id = ANY($2)
         ORDER BY job_id FOR NO KEY UPDATE",
        pool.as_str(),
        &ids,
    )
    .fetch_all(tx.connection())
    .await?
    .into_iter()
    .map(|row| {
        let status = JobStatus::from_name(&row.status).ok_or_else(|| unknown_word("status"))?;
        Ok((JobId(row.job_id), status))
    })
    .collect()
}

/// Locks jobs whose lanes this transaction has [`lock`]ed and whose rows it has
/// written, and removes those lanes. Answers the jobs that can come to their end
/// now: not those that somebody else is about to change, or has told to stop.
///
/// # Errors
/// Unavailable without a database.
pub async fn take(
    tx: &mut Transaction,
    pool: &UserPoolId,
    jobs: &[JobId],
    token: Uuid,
) -> Result<Vec<Ending>, Error> {
    let ids: Vec<Uuid> = jobs.iter().map(|job| job.0).collect();
    // Nobody is waited for: others lock a job before its lanes. Not before the
    // rows are written, so that a Stop need not wait for those.
    let rows = sqlx::query!(
        "WITH locked AS MATERIALIZED (
             SELECT user_pool_id, job_id, max_rejected_percent, trace_parent
             FROM user_import_jobs
             WHERE user_pool_id = $1 AND job_id = ANY($2) AND status = 'IN_PROGRESS'
             FOR NO KEY UPDATE SKIP LOCKED),
         folded AS (
             DELETE FROM import_lanes l USING locked j
             WHERE l.user_pool_id = j.user_pool_id AND l.job_id = j.job_id
               AND l.lease_token = $3
             RETURNING l.job_id)
         SELECT j.user_pool_id, j.job_id, j.max_rejected_percent, j.trace_parent
         FROM locked j JOIN folded f ON f.job_id = j.job_id",
        pool.as_str(),
        &ids,
        token,
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|r| {
            ending(
                &r.user_pool_id,
                r.job_id,
                r.max_rejected_percent,
                r.trace_parent,
            )
        })
        .collect()
}
