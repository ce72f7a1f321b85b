//! Where histories take place: a database, and the cluster itself where it is
//! to be killed.

use std::path::PathBuf;
use std::sync::Arc;

use muster::dev::postgres::{Cluster, Options, StopMode};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::runtime::Runtime;

use crate::support::cluster::{self, TestDatabase};
use crate::support::template;
use crate::wire::Sessions;

/// A database whose clock can be put on: leases go by it.
const CLOCK: &str = "CREATE SCHEMA simulated;
    CREATE TABLE simulated.clock (ahead interval NOT NULL);
    INSERT INTO simulated.clock VALUES ('0');
    CREATE FUNCTION simulated.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS
        'SELECT pg_catalog.clock_timestamp() + ahead FROM simulated.clock';
    DO $$ BEGIN
        EXECUTE format('ALTER DATABASE %I SET search_path = simulated, pg_catalog, public',
            current_database());
    END $$";

async fn run(url: &str, statements: &str) {
    let mut connection = PgConnection::connect(url).await.expect("a connection");
    let done = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
        .execute(&mut connection)
        .await;
    done.unwrap_or_else(|error| panic!("{statements}: {error}"));
}

/// A runtime of its own: the histories' stands still.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Runs `work` on a runtime, whatever thread this is.
fn on<T: Send, F: Future<Output = T>>(runtime: &Runtime, work: impl FnOnce() -> F + Send) -> T {
    std::thread::scope(|scope| {
        let done = scope.spawn(|| runtime.block_on(work())).join();
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// A database for histories.
pub struct Place {
    pub url: String,
    pub sessions: Arc<Sessions>,
    pub cluster: Option<OwnCluster>,
    _database: Option<TestDatabase>,
}

impl Place {
    /// A database of the cluster that all tests share, which nobody may kill.
    pub fn shared() -> Self {
        let database = cluster::database();
        let url = database.url().to_owned();
        on(&runtime(), || run(&url, CLOCK));
        Self {
            url,
            sessions: Arc::default(),
            cluster: None,
            _database: Some(database),
        }
    }

    /// A database of a cluster of its own.
    pub fn own() -> Self {
        let folder = cluster::folder();
        let mut own = OwnCluster {
            runtime: runtime(),
            folder,
            running: None,
        };
        let url = own.start("simulation");
        let admin = own.running.as_ref().expect("a cluster").url("postgres");
        on(&own.runtime, async || {
            let template = template::ensure(&admin).await;
            let create = format!("CREATE DATABASE simulation TEMPLATE \"{template}\"");
            run(&admin, &create).await;
            run(&url, CLOCK).await;
        });
        Self {
            url,
            sessions: Arc::default(),
            cluster: Some(own),
            _database: None,
        }
    }
}

/// A cluster that outlives being killed.
pub struct OwnCluster {
    runtime: Runtime,
    folder: PathBuf,
    running: Option<Cluster>,
}

impl OwnCluster {
    /// Starts it. Answers the connection string for one of its databases,
    /// which stays the same.
    pub fn start(&mut self, database: &str) -> String {
        let mut options = Options::throwaway(&self.folder);
        options.settings = [
            // What was committed is to outlive the server, though not the machine.
            ("synchronous_commit", "on"),
            ("deadlock_timeout", "20ms"),
            // Sessions are short: a statement is planned once in each.
            ("plan_cache_mode", "force_generic_plan"),
            ("max_connections", "60"),
            ("shared_buffers", "16MB"),
            ("autovacuum_naptime", "5s"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        let cluster = on(&self.runtime, || Cluster::start(options)).expect("a cluster");
        let url = cluster.url(database);
        self.running = Some(cluster);
        url
    }

    /// Kills it, as a machine that goes off does.
    pub fn kill(&mut self) {
        if let Some(cluster) = self.running.take() {
            let stopped = on(&self.runtime, || cluster.stop(StopMode::Immediate));
            stopped.expect("an end of the cluster");
        }
    }
}

impl Drop for OwnCluster {
    fn drop(&mut self) {
        self.kill();
        drop(std::fs::remove_dir_all(&self.folder));
    }
}
