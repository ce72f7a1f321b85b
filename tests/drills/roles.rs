//! A name for each program at the database, by which its connections are told
//! apart.

use sqlx::{AssertSqlSafe, PgConnection};
use url::Url;
use uuid::Uuid;

use crate::look::until;

/// The connections of one program.
pub struct Role {
    name: String,
    /// The way to the database under this name.
    pub url: String,
}

impl Role {
    pub fn new(database: &str) -> Self {
        let name = format!("drill {}", Uuid::new_v4().simple());
        let mut url = Url::parse(database).expect("a connection string");
        url.query_pairs_mut().append_pair("application_name", &name);
        let url = url.into();
        Self { name, url }
    }

    /// The server processes behind those of its connections of which the
    /// condition on `pg_stat_activity` holds.
    pub async fn backends(&self, connection: &mut PgConnection, which: &str) -> Vec<i32> {
        sqlx::query_scalar(AssertSqlSafe(format!(
            "SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND {which} ORDER BY pid"
        )))
        .bind(&self.name)
        .fetch_all(connection)
        .await
        .expect("the connections")
    }

    /// Waits until there are such connections.
    pub async fn until_backends(&self, connection: &mut PgConnection, which: &str) -> Vec<i32> {
        until(which, async || {
            let found = self.backends(connection, which).await;
            (!found.is_empty()).then_some(found)
        })
        .await
    }

    /// Waits until Postgres does nothing for it any more. Answers whether a
    /// transaction is open.
    pub async fn until_quiet(&self, connection: &mut PgConnection) -> bool {
        until("quiet connections", async || {
            // In the midst of a COPY it may wait for the program.
            let busy = "state = 'active' AND wait_event IS DISTINCT FROM 'ClientRead'";
            let busy = self.backends(connection, busy).await;
            busy.is_empty().then_some(())
        })
        .await;
        let open = self.backends(connection, "xact_start IS NOT NULL").await;
        !open.is_empty()
    }
}
