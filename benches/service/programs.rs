//! `muster-server` and `muster-scheduler` on a database, as a user runs them.

use clap::CommandFactory as _;
use muster::process::config::{SchedulerConfig, parse_from};
use muster::scheduler::SchedulerSettings;

use super::client::Client;
use super::cluster::Database;
use super::process::{Process, SCHEDULER, SERVER, field};
use crate::fault::Result;

/// Signs the URLs of this run's uploads.
pub const KEY: &str = "0123456789abcdef0123456789abcdef";

/// A server that is ready, and a client of it.
#[derive(Debug)]
pub struct Server {
    /// The program.
    pub process: Process,
    /// Where it serves gRPC.
    pub grpc: String,
    /// A client.
    pub client: Client,
}

/// A scheduler that is ready.
#[derive(Debug)]
pub struct Scheduler {
    /// The program.
    pub process: Process,
}

/// The variables of both.
pub fn variables(database: &Database) -> Vec<(&'static str, String)> {
    vec![
        ("MUSTER_DATABASE_URL", database.url().to_owned()),
        (
            "MUSTER_OBJECT_STORE",
            format!("file://{}", database.store.display()),
        ),
        ("MUSTER_LOG_FORMAT", "json".to_owned()),
    ]
}

/// Those of a server.
pub fn server_variables(database: &Database) -> Vec<(&'static str, String)> {
    let mut variables = variables(database);
    variables.push(("MUSTER_SIGNING_KEY", KEY.to_owned()));
    variables.push(("MUSTER_HTTP_ADDR", "127.0.0.1:0".to_owned()));
    variables
}

impl Server {
    /// Starts one.
    pub async fn start(database: &Database) -> Result<Self> {
        let mut variables = server_variables(database);
        variables.push(("MUSTER_GRPC_ADDR", "127.0.0.1:0".to_owned()));
        let log = database.store.join("server.log");
        let mut process = Process::start(SERVER, &[], &variables, &log)?;
        let grpc = field(&process.line("muster-server is ready").await?, "grpc")?;
        let client = Client::connect(&grpc).await?;
        Ok(Self {
            process,
            grpc,
            client,
        })
    }
}

impl Scheduler {
    /// Starts one with these flags beside.
    pub async fn start(database: &Database, flags: &[&str]) -> Result<Self> {
        let mut variables = variables(database);
        variables.push(("MUSTER_SCHEDULER_ADDR", "127.0.0.1:0".to_owned()));
        let log = database.store.join("scheduler.log");
        let mut process = Process::start(SCHEDULER, flags, &variables, &log)?;
        process.line("muster-scheduler is ready").await?;
        Ok(Self { process })
    }
}

/// How a scheduler imports when it is not told otherwise.
pub fn defaults() -> Result<SchedulerSettings> {
    let required = [
        "muster-scheduler",
        "--database-url=postgres://",
        "--object-store=file:///",
    ];
    let config: SchedulerConfig = parse_from(SchedulerConfig::command(), required)?;
    Ok(config.importing.settings(&config.limits))
}
