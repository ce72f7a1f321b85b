//! Lanes of running jobs: leases, checkpoints. Leases go by the
//! database's clock, and a batch is fenced by the lease's token.

use std::time::Duration;

use uuid::Uuid;

use super::{Database, Transaction, Wake, exactly_one, signed, unknown_word, unsigned};
use crate::domain::error::Error;
use crate::domain::ids::{JobId, UserPoolId};
use crate::domain::job::{Counters, JobStatus};

/// A job, as the scheduler names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JobKey {
    /// The job's pool.
    pub user_pool_id: UserPoolId,
    /// The job.
    pub job_id: JobId,
}

/// Where a lane stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Offset in the file, at a row's end.
    pub bytes: u64,
    /// Number of the line that begins there.
    pub line: u64,
    /// Whether the lane has seen the end of the file.
    pub finished: bool,
}

/// A lease on all lanes of a job.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The job.
    pub job: JobKey,
    /// What proves that the lease is still this one.
    pub token: Uuid,
    /// The lanes' checkpoints, by number.
    pub lanes: Vec<Checkpoint>,
    /// Whether a worker before this one got anywhere.
    pub resumed: bool,
    /// Whether the lease of another worker had run out.
    pub taken_over: bool,
    /// The trace that the job was started in.
    pub trace_parent: Option<String>,
}

pub(super) fn interval(lease: Duration) -> f64 {
    lease.as_secs_f64()
}

pub(super) fn key(pool: &str, job: Uuid) -> Result<JobKey, Error> {
    Ok(JobKey {
        user_pool_id: UserPoolId::parse(pool).ok_or_else(|| unknown_word("user_pool_id"))?,
        job_id: JobId(job),
    })
}

/// Claims one IN_PROGRESS job that no worker holds, the oldest first.
///
/// # Errors
/// Unavailable without a database.
pub async fn claim(
    db: &Database,
    worker: Uuid,
    token: Uuid,
    lease: Duration,
    max_fruitless: u32,
) -> Result<Option<Claim>, Error> {
    match claim_free(db, worker, token, lease, max_fruitless).await? {
        Oldest::None => Ok(None),
        Oldest::Claimed(claim) => Ok(Some(claim)),
        Oldest::HadHolder => take_over(db, worker, token, lease, max_fruitless).await,
    }
}

/// What a look for the oldest job that no worker holds comes to.
enum Oldest {
    None,
    Claimed(Claim),
    /// A worker had it whose lease has run out, or has had it meanwhile.
    HadHolder,
}

