//! Waiting for what a database is seen to do, without a sleep.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection};

/// Longer than anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a call answers, which must do so in time.
pub async fn in_time<T>(call: impl Future<Output = T>) -> T {
    let answer = tokio::time::timeout(PATIENCE, call).await;
    answer.expect("a call that ends by itself")
}

/// Looks at a database's sessions from outside.
pub struct Watcher(pub PgConnection);

impl Watcher {
    pub async fn new(url: &str) -> Self {
        Self(PgConnection::connect(url).await.expect("a connection"))
    }

    /// How many of muster's sessions are so.
    pub async fn sessions(&mut self, so: &str) -> i64 {
        let count = format!(
            "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'muster' AND {so}"
        );
        sqlx::query_scalar(sqlx::AssertSqlSafe(count))
            .fetch_one(&mut self.0)
            .await
            .expect("the sessions")
    }

    /// Waits until so many of muster's sessions are so.
    pub async fn until(&mut self, sessions: i64, so: &str) {
        in_time(async {
            while self.sessions(so).await != sessions {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}
