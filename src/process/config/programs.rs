//! What the two services take.

use std::net::SocketAddr;

use clap::Parser;

use super::{
    CallersArgs, DatabaseArgs, FileLimits, ImportingArgs, JobRules, ListenArgs, LogArgs,
    ObjectStoreArgs, ShutdownArgs, SigningKeyArgs, UploadEncryptionArgs, values,
};

/// Serves muster: gRPC, uploads and downloads
#[derive(Clone, Debug, Parser)]
#[command(
    name = "muster-server",
    version,
    after_help = "The first SIGTERM or Ctrl-C lets calls in flight finish, within --drain-timeout; the
second ends at once.
SIGHUP reads the tokens file again.
Exits with 0 after a clean stop, 1 when it could not start or something in it died, 2 for a
wrong flag or variable, 130 or 143 after the second signal.

Examples:
  export MUSTER_DATABASE_URL=postgres://muster:secret@localhost/muster
  export MUSTER_SIGNING_KEY=$(openssl rand -hex 32)
  muster migrate
  muster-server --object-store file:///var/lib/muster
  muster-server --object-store file:///var/lib/muster --grpc-addr 0.0.0.0:50051 \\
    --http-addr 0.0.0.0:8080 --public-url https://muster.example.com --tokens-file tokens.json"
)]
pub struct ServerConfig {
    /// The database.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Where uploads lie.
    #[command(flatten)]
    pub object_store: ObjectStoreArgs,
    /// What uploads must ask for.
    #[command(flatten)]
    pub upload_encryption: UploadEncryptionArgs,
    /// The key for signatures.
    #[command(flatten)]
    pub signing_key: SigningKeyArgs,
    /// Where to listen.
    #[command(flatten)]
    pub listen: ListenArgs,
    /// Who may call.
    #[command(flatten)]
    pub callers: CallersArgs,
    /// The rules of jobs.
    #[command(flatten)]
    pub rules: JobRules,
    /// The limits of files.
    #[command(flatten)]
    pub limits: FileLimits,
    /// The end.
    #[command(flatten)]
    pub shutdown: ShutdownArgs,
    /// The log.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Imports what the servers of the same database have taken, and sweeps up
#[derive(Clone, Debug, Parser)]
#[command(
    name = "muster-scheduler",
    version,
    after_help = "The first SIGTERM or Ctrl-C lets the current batches finish and gives the jobs back, within
--drain-timeout; the second ends at once, and another scheduler takes up the jobs when their
lease ends.
Exits with 0 after a clean stop, 1 when it could not start or something in it died, 2 for a
wrong flag or variable, 130 or 143 after the second signal.

Examples:
  export MUSTER_DATABASE_URL=postgres://muster:secret@localhost/muster
  muster-scheduler --object-store file:///var/lib/muster
  muster-scheduler --object-store file:///var/lib/muster --import-jobs 2 --import-lanes 4"
)]
pub struct SchedulerConfig {
    /// The database.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Where uploads lie.
    #[command(flatten)]
    pub object_store: ObjectStoreArgs,
    /// Where gRPC health is served, and nothing else; port 0 takes a free one
    #[arg(
        long,
        env = "MUSTER_SCHEDULER_ADDR",
        hide_env_values = true,
        default_value = "127.0.0.1:50052",
        value_name = "IP:PORT",
        value_parser = values::address,
        help_heading = "Addresses"
    )]
    pub scheduler_addr: SocketAddr,
    /// How to import.
    #[command(flatten)]
    pub importing: ImportingArgs,
    /// The limits of files.
    #[command(flatten)]
    pub limits: FileLimits,
    /// The end.
    #[command(flatten)]
    pub shutdown: ShutdownArgs,
    /// The log.
    #[command(flatten)]
    pub log: LogArgs,
}
