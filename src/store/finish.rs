//! The end of a job: its lanes are folded into it, which fences every worker
//! that may still hold one.

use time::OffsetDateTime;
use uuid::Uuid;

use super::lanes::{Claim, JobKey, key};
use super::{Transaction, exactly_one, signed, unsigned};
use crate::domain::error::Error;
use crate::domain::job::{Counters, FailureReason, Transition};

/// A job whose end is due, its row locked.
#[derive(Clone, Debug)]
pub struct Ending {
    /// The job.
    pub job: JobKey,
    /// More rejected rows than this make it FAILED.
    pub max_rejected_percent: u8,
    /// The trace that the job was started in.
    pub trace_parent: Option<String>,
}

/// How a job ends.
#[derive(Clone, Debug)]
pub struct End {
    /// The move, whose target status is final.
    pub transition: Transition,
    /// At most 128 characters.
    pub message: String,
    /// For a FAILED job.
    pub reason: Option<FailureReason>,
    /// When.
    pub now: OffsetDateTime,
    /// From when on the upload may be deleted.
    pub purge_at: OffsetDateTime,
}

/// What the lanes of a job had come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// Rows, by what became of them.
    pub counters: Counters,
    /// Bytes whose rows are all accounted for.
    pub processed_bytes: u64,
}

