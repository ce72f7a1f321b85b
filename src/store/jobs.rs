//! User import jobs: reading them, and the moves that callers make. What the
//! scheduler moves is in [`super::lanes`] and [`super::finish`].

use sqlx::PgExecutor;
use time::OffsetDateTime;
use uuid::Uuid;

use super::lanes::JobKey;
use super::wake::CHANNEL;
use super::{Database, Transaction, Wake, exactly_one, pools, signed, unknown_word, unsigned};
use crate::domain::error::Error;
use crate::domain::ids::{JobId, UserPoolId};
use crate::domain::job::{
    Counters, EXPIRED_MESSAGE, FailureReason, JobStatus, Transition, Upload, UserImportJob,
};
use crate::domain::pool::UserPool;
use crate::domain::rules::password_hash::PasswordHashingAlgorithm;

struct JobRow {
    user_pool_id: String,
    job_id: Uuid,
    job_name: String,
    status: String,
    cloud_watch_logs_role_arn: Option<String>,
    password_hashing_algorithm: Option<String>,
    max_rejected_percent: i16,
    creation_date: OffsetDateTime,
    expires_at: OffsetDateTime,
    start_date: Option<OffsetDateTime>,
    completion_date: Option<OffsetDateTime>,
    completion_message: Option<String>,
    failure_reason: Option<String>,
    imported_users: i64,
    skipped_users: i64,
    failed_users: i64,
    processed_bytes: i64,
    total_rows: Option<i64>,
    total_bytes: Option<i64>,
    upload_object: Option<String>,
    upload_e_tag: Option<String>,
    upload_version: Option<String>,
    upload_blake3: Option<Vec<u8>>,
}

/// All columns of a job, with what its lanes count, and a tail. One statement:
/// the counters and the checkpoints are of one instant. A pool that is deleted
/// hides its jobs, until the purge has removed them.
macro_rules! select_jobs {
    ($tail:tt $(, $arg:expr)*) => {
        select_jobs!(
            from "user_import_jobs j
            JOIN user_pools p ON p.user_pool_id = j.user_pool_id AND p.deletion_date IS NULL",
            $tail $(, $arg)*
        )
    };
    (from $from:tt, $tail:tt $(, $arg:expr)*) => {
        sqlx::query_as!(
            JobRow,
            r#"SELECT j.user_pool_id, j.job_id, j.job_name, j.status, j.cloud_watch_logs_role_arn,
                   j.password_hashing_algorithm, j.max_rejected_percent, j.creation_date,
                   j.expires_at, j.start_date, j.completion_date, j.completion_message,
                   j.failure_reason,
                   j.imported_users + l.imported_users AS "imported_users!",
                   j.skipped_users + l.skipped_users AS "skipped_users!",
                   j.failed_users + l.failed_users AS "failed_users!",
                   j.processed_bytes + l.processed_bytes AS "processed_bytes!",
                   j.total_rows, j.total_bytes, j.upload_object, j.upload_e_tag, j.upload_version,
                   j.upload_blake3
            FROM "# + $from + r#"
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(imported_users), 0)::bigint AS imported_users,
                       coalesce(sum(skipped_users), 0)::bigint AS skipped_users,
                       coalesce(sum(failed_users), 0)::bigint AS failed_users,
                       coalesce(min(checkpoint_bytes), 0)::bigint AS processed_bytes
                FROM import_lanes
                WHERE user_pool_id = j.user_pool_id AND job_id = j.job_id
            ) l "# + $tail
            $(, $arg)*
        )
    };
}

impl TryFrom<JobRow> for UserImportJob {
    type Error = Error;