/// Claims the oldest job that no worker holds, if none has held it since it was
/// taken up or given back: nobody can be writing its rows, so that one
/// statement will do. Tokens change under the job's lock alone, hence those of
/// all its lanes are free here or none.
///
/// Nobody waits for the disk: no caller sees a claim, and what it leads to lasts
/// only where the claim does, which was written before. A database that crashes
/// and forgets it refuses the batches of its worker.
async fn claim_free(
    db: &Database,
    worker: Uuid,
    token: Uuid,
    lease: Duration,
    max_fruitless: u32,
) -> Result<Oldest, Error> {
    let rows = sqlx::query!(
        r#"WITH oldest AS MATERIALIZED (
             SELECT j.user_pool_id, j.job_id, j.trace_parent FROM user_import_jobs j
             WHERE j.status = 'IN_PROGRESS'
               AND NOT EXISTS (SELECT 1 FROM import_lanes l
                   WHERE l.user_pool_id = j.user_pool_id AND l.job_id = j.job_id
                     AND l.lease_expires_at > clock_timestamp())
               AND EXISTS (SELECT 1 FROM import_lanes l
                   WHERE l.user_pool_id = j.user_pool_id AND l.job_id = j.job_id
                     AND NOT l.finished AND l.fruitless_claims < $1)
             ORDER BY j.start_date LIMIT 1 FOR NO KEY UPDATE OF j SKIP LOCKED),
         claimed AS (
             UPDATE import_lanes l
             SET lease_token = $2, lease_worker = $3,
                 lease_expires_at = clock_timestamp() + make_interval(secs => $4),
                 fruitless_claims = fruitless_claims + 1
             FROM oldest o
             WHERE l.user_pool_id = o.user_pool_id AND l.job_id = o.job_id
               AND l.lease_token IS NULL
             RETURNING l.lane, l.checkpoint_bytes, l.checkpoint_line, l.finished)
         SELECT o.user_pool_id, o.job_id, o.trace_parent, c.lane AS "lane?",
             c.checkpoint_bytes AS "checkpoint_bytes?", c.checkpoint_line AS "checkpoint_line?",
             c.finished AS "finished?",
             set_config('synchronous_commit', 'off', true) AS unhurried
         FROM oldest o LEFT JOIN claimed c ON true
         ORDER BY c.lane"#,
        i32::try_from(max_fruitless).unwrap_or(i32::MAX),
        token,
        worker,
        interval(lease),
    )
    .fetch_all(&db.pool)
    .await?;
    let Some(first) = rows.first() else {
        return Ok(Oldest::None);
    };
    let job = key(&first.user_pool_id, first.job_id)?;
    let trace_parent = first.trace_parent.clone();
    let mut lanes = Vec::new();
    for row in &rows {
        let (Some(bytes), Some(line), Some(finished)) =
            (row.checkpoint_bytes, row.checkpoint_line, row.finished)
        else {
            return Ok(Oldest::HadHolder);
        };
        lanes.push(checkpoint(bytes, line, finished)?);
    }
    let nothing_left = lanes.iter().all(|c| c.finished);
    let claim = Claim {
        job,
        token,
        resumed: lanes.iter().any(|c| c.bytes > 0),
        taken_over: false,
        trace_parent,
        lanes,
    };
    if nothing_left {
        // Another imported it all between the look and the claim.
        release(db, &claim).await?;
        return Ok(Oldest::HadHolder);
    }
    Ok(Oldest::Claimed(claim))
}

/// Claims the oldest job that no worker holds, and waits for what a worker may
/// still be writing whose lease has run out.
async fn take_over(
    db: &Database,
    worker: Uuid,
    token: Uuid,
    lease: Duration,
    max_fruitless: u32,
) -> Result<Option<Claim>, Error> {
    let (found, taken_over, mut rows) = loop {
        let mut tx = db.begin("claim").await?;
        let Some(found) = sqlx::query!(
            "SELECT j.user_pool_id, j.job_id, j.trace_parent FROM user_import_jobs j
             WHERE j.status = 'IN_PROGRESS'
               AND NOT EXISTS (SELECT 1 FROM import_lanes l
                   WHERE l.user_pool_id = j.user_pool_id AND l.job_id = j.job_id
                     AND l.lease_expires_at > clock_timestamp())
               AND EXISTS (SELECT 1 FROM import_lanes l
                   WHERE l.user_pool_id = j.user_pool_id AND l.job_id = j.job_id
                     AND NOT l.finished AND l.fruitless_claims < $1)
             ORDER BY j.start_date LIMIT 1 FOR NO KEY UPDATE OF j SKIP LOCKED",
            i32::try_from(max_fruitless).unwrap_or(i32::MAX)
        )
        .fetch_optional(tx.connection())
        .await?
        else {
            return Ok(None);
        };
        // A batch that is being written is waited for: it renews the lease, and
        // that is seen by a statement that begins after it only.
        let held = sqlx::query_scalar!(
            "SELECT lease_worker FROM import_lanes WHERE user_pool_id = $1 AND job_id = $2
             ORDER BY lane FOR NO KEY UPDATE",
            found.user_pool_id,
            found.job_id,
        )
        .fetch_all(tx.connection())
        .await?;
        // The leases once more, now that all is locked: another claim, or that
        // batch, may have come between the look above and its lock.
        let rows = sqlx::query!(
            "UPDATE import_lanes
             SET lease_token = $3, lease_worker = $4,
                 lease_expires_at = clock_timestamp() + make_interval(secs => $5),
                 fruitless_claims = fruitless_claims + 1
             WHERE user_pool_id = $1 AND job_id = $2
               AND NOT EXISTS (SELECT 1 FROM import_lanes l
                   WHERE l.user_pool_id = $1 AND l.job_id = $2
                     AND l.lease_expires_at > clock_timestamp())
               AND EXISTS (SELECT 1 FROM import_lanes l
                   WHERE l.user_pool_id = $1 AND l.job_id = $2 AND NOT l.finished)
             RETURNING lane, checkpoint_bytes, checkpoint_line, finished",
            found.user_pool_id,
            found.job_id,
            token,
            worker,
            interval(lease),
        )
        .fetch_all(tx.connection())
        .await?;
        tx.commit().await?;
        if !rows.is_empty() {
            let taken_over = held.iter().flatten().any(|holder| *holder != worker);
            break (found, taken_over, rows);
        }
    };

    rows.sort_by_key(|row| row.lane);
    let lanes = rows
        .into_iter()
        .map(|r| checkpoint(r.checkpoint_bytes, r.checkpoint_line, r.finished))
        .collect::<Result<Vec<_>, Error>>()?;
    Ok(Some(Claim {
        job: key(&found.user_pool_id, found.job_id)?,
        token,
        resumed: lanes.iter().any(|c| c.bytes > 0),
        taken_over,
        trace_parent: found.trace_parent,
        lanes,
    }))
}

