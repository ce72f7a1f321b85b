//! PENDING jobs are taken up, and get their lanes.

use super::lanes::{JobKey, key};
use super::together::SMALL;
use super::{Database, signed};
use crate::domain::error::Error;

/// A job that was taken up.
#[derive(Clone, Debug)]
pub struct Dispatched {
    /// The job.
    pub job: JobKey,
    /// The trace that it was started in.
    pub trace_parent: Option<String>,
}

/// Takes up to `limit` PENDING jobs up, the oldest first, and with each small one
/// up to `with_it` small ones of its pool, which are imported together with it
/// unless the pool is one of `alone`. They become IN_PROGRESS, with lanes that
/// nobody has claimed: one for each `lane_bytes` of the file, up to `lanes`. A
/// pool with aliases gets one lane, since two usernames may collide on an alias.
/// Answers which.
///
/// # Errors
/// Unavailable without a database.
pub async fn dispatch(
    db: &Database,
    lanes: u16,
    lane_bytes: u64,
    limit: i64,
    with_it: i64,
    alone: &[String],
) -> Result<Vec<Dispatched>, Error> {
    let lane_bytes = lane_bytes.max(1);
    // Those with several lanes are imported by themselves.
    let small = if lanes > 1 { lane_bytes - 1 } else { SMALL };
    // Materialised: as a subquery it could be run for each PENDING job, with
    // other jobs each time, and more than `limit` in the end. Each pool by itself:
    // the queue may be long.
    let done = sqlx::query!(
        "WITH oldest AS MATERIALIZED (
             SELECT j.user_pool_id, j.job_id,
                 j.total_bytes <= $4 AND j.user_pool_id <> ALL($6)
                 AND (SELECT p.alias_attributes = '{}' FROM user_pools p
                      WHERE p.user_pool_id = j.user_pool_id) AS is_small
             FROM user_import_jobs j
             WHERE j.status = 'PENDING'
             ORDER BY j.start_date LIMIT $2 FOR NO KEY UPDATE OF j SKIP LOCKED),
         small AS MATERIALIZED (
             SELECT s.user_pool_id, s.job_id
             FROM (SELECT o.user_pool_id, count(*) AS jobs FROM oldest o
                   WHERE o.is_small GROUP BY o.user_pool_id) p
             CROSS JOIN LATERAL (
                 SELECT j.user_pool_id, j.job_id FROM user_import_jobs j
                 WHERE j.user_pool_id = p.user_pool_id
                   AND j.status = 'PENDING' AND j.total_bytes <= $4
                   AND NOT EXISTS (SELECT 1 FROM oldest o
                       WHERE o.user_pool_id = j.user_pool_id AND o.job_id = j.job_id)
                 ORDER BY j.start_date LIMIT p.jobs * $5 FOR NO KEY UPDATE SKIP LOCKED) s),
         taken AS (
             UPDATE user_import_jobs j SET status = 'IN_PROGRESS'
             FROM (SELECT user_pool_id, job_id FROM oldest
                   UNION ALL SELECT user_pool_id, job_id FROM small) o
             WHERE j.user_pool_id = o.user_pool_id AND j.job_id = o.job_id
               AND j.status = 'PENDING'
             RETURNING j.user_pool_id, j.job_id, j.total_bytes, j.trace_parent),
         made AS (
             INSERT INTO import_lanes (user_pool_id, job_id, lane)
             SELECT t.user_pool_id, t.job_id, lane
             FROM taken t JOIN user_pools p USING (user_pool_id),
                  generate_series(0, CASE WHEN p.alias_attributes = '{}'
                      THEN least($1::int - 1, t.total_bytes / $3) ELSE 0 END) AS lane)
         SELECT user_pool_id, job_id, trace_parent FROM taken",
        i32::from(lanes.max(1)),
        limit,
        signed(lane_bytes)?,
        signed(small.min(SMALL))?,
        with_it,
        alone,
    )
    .fetch_all(&db.pool)
    .await?;
    done.into_iter()
        .map(|row| {
            Ok(Dispatched {
                job: key(&row.user_pool_id, row.job_id)?,
                trace_parent: row.trace_parent,
            })
        })
        .collect()
}
