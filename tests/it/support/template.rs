//! The database that every test's own is a copy of.

use std::path::Path;

use sha2::{Digest as _, Sha256};
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use url::Url;

/// The template's name for the migrations as they are now in `migrations/`,
/// made if the cluster has none. The caller holds the start lock.
pub async fn ensure(url: &str) -> String {
    let migrations = migrations().await;
    let mut hash = Sha256::new();
    for migration in migrations.iter().flat_map(Migrator::iter) {
        hash.update(migration.version.to_be_bytes());
        hash.update(&*migration.checksum);
    }
    let name = format!("muster_template_{}", &hex::encode(hash.finalize())[..12]);

    let mut admin = PgConnection::connect(url).await.expect("the cluster");
    let there: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(&name)
            .fetch_one(&mut admin)
            .await
            .expect("a look at the databases");
    if !there {
        // It takes its name when it is complete: a run that was killed on the
        // way leaves no half of a schema to be copied.
        run(
            &mut admin,
            "DROP DATABASE IF EXISTS muster_unfinished WITH (FORCE)",
        )
        .await;
        run(&mut admin, "CREATE DATABASE muster_unfinished").await;
        if let Some(migrations) = migrations {
            migrate(&with_database(url, "muster_unfinished"), &migrations).await;
        }
        let rename = format!("ALTER DATABASE muster_unfinished RENAME TO {name}");
        run(&mut admin, &rename).await;
        // A connection to it would make copying fail.
        run(
            &mut admin,
            &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"),
        )
        .await;
    }
    admin.close().await.expect("a goodbye to the cluster");
    name
}

/// The same cluster's connection string for another database.
pub fn with_database(url: &str, database: &str) -> String {
    let mut url = Url::parse(url).expect("a connection string");
    url.set_path(database);
    url.into()
}

/// Read when the tests run, not compiled in, so that a migration that is
/// added or changed needs no rebuild. `None` while there is no such folder.
async fn migrations() -> Option<Migrator> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    if !dir.exists() {
        return None;
    }
    Some(
        Migrator::new(dir)
            .await
            .expect("migrations that can be read"),
    )
}

async fn migrate(url: &str, migrations: &Migrator) {
    let mut connection = PgConnection::connect(url).await.expect("the template");
    migrations
        .run(&mut connection)
        .await
        .expect("the migrations");
    connection.close().await.expect("a goodbye to the template");
}

async fn run(connection: &mut PgConnection, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
}