fn checkpoint(bytes: i64, line: i64, finished: bool) -> Result<Checkpoint, Error> {
    Ok(Checkpoint {
        bytes: unsigned(bytes)?,
        line: unsigned(line)?,
        finished,
    })
}

/// Renews the lease on all lanes of a job but those of which a batch is being
/// written, which renews it by itself: a batch may take longer than a lease.
/// Answers false when the lease was lost.
///
/// # Errors
/// Unavailable without a database.
pub async fn renew(db: &Database, claim: &Claim, lease: Duration) -> Result<bool, Error> {
    let held = sqlx::query_scalar!(
        r#"WITH free AS MATERIALIZED (
             SELECT lane FROM import_lanes
             WHERE user_pool_id = $1 AND job_id = $2 AND lease_token = $3
             FOR NO KEY UPDATE SKIP LOCKED),
         renewed AS (
             UPDATE import_lanes l
             SET lease_expires_at = clock_timestamp() + make_interval(secs => $4)
             FROM free f
             WHERE l.user_pool_id = $1 AND l.job_id = $2 AND l.lane = f.lane
               AND l.lease_token = $3)
         SELECT EXISTS (SELECT 1 FROM import_lanes
             WHERE user_pool_id = $1 AND job_id = $2 AND lease_token = $3) AS "held!""#,
        claim.job.user_pool_id.as_str(),
        claim.job.job_id.0,
        claim.token,
        interval(lease),
    )
    .fetch_one(&db.pool)
    .await?;
    Ok(held)
}

/// Gives the lease back at the checkpoints. A claim that is given back in good
/// order does not count as fruitless.
///
/// # Errors
/// Unavailable without a database.
pub async fn release(db: &Database, claim: &Claim) -> Result<(), Error> {
    release_all(db, std::slice::from_ref(claim)).await
}

/// The same for claims of one pool and token.
///
/// # Errors
/// Unavailable without a database.
pub async fn release_all(db: &Database, claims: &[Claim]) -> Result<(), Error> {
    let Some(first) = claims.first() else {
        return Ok(());
    };
    let jobs: Vec<Uuid> = claims.iter().map(|claim| claim.job.job_id.0).collect();
    let mut tx = db.begin("release").await?;
    // Under the job's lock, as every change of a token.
    sqlx::query!(
        "WITH locked AS MATERIALIZED (
             SELECT user_pool_id, job_id FROM user_import_jobs
             WHERE user_pool_id = $1 AND job_id = ANY($2)
             ORDER BY job_id FOR NO KEY UPDATE)
         UPDATE import_lanes l
         SET lease_token = NULL, lease_worker = NULL, lease_expires_at = NULL,
             fruitless_claims = greatest(fruitless_claims - 1, 0)
         FROM locked j
         WHERE l.user_pool_id = j.user_pool_id AND l.job_id = j.job_id AND l.lease_token = $3",
        first.job.user_pool_id.as_str(),
        &jobs,
        first.token,
    )
    .execute(tx.connection())
    .await?;
    tx.wake(Wake::Released).await?;
    tx.commit().await
}

