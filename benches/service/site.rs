//! A database with a server on it; schedulers come and go.

use muster::api::v1::UserImportJob;

use super::client::{Ended, Job};
use super::cluster::{Cluster, Database};
use super::programs::{Scheduler, Server};
use crate::fault::{Result, check};
use crate::file::csv::UserFile;
use crate::file::truth::{self, Truth};

/// A database and a server.
#[derive(Debug)]
pub struct Site {
    /// The database.
    pub database: Database,
    /// The server.
    pub server: Server,
}

/// A file that was imported.
#[derive(Debug)]
pub struct Import {
    /// The job.
    pub job: Job,
    /// How it ended.
    pub ended: Ended,
    /// The most memory of its scheduler, in MiB.
    pub memory: f64,
}

impl Import {
    /// From Start to the end, in seconds.
    pub fn seconds(&self) -> f64 {
        self.ended.seconds()
    }
}

impl Site {
    /// A new database, and a server on it.
    pub async fn open(cluster: &Cluster, name: &str) -> Result<Self> {
        Self::on(cluster.database(name).await?).await
    }

    /// A server on a database.
    pub async fn on(database: Database) -> Result<Self> {
        let server = Server::start(&database).await?;
        Ok(Self { database, server })
    }

    /// Imports a file by a scheduler of its own.
    pub async fn import(&self, pool: &str, flags: &[&str], file: &UserFile) -> Result<Import> {
        let scheduler = Scheduler::start(&self.database, flags).await?;
        let client = &self.server.client;
        let job = client.upload(pool, file).await?;
        self.database.settle().await?;
        client.start(&job).await?;
        let ended = client.succeeded(&job).await?;
        let memory = scheduler.process.memory("VmHWM")?;
        scheduler.process.stop().await?;
        Ok(Import { job, ended, memory })
    }

    /// The same into a pool of its own, and a look at what became of it.
    pub async fn import_checked(
        &self,
        flags: &[&str],
        (file, truth): &(UserFile, Truth),
    ) -> Result<Import> {
        let pool = self.server.client.pool().await?;
        let import = self.import(&pool, flags, file).await?;
        self.check(&import.job, &import.ended.job, truth).await?;
        Ok(import)
    }

    /// Whether a job imported what it should have, and rejected the rest.
    pub async fn check(&self, job: &Job, found: &UserImportJob, truth: &Truth) -> Result<()> {
        let imported = i64::try_from(truth.users.rows)?;
        let rejected = i64::try_from(truth.rejected.rows)?;
        check("imported users", found.imported_users, imported)?;
        let not = found.skipped_users + found.failed_users;
        check("skipped and failed users", not, rejected)?;
        self.check_users(job, truth).await?;
        let mut db = self.database.connect().await?;
        let reports = truth::rejected(&mut db, job.uuid()).await?;
        check("the rejected rows of the job", reports, truth.rejected)
    }

    /// Whether the users of a job are those of its file.
    pub async fn check_users(&self, job: &Job, truth: &Truth) -> Result<()> {
        let mut db = self.database.connect().await?;
        let condition = format!("import_job_id = '{}'", job.uuid());
        let users = truth::users(&mut db, "users", true, &condition).await?;
        check("the users of the job", users, truth.users)
    }

    /// Stops the server.
    pub async fn close(self) -> Result<()> {
        self.server.process.stop().await
    }
}
