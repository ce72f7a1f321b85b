//! How much there is to do, and how long it has waited: for [`crate::meters`].

use time::OffsetDateTime;

use super::Database;
use crate::domain::error::Error;
use crate::domain::job::JobStatus;
use crate::meters::Backlog;

/// Jobs of a status are counted up to here: that many are too many anyway, and
/// a count costs as much as there is to count.
const MOST: i64 = 10_000;

/// The jobs that have not ended. Each status is counted by an index that holds
/// no job that has ended.
///
/// # Errors
/// Unavailable without a database.
pub async fn backlog(db: &Database, now: OffsetDateTime) -> Result<Backlog, Error> {
    // In the order of the index: it shall be the cheapest way to the first ones.
    let row = sqlx::query!(
        r#"SELECT created.jobs AS "created!", pending.jobs AS "pending!", pending.oldest,
             in_progress.jobs AS "in_progress!", stopping.jobs AS "stopping!",
             extract(epoch FROM clock_timestamp() - lanes.moved_at)::float8 AS unmoved
           FROM
             (SELECT count(*) AS jobs FROM
                 (SELECT expires_at FROM user_import_jobs WHERE status = 'CREATED'
                  ORDER BY expires_at LIMIT $1) j) created,
             (SELECT count(*) AS jobs, min(start_date) AS oldest FROM
                 (SELECT start_date FROM user_import_jobs WHERE status = 'PENDING'
                  ORDER BY start_date LIMIT $1) j) pending,
             (SELECT count(*) AS jobs FROM
                 (SELECT start_date FROM user_import_jobs WHERE status = 'IN_PROGRESS'
                  ORDER BY start_date LIMIT $1) j) in_progress,
             (SELECT count(*) AS jobs FROM
                 (SELECT start_date FROM user_import_jobs WHERE status = 'STOPPING'
                  ORDER BY start_date LIMIT $1) j) stopping,
             (SELECT min(last) AS moved_at FROM
                 (SELECT max(moved_at) AS last FROM import_lanes
                  GROUP BY user_pool_id, job_id) j) lanes"#,
        MOST,
    )
    .fetch_one(&db.pool)
    .await?;
    let [created, pending, in_progress, stopping] =
        [row.created, row.pending, row.in_progress, row.stopping].map(|jobs| jobs as f64);
    // Clocks of several machines may differ a little.
    let waited = |since: OffsetDateTime| (now - since).as_seconds_f64().max(0.0);
    Ok(Backlog {
        jobs: [
            (JobStatus::Created, created),
            (JobStatus::Pending, pending),
            (JobStatus::InProgress, in_progress),
            (JobStatus::Stopping, stopping),
        ],
        oldest_pending: row.oldest.map_or(0.0, waited),
        oldest_unmoved: row.unmoved.map_or(0.0, |seconds| seconds.max(0.0)),
    })
}
