//! A lock that racing calls line up behind, so that a race is run in a known
//! order without a sleep.

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection};

use super::muster::TestMuster;

/// Holds locks until it is opened.
pub struct Gate {
    keeper: PgConnection,
    watcher: PgConnection,
}

impl Gate {
    /// Takes the locks that a statement takes.
    pub async fn shut(test: &TestMuster, statement: &str) -> Self {
        let mut keeper = test.connection().await;
        for statement in ["BEGIN", statement] {
            sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
                .execute(&mut keeper)
                .await
                .expect("a gate");
        }
        Self {
            keeper,
            watcher: test.connection().await,
        }
    }

    /// Returns once this many of muster's sessions wait for a lock.
    pub async fn waiting(&mut self, sessions: i64) {
        self.until(|waiting| waiting == sessions).await;
    }

    /// Returns once any of muster's sessions waits for a lock.
    pub async fn crowded(&mut self) {
        self.until(|waiting| waiting > 0).await;
    }

    async fn until(&mut self, enough: impl Fn(i64) -> bool) {
        let all_there = async {
            loop {
                let waiting: i64 = sqlx::query_scalar(
                    "SELECT count(*) FROM pg_stat_activity
                     WHERE datname = current_database() AND application_name = 'muster'
                       AND wait_event_type = 'Lock'",
                )
                .fetch_one(&mut self.watcher)
                .await
                .expect("the sessions");
                if enough(waiting) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), all_there)
            .await
            .unwrap_or_else(|_| panic!("sessions at the gate"));
    }

    /// Gives the locks back.
    pub async fn open(mut self) {
        sqlx::raw_sql("COMMIT")
            .execute(&mut self.keeper)
            .await
            .expect("an open gate");
    }
}
