//! A Postgres of this run's own, with durability on.

use std::path::{Path, PathBuf};

use muster::dev::postgres::{self, Account, Binaries, Options, StopMode};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::process::Command;
use url::Url;

use super::process::MUSTER;
use crate::fault::{Fault, Result, failed};

/// What the table with `\copy` into it is called.
pub const COPIED: &str = "users_copied";

/// Settings that matter, which go with the figures.
pub const SETTINGS: &[&str] = &[
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_level",
    "wal_compression",
    "shared_buffers",
    "max_wal_size",
    "checkpoint_timeout",
    "autovacuum",
    "max_connections",
    "jit",
];

/// A running Postgres.
#[derive(Debug)]
pub struct Cluster {
    running: postgres::Cluster,
    binaries: Binaries,
    folder: PathBuf,
}

/// One of its databases, with muster's schema in place.
#[derive(Clone, Debug)]
pub struct Database {
    url: String,
    port_url: String,
    binaries: Binaries,
    /// Where uploads lie.
    pub store: PathBuf,
}

impl Cluster {
    /// Starts one in a folder; what was there is gone.
    pub async fn start(folder: &Path, settings: &[(String, String)]) -> Result<Self> {
        let binaries = Binaries::find(None, None, &Account::for_new_data()?).await?;
        let mut options = Options::durable(folder.join("cluster"));
        options.settings.extend_from_slice(settings);
        let running = postgres::Cluster::start(options).await?;
        let cluster = Self {
            running,
            binaries,
            folder: folder.to_owned(),
        };
        for (name, wanted) in [("fsync", "on"), ("synchronous_commit", "on")] {
            let found = cluster.setting(name).await?;
            if found != wanted {
                return failed(format!("{name} is {found}"));
            }
        }
        Ok(cluster)
    }

    /// What a setting is.
    pub async fn setting(&self, name: &str) -> Result<String> {
        let mut db = PgConnection::connect(&self.running.url("postgres")).await?;
        let value = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(name)
            .fetch_one(&mut db)
            .await?;
        db.close().await?;
        Ok(value)
    }

    /// A new database that is as another one, to which nobody is connected.
    pub async fn copy(&self, template: &str, name: &str) -> Result<Database> {
        let mut db = PgConnection::connect(&self.running.url("postgres")).await?;
        for statement in [
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
            format!("CREATE DATABASE {name} TEMPLATE {template}"),
        ] {
            execute(&mut db, &statement).await?;
        }
        db.close().await?;
        let store = self.folder.join(format!("store-{name}"));
        if store.exists() {
            std::fs::remove_dir_all(&store)?;
        }
        std::fs::create_dir_all(&store)?;
        Ok(Database {
            url: self.running.socket_url(name),
            port_url: self.running.url(name),
            binaries: self.binaries.clone(),
            store,
        })
    }

    /// A new database with muster's schema, and a table for `\copy` beside.
    pub async fn database(&self, name: &str) -> Result<Database> {
        let database = self.copy("template1", name).await?;
        let migrated = Command::new(MUSTER)
            .arg("migrate")
            .env("MUSTER_DATABASE_URL", database.url())
            .output()
            .await?;
        if !migrated.status.success() {
            return failed(String::from_utf8_lossy(&migrated.stderr));
        }
        // The same columns, types and indexes; what the file does not say is
        // a constant, which costs `\copy` as little as can be.
        let mut db = database.connect().await?;
        for statement in [
            format!("CREATE TABLE {COPIED} (LIKE users INCLUDING ALL EXCLUDING CONSTRAINTS)"),
            format!(
                "ALTER TABLE {COPIED}
                 ALTER user_pool_id SET DEFAULT 'local_AbCdEfGhI',
                 ALTER sub SET DEFAULT '6f1c3a52-7d0e-4b1f-9a55-0c2f8e6d4b7a',
                 ALTER user_create_date SET DEFAULT '2026-03-01 12:00:00.123456+00',
                 ALTER import_job_id SET DEFAULT '018f3a52-7d0e-7b1f-9a55-0c2f8e6d4b7a',
                 ALTER import_line SET DEFAULT 1000"
            ),
        ] {
            execute(&mut db, &statement).await?;
        }
        db.close().await?;
        Ok(database)
    }

