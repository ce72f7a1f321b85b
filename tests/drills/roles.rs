//! A database role for each program, by which its connections are told apart.

use sqlx::{AssertSqlSafe, PgConnection};
use url::Url;
use uuid::Uuid;

use crate::look::{connect, until};

/// A role that may do what muster may.
pub struct Role {
    pub name: String,
    /// The way to the database as this role.
    pub url: String,
}

impl Role {
    pub async fn new(database: &str) -> Self {
        let name = format!("drill_{}", Uuid::new_v4().simple());
        let mut url = Url::parse(database).expect("a connection string");
        url.set_username(&name).expect("a URL with a user");
        let made = format!("CREATE ROLE {name} LOGIN IN ROLE muster");
        sqlx::raw_sql(AssertSqlSafe(made))
            .execute(&mut connect(database).await)
            .await
            .expect("a role");
        let url = url.into();
        Self { name, url }
    }

    /// The server processes behind those of its connections of which the
    /// condition on `pg_stat_activity` holds.
    pub async fn backends(&self, connection: &mut PgConnection, which: &str) -> Vec<i32> {
        sqlx::query_scalar(AssertSqlSafe(format!(
            "SELECT pid FROM pg_stat_activity WHERE usename = $1 AND {which} ORDER BY pid"
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
            let busy = self.backends(connection, "state = 'active'").await;
            busy.is_empty().then_some(())
        })
        .await;
        let open = self.backends(connection, "xact_start IS NOT NULL").await;
        !open.is_empty()
    }

    /// Drops the role of a program that has ended.
    pub async fn drop(self, database: &str) {
        let mut connection = connect(database).await;
        // Postgres may not have noticed yet that nobody is there any more.
        until("connections that have ended", async || {
            let left = self.backends(&mut connection, "true").await;
            left.is_empty().then_some(())
        })
        .await;
        sqlx::raw_sql(AssertSqlSafe(format!("DROP ROLE {}", self.name)))
            .execute(&mut connection)
            .await
            .expect("a role that nothing depends on");
    }
}
