//! Looking at a job while it runs, and at what must hold at every instant.

use std::time::{Duration, Instant};

use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::client::Job;

/// Longer than anything takes that comes to an end at all.
pub const PATIENCE: Duration = Duration::from_secs(180);
/// The pause between two looks.
const LOOK: Duration = Duration::from_millis(5);

/// Waits until `look` finds something. What is waited for is asked for again
/// and again; it is a fault when it takes for ever.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waiting for {what}");
        tokio::time::sleep(LOOK).await;
    }
}

/// What any reader sees of a job, all at one instant.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Look {
    pub status: String,
    pub imported: i64,
    pub skipped: i64,
    pub failed: i64,
    /// Users that bear the job's id.
    pub users: i64,
    /// Rows of the report.
    pub rejected: i64,
    /// The sum of the lanes' checkpoints.
    pub checkpoint: i64,
    /// Changes with the worker.
    pub token: Option<Uuid>,
}

impl Look {
    pub fn processed(&self) -> i64 {
        self.imported + self.skipped + self.failed
    }

    pub fn has_ended(&self) -> bool {
        ["SUCCEEDED", "FAILED", "STOPPED", "EXPIRED"].contains(&self.status.as_str())
    }
}

/// Looks at one job, past all that a drill does to the service.
pub struct Watcher {
    connection: PgConnection,
    job: Uuid,
    before: Option<Look>,
}

impl Watcher {
    pub async fn new(database: &str, job: &Job) -> Self {
        Self {
            connection: connect(database).await,
            job: job.uuid(),
            before: None,
        }
    }

    /// One look. Panics when something does not add up, or goes backwards.
    pub async fn look(&mut self) -> Look {
        let look: Look = sqlx::query_as(
            "SELECT j.status,
                 j.imported_users + l.imported AS imported,
                 j.skipped_users + l.skipped AS skipped,
                 j.failed_users + l.failed AS failed,
                 (SELECT count(*) FROM users u
                  WHERE u.user_pool_id = j.user_pool_id AND u.import_job_id = j.job_id) AS users,
                 (SELECT count(*) FROM rejected_rows r
                  WHERE r.user_pool_id = j.user_pool_id AND r.job_id = j.job_id) AS rejected,
                 l.checkpoint, l.token
             FROM user_import_jobs j CROSS JOIN LATERAL (
                 SELECT coalesce(sum(imported_users), 0)::bigint AS imported,
                        coalesce(sum(skipped_users), 0)::bigint AS skipped,
                        coalesce(sum(failed_users), 0)::bigint AS failed,
                        coalesce(sum(checkpoint_bytes), 0)::bigint AS checkpoint,
                        (array_agg(lease_token))[1] AS token
                 FROM import_lanes l
                 WHERE l.user_pool_id = j.user_pool_id AND l.job_id = j.job_id) AS l
             WHERE j.job_id = $1",
        )
        .bind(self.job)
        .fetch_one(&mut self.connection)
        .await
        .expect("a look at the job");
        assert_eq!(look.imported, look.users, "{look:?}");
        assert_eq!(look.skipped + look.failed, look.rejected, "{look:?}");
        if let Some(before) = self.before.take() {
            assert!(
                before.processed() <= look.processed(),
                "{before:?} {look:?}"
            );
            if before.has_ended() {
                assert_eq!(before, look, "a job that had ended");
            }
        }
        self.before = Some(look.clone());
        look
    }

    /// Looks until the job is as it is waited for, or has ended.
    pub async fn until(&mut self, what: &str, reached: impl Fn(&Look) -> bool) -> Look {
        until(what, async || {
            let look = self.look().await;
            (look.has_ended() || reached(&look)).then_some(look)
        })
        .await
    }

    /// Looks until so many rows are accounted for, or the job has ended.
    pub async fn until_processed(&mut self, rows: i64) -> Look {
        self.until("rows", |look| look.processed() >= rows).await
    }

    pub async fn until_ended(&mut self) -> Look {
        self.until("the end of the job", |_| false).await
    }

    /// Waits for the worker that follows `before`'s to write something, or for
    /// the end of the job. Answers that look, and how long it took since.
    pub async fn until_taken_over(&mut self, before: &Look, since: Instant) -> (Look, Duration) {
        // Up to here the worker of before may have come.
        let mut reached = before.checkpoint;
        let next = until("another worker", async || {
            let look = self.look().await;
            if look.token == before.token {
                reached = reached.max(look.checkpoint);
                return look.has_ended().then_some(look);
            }
            (look.has_ended() || look.checkpoint > reached).then_some(look)
        })
        .await;
        (next, since.elapsed())
    }

    /// The connection past all faults.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

pub async fn connect(database: &str) -> PgConnection {
    PgConnection::connect(database).await.expect("a connection")
}