    fn try_from(row: JobRow) -> Result<Self, Error> {
        let upload = match (row.upload_object, row.total_bytes) {
            (Some(object), Some(bytes)) => Some(Upload {
                object,
                bytes: unsigned(bytes)?,
                rows: row.total_rows.map(unsigned).transpose()?,
                e_tag: row.upload_e_tag,
                version: row.upload_version,
                blake3: row
                    .upload_blake3
                    .map(|hash| {
                        <[u8; 32]>::try_from(hash).map_err(|_| unknown_word("upload_blake3"))
                    })
                    .transpose()?,
            }),
            _ => None,
        };
        Ok(Self {
            user_pool_id: UserPoolId::parse(&row.user_pool_id)
                .ok_or_else(|| unknown_word("user_pool_id"))?,
            job_id: JobId(row.job_id),
            job_name: row.job_name,
            status: JobStatus::from_name(&row.status).ok_or_else(|| unknown_word("status"))?,
            cloud_watch_logs_role_arn: row.cloud_watch_logs_role_arn,
            password_hashing_algorithm: row
                .password_hashing_algorithm
                .map(|a| {
                    PasswordHashingAlgorithm::from_name(&a)
                        .ok_or_else(|| unknown_word("password_hashing_algorithm"))
                })
                .transpose()?,
            max_rejected_percent: u8::try_from(row.max_rejected_percent)
                .map_err(Error::internal)?,
            creation_date: row.creation_date,
            expires_at: row.expires_at,
            start_date: row.start_date,
            completion_date: row.completion_date,
            completion_message: row.completion_message,
            failure_reason: row
                .failure_reason
                .map(|r| FailureReason::from_name(&r).ok_or_else(|| unknown_word("failure_reason")))
                .transpose()?,
            counters: Counters {
                imported: unsigned(row.imported_users)?,
                skipped: unsigned(row.skipped_users)?,
                failed: unsigned(row.failed_users)?,
            },
            processed_bytes: unsigned(row.processed_bytes)?,
            upload,
            total_rows: row.total_rows.map(unsigned).transpose()?,
            total_bytes: row.total_bytes.map(unsigned).transpose()?,
        })
    }
}