    /// Stops it, and removes all that it held.
    pub async fn stop(self) -> Result<()> {
        let home = self.running.home().to_owned();
        self.running.stop(StopMode::Immediate).await?;
        std::fs::remove_dir_all(home)?;
        Ok(())
    }
}

impl Database {
    /// The connection string, over the socket.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same over a port.
    pub fn port_url(&self) -> &str {
        &self.port_url
    }

    /// The same database, for all who ask for its URL over its port.
    pub fn over_port(mut self) -> Self {
        self.url.clone_from(&self.port_url);
        self
    }

    /// One of Postgres's own programs: of the server's version, if it is
    /// where the server is.
    pub fn program(&self, name: &str) -> PathBuf {
        let beside = self.binaries.program(name);
        if beside.is_file() {
            beside
        } else {
            name.into()
        }
    }

    /// A connection.
    pub async fn connect(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect(&self.url).await?)
    }

    /// The variables by which Postgres's own programs find it.
    pub fn variables(&self) -> Result<Vec<(&'static str, String)>> {
        let url = Url::parse(&self.url)?;
        let port = url.port().map(|port| port.to_string());
        let host = match url.query_pairs().find(|(name, _)| name == "host") {
            Some((_, folder)) => folder.into_owned(),
            None => url.host_str().unwrap_or_default().to_owned(),
        };
        Ok(vec![
            ("PGHOST", host),
            ("PGPORT", port.unwrap_or_default()),
            ("PGUSER", url.username().to_owned()),
            ("PGPASSWORD", url.password().unwrap_or_default().to_owned()),
            ("PGDATABASE", url.path().trim_matches('/').to_owned()),
            ("PGSSLMODE", "disable".to_owned()),
            ("LC_ALL", "C".to_owned()),
        ])
    }

    /// Empties the tables of users and the folder of uploads, and pays all
    /// debts to the disk.
    pub async fn empty(&self) -> Result<()> {
        let mut db = self.connect().await?;
        execute(
            &mut db,
            &format!("TRUNCATE users, rejected_lines, {COPIED}"),
        )
        .await?;
        db.close().await?;
        let uploads = self.store.join("uploads");
        if uploads.exists() {
            std::fs::remove_dir_all(uploads)?;
        }
        self.settle().await
    }

    /// Pays all debts to the disk, so that what is measured next pays its own
    /// alone, and sees to it that there is memory.
    pub async fn settle(&self) -> Result<()> {
        let mut db = self.connect().await?;
        for table in ["users", "rejected_lines", COPIED, "user_import_jobs"] {
            execute(&mut db, &format!("VACUUM (ANALYZE) {table}")).await?;
        }
        execute(&mut db, "CHECKPOINT").await?;
        db.close().await?;
        if !Command::new("sync").status().await?.success() {
            return failed("sync");
        }
        tokio::task::spawn_blocking(touch_memory).await?;
        Ok(())
    }
}

/// More memory than anything that is timed takes of the system: a file of
/// 1,000,000 users for tables, indexes and the log, or an upload of 1 GiB.
const MEMORY: usize = 1536 << 20;

/// Takes memory and gives it back. The host of a virtual machine finds its
/// memory at the first touch, which may take ten times as long as to write there
/// (14 microseconds for 4 KiB). Who has just emptied a table writes to memory
/// that was touched, who has just copied a database or made a file does not: two
/// sides of a ratio would differ by that, and be closer to each other by what
/// both pay.
fn touch_memory() {
    std::hint::black_box(vec![1_u8; MEMORY]);
}

/// Runs one statement without parameters.
pub async fn execute(db: &mut PgConnection, statement: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(db)
        .await
        .map_err(|error| Fault::Failed(format!("{statement}: {error}")))?;
    Ok(())
}
