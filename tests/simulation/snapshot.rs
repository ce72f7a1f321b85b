//! All that a reader can see at one instant.

use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::file;

#[derive(Clone, Debug, Deserialize)]
pub struct Job {
    pub job_id: String,
    pub user_pool_id: String,
    pub job_name: String,
    pub status: String,
    pub imported_users: u64,
    pub skipped_users: u64,
    pub failed_users: u64,
    pub processed_bytes: u64,
    pub total_rows: Option<u64>,
    pub total_bytes: Option<u64>,
    pub upload_object: Option<String>,
    pub completion_date: Option<String>,
    pub completion_message: Option<String>,
    pub failure_reason: Option<String>,
    pub deletion_date: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Lane {
    pub job_id: String,
    pub lane: usize,
    pub checkpoint_bytes: u64,
    pub checkpoint_line: u64,
    pub imported_users: u64,
    pub skipped_users: u64,
    pub failed_users: u64,
    pub finished: bool,
    pub lease_token: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct User {
    pub import_job_id: String,
    pub import_line: u64,
    pub username_key: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Rejected {
    pub job_id: String,
    pub line: u64,
    pub code: String,
    pub column_name: Option<String>,
    pub detail: Option<i64>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Pool {
    pub user_pool_id: String,
    pub import_job_count: usize,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Snapshot {
    pub jobs: Vec<Job>,
    pub lanes: Vec<Lane>,
    pub users: Vec<User>,
    pub rejected: Vec<Rejected>,
    pub pools: Vec<Pool>,
}

impl Snapshot {
    /// By one statement, so that all of it is of one instant.
    pub async fn take(connection: &mut PgConnection) -> Result<Self, String> {
        let seen: String = sqlx::query_scalar(
            "SELECT json_build_object(
                 'jobs', (SELECT coalesce(json_agg(j), '[]') FROM user_import_jobs j),
                 'lanes', (SELECT coalesce(json_agg(l ORDER BY job_id, lane), '[]')
                     FROM import_lanes l),
                 'users', (SELECT coalesce(json_agg(u), '[]') FROM (
                     SELECT import_job_id, import_line, username_key FROM users) u),
                 'rejected', (SELECT coalesce(json_agg(r), '[]') FROM rejected_rows r),
                 'pools', (SELECT coalesce(json_agg(p), '[]') FROM (
                     SELECT user_pool_id, import_job_count FROM user_pools) p))::text",
        )
        .fetch_one(connection)
        .await
        .map_err(|e| format!("the reader: {e}"))?;
        serde_json::from_str(&seen).map_err(|e| format!("the reader: {e}"))
    }

    pub fn job(&self, id: &str) -> Option<&Job> {
        self.jobs.iter().find(|j| j.job_id == id)
    }

    pub fn lanes_of(&self, id: &str) -> Vec<&Lane> {
        self.lanes.iter().filter(|l| l.job_id == id).collect()
    }
}

/// Everything about the users of a pool, in a space of names, but what is random
/// or of the time: whether a job of the history made them, and their row.
pub async fn users(
    connection: &mut PgConnection,
    pool: &str,
    space: usize,
) -> Result<Vec<String>, String> {
    sqlx::query_scalar(
        "SELECT (to_jsonb(u) - ARRAY['user_pool_id', 'import_job_id', 'sub', 'user_create_date']
             || jsonb_build_object('own', import_job_id <> $2))::text
         FROM users u WHERE user_pool_id = $1 AND starts_with(username_key, $3)
         ORDER BY username_key",
    )
    .bind(pool)
    .bind(THERE)
    .bind(file::key_start(space))
    .fetch_all(connection)
    .await
    .map_err(|e| format!("the reader: {e}"))
}

/// The job that made the users that are there before.
pub const THERE: Uuid = Uuid::from_u128(1);