/// Locks one STOPPING job in which no row is being written any more: none of
/// its lanes has a lease that lives.
///
/// # Errors
/// Unavailable without a database.
pub async fn next_stopped(tx: &mut Transaction) -> Result<Option<Ending>, Error> {
    let row = sqlx::query!(
        "SELECT j.user_pool_id, j.job_id, j.max_rejected_percent, j.trace_parent FROM user_import_jobs j
         WHERE j.status = 'STOPPING'
           AND NOT EXISTS (SELECT 1 FROM import_lanes l
               WHERE l.user_pool_id = j.user_pool_id AND l.job_id = j.job_id
                 AND l.lease_expires_at > clock_timestamp())
         ORDER BY j.start_date LIMIT 1 FOR NO KEY UPDATE OF j SKIP LOCKED"
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(|r| {
        ending(
            &r.user_pool_id,
            r.job_id,
            r.max_rejected_percent,
            r.trace_parent,
        )
    })
    .transpose()
}

/// Locks one IN_PROGRESS job all of whose lanes have seen the end of the file.
///
/// # Errors
/// Unavailable without a database.
pub async fn next_done(tx: &mut Transaction) -> Result<Option<Ending>, Error> {
    let row = sqlx::query!(
        "SELECT j.user_pool_id, j.job_id, j.max_rejected_percent, j.trace_parent FROM user_import_jobs j
         WHERE j.status = 'IN_PROGRESS'
           AND EXISTS (SELECT 1 FROM import_lanes l
               WHERE l.user_pool_id = j.user_pool_id AND l.job_id = j.job_id)
           AND NOT EXISTS (SELECT 1 FROM import_lanes l
               WHERE l.user_pool_id = j.user_pool_id AND l.job_id = j.job_id
                 AND NOT l.finished)
         ORDER BY j.start_date LIMIT 1 FOR NO KEY UPDATE OF j SKIP LOCKED"
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(|r| {
        ending(
            &r.user_pool_id,
            r.job_id,
            r.max_rejected_percent,
            r.trace_parent,
        )
    })
    .transpose()
}

/// Locks one IN_PROGRESS job that worker after worker lost without a row
/// written, and that nobody holds.
///
/// # Errors
/// Unavailable without a database.
pub async fn next_fruitless(
    tx: &mut Transaction,
    max_fruitless: u32,
) -> Result<Option<Ending>, Error> {
    let row = sqlx::query!(
        "SELECT j.user_pool_id, j.job_id, j.max_rejected_percent, j.trace_parent FROM user_import_jobs j
         WHERE j.status = 'IN_PROGRESS'
           AND EXISTS (SELECT 1 FROM import_lanes l
               WHERE l.user_pool_id = j.user_pool_id AND l.job_id = j.job_id
                 AND NOT l.finished AND l.fruitless_claims >= $1)
           AND NOT EXISTS (SELECT 1 FROM import_lanes l
               WHERE l.user_pool_id = j.user_pool_id AND l.job_id = j.job_id
                 AND (l.lease_expires_at > clock_timestamp()
                      OR (NOT l.finished AND l.fruitless_claims < $1)))
         ORDER BY j.start_date LIMIT 1 FOR NO KEY UPDATE OF j SKIP LOCKED",
        i32::try_from(max_fruitless).unwrap_or(i32::MAX)
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(|r| {
        ending(
            &r.user_pool_id,
            r.job_id,
            r.max_rejected_percent,
            r.trace_parent,
        )
    })
    .transpose()
}

/// Locks the job of a claim and removes its lanes, if the claim's lease is still
/// its own. Answers what they had come to.
///
/// # Errors
/// Unavailable without a database.
pub async fn fold_claimed(
    tx: &mut Transaction,
    claim: &Claim,
) -> Result<Option<(Ending, Folded)>, Error> {
    // The job's lock first: whoever claims must hold that, too. A lane of which
    // the token has changed meanwhile is looked at once more, and stays.
    let row = sqlx::query!(
        r#"WITH locked AS MATERIALIZED (
             SELECT user_pool_id, job_id, max_rejected_percent, trace_parent
             FROM user_import_jobs
             WHERE user_pool_id = $1 AND job_id = $2 FOR NO KEY UPDATE),
         folded AS (
             DELETE FROM import_lanes l USING locked j
             WHERE l.user_pool_id = j.user_pool_id AND l.job_id = j.job_id AND l.lease_token = $3
             RETURNING l.imported_users, l.skipped_users, l.failed_users, l.checkpoint_bytes)
         SELECT j.user_pool_id, j.job_id, j.max_rejected_percent, j.trace_parent,
             f.imported_users AS "imported_users!", f.skipped_users AS "skipped_users!",
             f.failed_users AS "failed_users!", f.checkpoint_bytes AS "checkpoint_bytes!"
         FROM locked j CROSS JOIN (
             SELECT sum(imported_users)::bigint AS imported_users,
                 sum(skipped_users)::bigint AS skipped_users,
                 sum(failed_users)::bigint AS failed_users,
                 min(checkpoint_bytes) AS checkpoint_bytes
             FROM folded HAVING count(*) > 0) f"#,
        claim.job.user_pool_id.as_str(),
        claim.job.job_id.0,
        claim.token,
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(|r| {
        let folded = Folded {
            counters: Counters {
                imported: unsigned(r.imported_users)?,
                skipped: unsigned(r.skipped_users)?,
                failed: unsigned(r.failed_users)?,
            },
            processed_bytes: unsigned(r.checkpoint_bytes)?,
        };
        let ending = ending(
            &r.user_pool_id,
            r.job_id,
            r.max_rejected_percent,
            r.trace_parent,
        )?;
        Ok((ending, folded))
    })
    .transpose()
}

pub(super) fn ending(
    pool: &str,
    job: Uuid,
    percent: i16,
    trace_parent: Option<String>,
) -> Result<Ending, Error> {
    Ok(Ending {
        job: key(pool, job)?,
        max_rejected_percent: u8::try_from(percent).map_err(Error::internal)?,
        trace_parent,
    })
}

/// Removes the lanes of a locked job and answers what they had come to. Waits
/// for a batch that is being written; one that comes later finds no lane.
///
/// # Errors
/// Unavailable without a database.
pub async fn fold_lanes(tx: &mut Transaction, job: &JobKey) -> Result<Folded, Error> {
    let rows = sqlx::query!(
        "DELETE FROM import_lanes WHERE user_pool_id = $1 AND job_id = $2
         RETURNING imported_users, skipped_users, failed_users, checkpoint_bytes",
        job.user_pool_id.as_str(),
        job.job_id.0,
    )
    .fetch_all(tx.connection())
    .await?;
    let mut folded = Folded::default();
    let mut lowest = None;
    for row in rows {
        folded.counters.imported += unsigned(row.imported_users)?;
        folded.counters.skipped += unsigned(row.skipped_users)?;
        folded.counters.failed += unsigned(row.failed_users)?;
        let bytes = unsigned(row.checkpoint_bytes)?;
        lowest = Some(lowest.map_or(bytes, |l: u64| l.min(bytes)));
    }
    folded.processed_bytes = lowest.unwrap_or(0);
    Ok(folded)
}

/// Ends a locked job. Answers false when its status is none that the
/// transition starts from.
///
/// # Errors
/// Unavailable without a database.
pub async fn end(
    tx: &mut Transaction,
    job: &JobKey,
    folded: Folded,
    end: &End,
) -> Result<bool, Error> {
    // At the end of the file the number of rows is known for sure.
    let complete = matches!(
        end.transition,
        Transition::FinishSucceeded | Transition::FinishFailed
    );
    let done = sqlx::query!(
        "UPDATE user_import_jobs
         SET status = $3, completion_date = $5, completion_message = $6, failure_reason = $7,
             imported_users = imported_users + $8, skipped_users = skipped_users + $9,
             failed_users = failed_users + $10, processed_bytes = processed_bytes + $11,
             upload_purge_at = $12,
             total_rows = CASE WHEN $13 THEN $14 ELSE total_rows END
         WHERE user_pool_id = $1 AND job_id = $2 AND status = ANY($4)",
        job.user_pool_id.as_str(),
        job.job_id.0,
        end.transition.to().as_str(),
        &end.transition.from_words(),
        end.now,
        end.message,
        end.reason.map(FailureReason::as_str),
        signed(folded.counters.imported)?,
        signed(folded.counters.skipped)?,
        signed(folded.counters.failed)?,
        signed(folded.processed_bytes)?,
        end.purge_at,
        complete,
        signed(folded.counters.total())?,
    )
    .execute(tx.connection())
    .await?;
    if done.rows_affected() > 1 {
        exactly_one(done.rows_affected(), "end")?;
    }
    Ok(done.rows_affected() == 1)
}
