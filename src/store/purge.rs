//! What is deleted for good, in bites that end soon. A bite ends at the key of
//! its last row: a list of its rows is gone through once for each of them when
//! Postgres does not know how many there are.

use time::OffsetDateTime;

use super::lanes::{JobKey, key};
use super::{Database, exactly_one};
use crate::domain::error::Error;
use crate::domain::ids::UserPoolId;

/// Jobs whose uploads may be deleted: those that have ended and were kept long
/// enough. At most `limit`.
///
/// # Errors
/// Unavailable without a database.
pub async fn uploads_due(
    db: &Database,
    now: OffsetDateTime,
    limit: i64,
) -> Result<Vec<JobKey>, Error> {
    sqlx::query!(
        "SELECT user_pool_id, job_id FROM user_import_jobs
         WHERE upload_purge_at IS NOT NULL AND upload_purge_at <= $1
         ORDER BY upload_purge_at LIMIT $2",
        now,
        limit,
    )
    .fetch_all(&db.pool)
    .await?
    .into_iter()
    .map(|r| key(&r.user_pool_id, r.job_id))
    .collect()
}

/// Notes that a job's upload is deleted.
///
/// # Errors
/// Unavailable without a database.
pub async fn upload_gone(db: &Database, job: &JobKey) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE user_import_jobs SET upload_object = NULL, upload_purge_at = NULL
         WHERE user_pool_id = $1 AND job_id = $2
           AND status NOT IN ('CREATED', 'PENDING', 'IN_PROGRESS', 'STOPPING')",
        job.user_pool_id.as_str(),
        job.job_id.0,
    )
    .execute(&db.pool)
    .await?;
    Ok(())
}

/// Jobs that callers deleted, at most `limit`.
///
/// # Errors
/// Unavailable without a database.
pub async fn deleted_jobs(db: &Database, limit: i64) -> Result<Vec<JobKey>, Error> {
    sqlx::query!(
        "SELECT user_pool_id, job_id FROM user_import_jobs
         WHERE deletion_date IS NOT NULL ORDER BY deletion_date LIMIT $1",
        limit,
    )
    .fetch_all(&db.pool)
    .await?
    .into_iter()
    .map(|r| key(&r.user_pool_id, r.job_id))
    .collect()
}

/// Deletes up to `limit` chunks of a job's row reports. Answers how many.
///
/// # Errors
/// Unavailable without a database.
pub async fn delete_rejections(db: &Database, job: &JobKey, limit: i64) -> Result<u64, Error> {
    let done = sqlx::query!(
        "DELETE FROM rejected_lines
         WHERE user_pool_id = $1 AND job_id = $2 AND first_line <= (
             SELECT max(first_line) FROM (
                 SELECT first_line FROM rejected_lines WHERE user_pool_id = $1 AND job_id = $2
                 ORDER BY first_line LIMIT $3) AS bite)",
        job.user_pool_id.as_str(),
        job.job_id.0,
        limit,
    )
    .execute(&db.pool)
    .await?;
    Ok(done.rows_affected())
}

/// Deletes the row of a job that a caller deleted, if none of its row reports
/// is left: another purge may still be at them, and may die. Answers whether
/// it did.
///
/// # Errors
/// Unavailable without a database.
pub async fn delete_job(db: &Database, job: &JobKey) -> Result<bool, Error> {
    let mut tx = db.begin("purge_job").await?;
    let done = sqlx::query!(
        "DELETE FROM user_import_jobs
         WHERE user_pool_id = $1 AND job_id = $2 AND deletion_date IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM rejected_lines
               WHERE user_pool_id = $1 AND job_id = $2)",
        job.user_pool_id.as_str(),
        job.job_id.0,
    )
    .execute(tx.connection())
    .await?;
    if done.rows_affected() > 1 {
        exactly_one(done.rows_affected(), "delete_job")?;
    }
    tx.commit().await?;
    Ok(done.rows_affected() == 1)
}

/// Pools that callers deleted, at most `limit`.
///
/// # Errors
/// Unavailable without a database.
pub async fn deleted_pools(db: &Database, limit: i64) -> Result<Vec<UserPoolId>, Error> {
    Ok(sqlx::query_scalar!(
        "SELECT user_pool_id FROM user_pools
         WHERE deletion_date IS NOT NULL ORDER BY deletion_date LIMIT $1",
        limit,
    )
    .fetch_all(&db.pool)
    .await?
    .iter()
    .filter_map(|id| UserPoolId::parse(id))
    .collect())
}

/// Marks up to `limit` jobs of a deleted pool as deleted. Answers how many of
/// its jobs are still there, these included.
///
/// # Errors
/// Unavailable without a database.
pub async fn delete_jobs_of(
    db: &Database,
    pool: &UserPoolId,
    now: OffsetDateTime,
    limit: i64,
) -> Result<bool, Error> {
    sqlx::query!(
        "UPDATE user_import_jobs SET deletion_date = $2
         WHERE user_pool_id = $1 AND deletion_date IS NULL AND job_id <= (
             SELECT job_id FROM (
                 SELECT job_id FROM user_import_jobs
                 WHERE user_pool_id = $1 AND deletion_date IS NULL
                 ORDER BY job_id LIMIT $3) AS bite
             ORDER BY job_id DESC LIMIT 1)",
        pool.as_str(),
        now,
        limit,
    )
    .execute(&db.pool)
    .await?;
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM user_import_jobs WHERE user_pool_id = $1) AS "left!""#,
        pool.as_str(),
    )
    .fetch_one(&db.pool)
    .await?)
}

/// Deletes up to `limit` users of a deleted pool. Answers how many.
///
/// # Errors
/// Unavailable without a database.
pub async fn delete_users_of(db: &Database, pool: &UserPoolId, limit: i64) -> Result<u64, Error> {
    let done = sqlx::query!(
        "DELETE FROM users WHERE user_pool_id = $1 AND username_key <= (
             SELECT max(username_key) FROM (
                 SELECT username_key FROM users WHERE user_pool_id = $1
                 ORDER BY username_key LIMIT $2) AS bite)",
        pool.as_str(),
        limit,
    )
    .execute(&db.pool)
    .await?;
    Ok(done.rows_affected())
}

/// Deletes the row of a deleted pool, if none of its users is left: another
/// purge may still be at them, and may die. Answers whether it did.
///
/// # Errors
/// Unavailable without a database.
pub async fn delete_pool(db: &Database, pool: &UserPoolId) -> Result<bool, Error> {
    let mut tx = db.begin("purge_pool").await?;
    sqlx::query!(
        "DELETE FROM request_ids WHERE user_pool_id = $1",
        pool.as_str()
    )
    .execute(tx.connection())
    .await?;
    let done = sqlx::query!(
        "DELETE FROM user_pools WHERE user_pool_id = $1 AND deletion_date IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM users WHERE user_pool_id = $1)",
        pool.as_str()
    )
    .execute(tx.connection())
    .await?;
    tx.commit().await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets about `limit` request ids from before a time: those of one instant
/// go together. Answers how many.
///
/// # Errors
/// Unavailable without a database.
pub async fn delete_request_ids(
    db: &Database,
    before: OffsetDateTime,
    limit: i64,
) -> Result<u64, Error> {
    let done = sqlx::query!(
        "DELETE FROM request_ids WHERE creation_date < $1 AND creation_date <= (
             SELECT max(creation_date) FROM (
                 SELECT creation_date FROM request_ids WHERE creation_date < $1
                 ORDER BY creation_date LIMIT $2) AS bite)",
        before,
        limit,
    )
    .execute(&db.pool)
    .await?;
    Ok(done.rows_affected())
}