/// Does not count a claim as fruitless, and leaves its lease to run out.
///
/// # Errors
/// Unavailable without a database.
pub async fn excuse(db: &Database, claim: &Claim) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE import_lanes SET fruitless_claims = greatest(fruitless_claims - 1, 0)
         WHERE user_pool_id = $1 AND job_id = $2 AND lease_token = $3",
        claim.job.user_pool_id.as_str(),
        claim.job.job_id.0,
        claim.token,
    )
    .execute(&db.pool)
    .await?;
    Ok(())
}

/// What a worker finds when it locks its lane for a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locked {
    /// The lease was lost: nothing may be written.
    Lost,
    /// The lane is locked, and stands here.
    Held {
        /// Where the lane stands.
        checkpoint: Checkpoint,
        /// Where the job stands.
        status: JobStatus,
    },
}

/// Locks a lane for one batch, if the lease is still the claim's.
///
/// # Errors
/// Unavailable without a database.
pub async fn lock(tx: &mut Transaction, claim: &Claim, lane: u16) -> Result<Locked, Error> {
    let row = sqlx::query!(
        "SELECT l.checkpoint_bytes, l.checkpoint_line, l.finished, j.status
         FROM import_lanes l
         JOIN user_import_jobs j ON j.user_pool_id = l.user_pool_id AND j.job_id = l.job_id
         WHERE l.user_pool_id = $1 AND l.job_id = $2 AND l.lane = $3 AND l.lease_token = $4
         FOR NO KEY UPDATE OF l",
        claim.job.user_pool_id.as_str(),
        claim.job.job_id.0,
        i16::try_from(lane).map_err(Error::internal)?,
        claim.token,
    )
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = row else {
        return Ok(Locked::Lost);
    };
    Ok(Locked::Held {
        checkpoint: checkpoint(row.checkpoint_bytes, row.checkpoint_line, row.finished)?,
        status: JobStatus::from_name(&row.status).ok_or_else(|| unknown_word("status"))?,
    })
}

/// Moves a locked lane forward: checkpoint, counters, lease, all by the same
/// transaction that wrote the rows.
///
/// # Errors
/// Unavailable without a database; internal when the lane is not as locked.
pub async fn advance(
    tx: &mut Transaction,
    claim: &Claim,
    lane: u16,
    from: Checkpoint,
    to: Checkpoint,
    added: Counters,
    lease: Duration,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "UPDATE import_lanes
         SET checkpoint_bytes = $6, checkpoint_line = $7, finished = $8,
             imported_users = imported_users + $9, skipped_users = skipped_users + $10,
             failed_users = failed_users + $11, fruitless_claims = 0,
             moved_at = clock_timestamp(),
             lease_expires_at = clock_timestamp() + make_interval(secs => $12)
         WHERE user_pool_id = $1 AND job_id = $2 AND lane = $3 AND lease_token = $4
           AND checkpoint_bytes = $5",
        claim.job.user_pool_id.as_str(),
        claim.job.job_id.0,
        i16::try_from(lane).map_err(Error::internal)?,
        claim.token,
        signed(from.bytes)?,
        signed(to.bytes)?,
        signed(to.line)?,
        to.finished,
        signed(added.imported)?,
        signed(added.skipped)?,
        signed(added.failed)?,
        interval(lease),
    )
    .execute(tx.connection())
    .await?;
    exactly_one(done.rows_affected(), "advance")
}
