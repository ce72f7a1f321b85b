//! What must be in the object store, and what may come to lie there too late.

use time::OffsetDateTime;

use super::Database;
use super::lanes::{JobKey, key};
use crate::domain::error::Error;

/// Notes that a job's folder is to be deleted once more, if the job could be
/// started after `then`: until that time a URL of the object store for it may be
/// good, whatever became of the job.
///
/// # Errors
/// Unavailable without a database.
pub async fn sweep_later(db: &Database, job: &JobKey, then: OffsetDateTime) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO uploads_to_sweep (user_pool_id, job_id, expires_at)
         SELECT user_pool_id, job_id, expires_at FROM user_import_jobs
         WHERE user_pool_id = $1 AND job_id = $2 AND expires_at > $3
         ON CONFLICT DO NOTHING",
        job.user_pool_id.as_str(),
        job.job_id.0,
        then,
    )
    .execute(&db.pool)
    .await?;
    Ok(())
}

/// Jobs whose folder is to be deleted once more, and that could not be started
/// after `then`; at most `limit`.
///
/// # Errors
/// Unavailable without a database.
pub async fn sweeps_due(
    db: &Database,
    then: OffsetDateTime,
    limit: i64,
) -> Result<Vec<JobKey>, Error> {
    sqlx::query!(
        "SELECT user_pool_id, job_id FROM uploads_to_sweep
         WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2",
        then,
        limit,
    )
    .fetch_all(&db.pool)
    .await?
    .into_iter()
    .map(|r| key(&r.user_pool_id, r.job_id))
    .collect()
}

/// Notes that a job's folder was deleted once more.
///
/// # Errors
/// Unavailable without a database.
pub async fn swept(db: &Database, job: &JobKey) -> Result<(), Error> {
    sqlx::query!(
        "DELETE FROM uploads_to_sweep WHERE user_pool_id = $1 AND job_id = $2",
        job.user_pool_id.as_str(),
        job.job_id.0,
    )
    .execute(&db.pool)
    .await?;
    Ok(())
}

/// The name of an upload that must be in the object store by now and for some
/// time to come, if there is one.
///
/// # Errors
/// Unavailable without a database.
pub async fn kept_upload(db: &Database, now: OffsetDateTime) -> Result<Option<String>, Error> {
    let waiting = sqlx::query_scalar!(
        r#"SELECT upload_object AS "object!" FROM user_import_jobs
         WHERE status = 'PENDING' ORDER BY start_date LIMIT 1"#
    )
    .fetch_optional(&db.pool)
    .await?;
    if waiting.is_some() {
        return Ok(waiting);
    }
    Ok(sqlx::query_scalar!(
        r#"SELECT upload_object AS "object!" FROM user_import_jobs
         WHERE upload_purge_at > $1 AND upload_object IS NOT NULL AND deletion_date IS NULL
           AND failure_reason IS DISTINCT FROM 'UPLOAD_MISSING'
         ORDER BY upload_purge_at DESC LIMIT 1"#,
        now,
    )
    .fetch_optional(&db.pool)
    .await?)
}
