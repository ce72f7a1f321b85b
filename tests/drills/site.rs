//! A database, a folder, a server and schedulers of one drill's own.

use std::path::{Path, PathBuf};

use sqlx::AssertSqlSafe;
use tempfile::TempDir;
use tonic_health::pb::health_check_response::ServingStatus;

use crate::client::{Client, Job};
use crate::file::{File, OLD_USERS, Spec};
use crate::look::{Watcher, connect, until};
use crate::program::Program;
use crate::support::cluster::{self, TestDatabase};
use crate::support::process::{SCHEDULER, SERVER};

/// Quick to take over, and quick to look for work.
pub const QUICK: [&str; 4] = ["--lease", "1s", "--poll", "20ms"];

/// Where muster runs during a drill.
pub struct Site {
    // Dropped in this order: the programs before what they stand on.
    pub server: Program,
    pub schedulers: Vec<Program>,
    folder: TempDir,
    _database: Option<TestDatabase>,
    /// The way to the database that has no faults.
    pub database: String,
}

impl Site {
    /// A server and schedulers on a fresh database.
    pub fn new(schedulers: usize, arguments: &[&str]) -> Self {
        let database = cluster::database();
        let url = database.url().to_owned();
        let ways = vec![url.clone(); schedulers];
        Self::on(&url, (&url, &[]), &ways, arguments).keeping(database)
    }

    /// The same on a database whose way differs from program to program.
    pub fn on(
        database: &str,
        (server, flags): (&str, &[&str]),
        schedulers: &[String],
        arguments: &[&str],
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path();
        Self {
            server: Program::start(SERVER, flags, server, at),
            schedulers: schedulers
                .iter()
                .map(|way| Program::start(SCHEDULER, arguments, way, at))
                .collect(),
            folder,
            _database: None,
            database: database.to_owned(),
        }
    }

    /// Has the site keep a database for as long as it lives.
    pub fn keeping(mut self, database: TestDatabase) -> Self {
        self._database = Some(database);
        self
    }

    /// One scheduler more, whose way to the database has no faults.
    pub fn add_scheduler(&mut self, arguments: &[&str]) {
        let added = Program::start(SCHEDULER, arguments, &self.database, self.folder());
        self.schedulers.push(added);
    }

    /// A caller of the server as it now runs.
    pub fn client(&mut self) -> Client {
        Client::new(&self.server.address("grpc"), &self.server.address("http"))
    }

    /// A pool that takes files of a kind, with the users that those find.
    pub async fn pool(&mut self, spec: Spec) -> String {
        let pool = self.client().pool(spec.aliases).await.expect("a pool");
        sqlx::query(
            "INSERT INTO users (user_pool_id, username_key, username, sub,
                 user_create_date, import_job_id, import_line)
             SELECT $1, 'old-' || n, 'old-' || n, gen_random_uuid(), now(),
                 '00000000-0000-0000-0000-000000000001', n + 2
             FROM generate_series(0, $2 - 1) AS n",
        )
        .bind(&pool)
        .bind(OLD_USERS as i64)
        .execute(&mut connect(&self.database).await)
        .await
        .expect("old users");
        pool
    }

    /// A job over a file of a kind, which is started.
    pub async fn begin(&mut self, spec: Spec) -> Job {
        let pool = self.pool(spec).await;
        self.client().started(&pool, &File::new(spec).csv).await
    }

    pub async fn watch(&self, job: &Job) -> Watcher {
        Watcher::new(&self.database, job).await
    }

    /// Makes each batch take so many milliseconds longer, in the midst of its
    /// transaction, so that there is a midst to be hit.
    pub async fn slow_down(&self, millis: u32) {
        self.pause_of_batches(millis).await;
        self.sql(
            "CREATE TRIGGER slow AFTER INSERT ON users
             FOR EACH STATEMENT EXECUTE FUNCTION slow()",
        )
        .await;
    }

    /// Changes the pause of a site that was slowed down.
    pub async fn pause_of_batches(&self, millis: u32) {
        self.sql(&format!(
            "CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
             AS 'BEGIN PERFORM pg_sleep({millis} / 1000.0); RETURN NULL; END'"
        ))
        .await;
    }

    pub async fn sql(&self, statements: &str) {
        sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
            .execute(&mut connect(&self.database).await)
            .await
            .expect("the statements");
    }

    /// Which of the schedulers that run was the last to begin an import.
    pub fn holder(&self) -> Option<usize> {
        let began = |n: usize| Some((self.schedulers[n].began_to_import()?, n));
        let last = (0..self.schedulers.len()).filter_map(began).max();
        last.map(|(_, n)| n)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until a scheduler says that it is well.
    pub async fn until_healthy(&mut self, scheduler: usize) {
        let address = self.schedulers[scheduler].address("health");
        until("a healthy scheduler", async || {
            let health = Program::health(&address).await;
            (health == Some(ServingStatus::Serving)).then_some(())
        })
        .await;
    }

    /// The files of a job's uploads, the parts of broken ones included.
    pub fn files(&self, job: &Job) -> Vec<PathBuf> {
        let folder = self.folder().join("uploads").join(&job.pool).join(&job.id);
        let Ok(entries) = std::fs::read_dir(folder) else {
            return Vec::new();
        };
        entries.map(|e| e.expect("an entry").path()).collect()
    }

    /// Ends all programs, which have lived until now.
    pub fn end(&mut self) {
        self.server.end();
        for scheduler in &mut self.schedulers {
            scheduler.end();
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for program in [&self.server].into_iter().chain(&self.schedulers) {
                eprintln!("----\n{}", program.last_words());
            }
        }
    }
}