/// Adds a job.
///
/// # Errors
/// Unavailable without a database.
pub async fn insert(tx: &mut Transaction, job: &UserImportJob) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO user_import_jobs (user_pool_id, job_id, job_name, status,
             cloud_watch_logs_role_arn, password_hashing_algorithm, max_rejected_percent,
             creation_date, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        job.user_pool_id.as_str(),
        job.job_id.0,
        job.job_name,
        job.status.as_str(),
        job.cloud_watch_logs_role_arn,
        job.password_hashing_algorithm.map(|a| a.as_str()),
        i16::from(job.max_rejected_percent),
        job.creation_date,
        job.expires_at,
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// One job, unless it is deleted.
///
/// # Errors
/// Unavailable without a database.
pub async fn get(
    db: &Database,
    pool: &UserPoolId,
    job: JobId,
) -> Result<Option<UserImportJob>, Error> {
    get_by(&db.pool, pool, job).await
}

/// The same, by a connection of the caller's choice.
pub(super) async fn get_by(
    executor: impl PgExecutor<'_>,
    pool: &UserPoolId,
    job: JobId,
) -> Result<Option<UserImportJob>, Error> {
    select_jobs!(
        "WHERE j.user_pool_id = $1 AND j.job_id = $2 AND j.deletion_date IS NULL",
        pool.as_str(),
        job.0
    )
    .fetch_optional(executor)
    .await?
    .map(UserImportJob::try_from)
    .transpose()
}

/// One job and its pool, unless one of them is deleted.
///
/// # Errors
/// Unavailable without a database.
pub async fn get_with_pool(
    db: &Database,
    key: &JobKey,
) -> Result<Option<(UserImportJob, UserPool)>, Error> {
    let mut held = db.pool.hold().await?;
    let job = get_by(&mut held, &key.user_pool_id, key.job_id).await?;
    let pool = pools::get_by(&mut held, &key.user_pool_id).await?;
    Ok(job.zip(pool))
}

/// Some jobs of a pool, in no order, and the pool, unless they are deleted.
///
/// # Errors
/// Unavailable without a database.
pub async fn get_of_pool(
    db: &Database,
    pool: &UserPoolId,
    jobs: &[JobId],
) -> Result<Option<(UserPool, Vec<UserImportJob>)>, Error> {
    let mut held = db.pool.hold().await?;
    let ids: Vec<Uuid> = jobs.iter().map(|job| job.0).collect();
    let found = select_jobs!(
        "WHERE j.user_pool_id = $1 AND j.job_id = ANY($2) AND j.deletion_date IS NULL",
        pool.as_str(),
        &ids
    )
    .fetch_all(&mut held)
    .await?
    .into_iter()
    .map(UserImportJob::try_from)
    .collect::<Result<_, _>>()?;
    let pool = pools::get_by(&mut held, pool).await?;
    Ok(pool.map(|pool| (pool, found)))
}

/// One job by its id alone, unless it is deleted.
///
/// # Errors
/// Unavailable without a database.
pub async fn get_by_id(db: &Database, job: JobId) -> Result<Option<UserImportJob>, Error> {
    select_jobs!(
        "WHERE j.job_id = $1 AND j.deletion_date IS NULL LIMIT 1",
        job.0
    )
    .fetch_optional(&db.pool)
    .await?
    .map(UserImportJob::try_from)
    .transpose()
}

/// Jobs by their ids alone, unless they are deleted, in no order. Each is looked
/// up by itself: joined with all pools, Postgres may read all of them when it
/// takes them for few.
///
/// # Errors
/// Unavailable without a database.
pub async fn get_by_ids(db: &Database, jobs: &[JobId]) -> Result<Vec<UserImportJob>, Error> {
    let ids: Vec<Uuid> = jobs.iter().map(|job| job.0).collect();
    select_jobs!(
        from "UNNEST($1::uuid[]) AS asked (job_id)
            CROSS JOIN LATERAL (
                SELECT i.* FROM user_import_jobs i
                JOIN user_pools p ON p.user_pool_id = i.user_pool_id
                WHERE i.job_id = asked.job_id
                  AND i.deletion_date IS NULL AND p.deletion_date IS NULL
                LIMIT 1
            ) j",
        "",
        &ids
    )
    .fetch_all(&db.pool)
    .await?
    .into_iter()
    .map(UserImportJob::try_from)
    .collect()
}

/// One job, its row locked until the transaction ends.
///
/// # Errors
/// Unavailable without a database.
pub async fn lock(
    tx: &mut Transaction,
    pool: &UserPoolId,
    job: JobId,
) -> Result<Option<UserImportJob>, Error> {
    select_jobs!(
        "WHERE j.user_pool_id = $1 AND j.job_id = $2 AND j.deletion_date IS NULL
         FOR NO KEY UPDATE OF j",
        pool.as_str(),
        job.0
    )
    .fetch_optional(tx.connection())
    .await?
    .map(UserImportJob::try_from)
    .transpose()
}

/// Jobs of a pool that are not deleted, newest first, from after a job. Their
/// ids are in the order of their making.
///
/// # Errors
/// Unavailable without a database.
pub async fn list(
    db: &Database,
    pool: &UserPoolId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<UserImportJob>, Error> {
    let rows = match after {
        None => {
            select_jobs!(
                "WHERE j.user_pool_id = $1 AND j.deletion_date IS NULL
                 ORDER BY j.job_id DESC LIMIT $2",
                pool.as_str(),
                limit
            )
            .fetch_all(&db.pool)
            .await?
        }
        Some(id) => {
            select_jobs!(
                "WHERE j.user_pool_id = $1 AND j.deletion_date IS NULL
                   AND j.job_id < $2
                 ORDER BY j.job_id DESC LIMIT $3",
                pool.as_str(),
                id,
                limit
            )
            .fetch_all(&db.pool)
            .await?
        }
    };
    rows.into_iter().map(UserImportJob::try_from).collect()
}

/// Moves a locked job by a caller's Start or Stop, keeps the trace of which that
/// is part, and wakes the schedulers when the transaction commits. Answers false
/// when its status is none that the transition starts from.
///
/// # Errors
/// Unavailable without a database.
pub async fn apply(
    tx: &mut Transaction,
    pool: &UserPoolId,
    job: JobId,
    transition: Transition,
    now: OffsetDateTime,
    trace_parent: Option<&str>,
    wake: Wake,
) -> Result<bool, Error> {
    let moved = sqlx::query!(
        "UPDATE user_import_jobs
         SET status = $3, start_date = coalesce(start_date, $5),
             trace_parent = coalesce(trace_parent, $6)
         WHERE user_pool_id = $1 AND job_id = $2 AND status = ANY($4) AND deletion_date IS NULL
         RETURNING pg_notify($7, $8)::text AS told",
        pool.as_str(),
        job.0,
        transition.to().as_str(),
        &transition.from_words(),
        now,
        trace_parent,
        CHANNEL,
        wake.word(),
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(moved.is_some())
}

/// Hides a job, for the purge to remove. Answers false when it is active, or
/// its pool is deleted.
///
/// # Errors
/// Unavailable without a database.
pub async fn delete(
    tx: &mut Transaction,
    pool: &UserPoolId,
    job: JobId,
    now: OffsetDateTime,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE user_import_jobs SET deletion_date = $3
         WHERE user_pool_id = $1 AND job_id = $2 AND deletion_date IS NULL
           AND status NOT IN ('PENDING', 'IN_PROGRESS', 'STOPPING')
           AND EXISTS (SELECT 1 FROM user_pools
               WHERE user_pool_id = $1 AND deletion_date IS NULL)",
        pool.as_str(),
        job.0,
        now,
    )
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Makes a file the upload of a job that is CREATED and has not expired.
/// Answers the name of the object that it replaces, if any; `Err(status)` when
/// the job takes no upload (any more).
///
/// # Errors
/// Unavailable without a database.
pub async fn set_upload(
    tx: &mut Transaction,
    pool: &UserPoolId,
    job: JobId,
    upload: &Upload,
    now: OffsetDateTime,
) -> Result<Result<Option<String>, Option<JobStatus>>, Error> {
    let Some(found) = lock(tx, pool, job).await? else {
        return Ok(Err(None));
    };
    if found.status != JobStatus::Created || now >= found.expires_at {
        return Ok(Err(Some(found.status)));
    }
    let done = sqlx::query!(
        "UPDATE user_import_jobs
         SET upload_object = $3, upload_e_tag = $4, upload_blake3 = $5, total_bytes = $6,
             total_rows = $7, upload_version = $8
         WHERE user_pool_id = $1 AND job_id = $2 AND status = 'CREATED'",
        pool.as_str(),
        job.0,
        upload.object,
        upload.e_tag,
        upload.blake3.as_ref().map(|hash| &hash[..]),
        signed(upload.bytes)?,
        upload.rows.map(signed).transpose()?,
        upload.version,
    )
    .execute(tx.connection())
    .await?;
    exactly_one(done.rows_affected(), "set_upload")?;
    Ok(Ok(found.upload.map(|u| u.object)))
}

/// Moves the CREATED jobs whose time is up to EXPIRED, at most `limit`, and
/// marks their uploads for the purge: also where no upload is whole, since the
/// parts of a broken one may have been left behind. Answers how many.
///
/// # Errors
/// Unavailable without a database.
pub async fn expire(db: &Database, now: OffsetDateTime, limit: i64) -> Result<u64, Error> {
    let done = sqlx::query!(
        "WITH due AS MATERIALIZED (
             SELECT user_pool_id, job_id FROM user_import_jobs
             WHERE status = 'CREATED' AND expires_at <= $1
             ORDER BY expires_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED)
         UPDATE user_import_jobs j
         SET status = $3, completion_date = $1, completion_message = $4,
             upload_purge_at = $1
         FROM due d
         WHERE j.user_pool_id = d.user_pool_id AND j.job_id = d.job_id
           AND j.status = 'CREATED'",
        now,
        limit,
        Transition::Expire.to().as_str(),
        EXPIRED_MESSAGE,
    )
    .execute(&db.pool)
    .await?;
    Ok(done.rows_affected())
}
