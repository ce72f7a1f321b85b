//! `muster migrate`: brings a database's schema up to date.

use std::process::ExitCode;

use clap::Args;

use super::config::{DatabaseTimeouts, DatabaseUrl, DatabaseWait, Flag, LogArgs};
use super::database::{Databases, in_words};
use super::lifecycle::Outcome;
use super::{StartError, say, telemetry, tell};

/// Which database.
#[derive(Clone, Debug, Args)]
pub struct MigrateArgs {
    #[command(flatten)]
    database: DatabaseUrl,
    #[command(flatten)]
    wait: DatabaseWait,
    #[command(flatten)]
    log: LogArgs,
}

/// Applies what is missing, and tells how much that was.
pub async fn run(args: MigrateArgs) -> ExitCode {
    telemetry::init(&args.log);
    match migrate(&args).await {
        Ok(0) => tell("The schema was up to date."),
        Ok(1) => tell("Applied 1 migration."),
        Ok(n) => tell(&format!("Applied {n} migrations.")),
        Err(error) => {
            say(&format!("error: {error}"));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

async fn migrate(args: &MigrateArgs) -> Result<usize, StartError> {
    let settings = DatabaseTimeouts::default().settings(&args.database.database_url, 1)?;
    let databases = Databases::open(&settings, args.wait.database_wait).await?;
    let applied = databases
        .work
        .migrate()
        .await
        .map_err(|error| StartError::setting(Flag::DATABASE_URL, in_words(&error)));
    databases.close(Outcome::Clean).await;
    applied
}
