//! A server and a scheduler that share a database and a folder.

use tempfile::TempDir;

use super::cluster::{self, TestDatabase};
use super::process::Process;

/// What signs their URLs.
pub const KEY: &str = "0123456789abcdef0123456789abcdef";

/// What server and scheduler share.
pub struct Shared {
    pub database: TestDatabase,
    pub folder: TempDir,
}

impl Shared {
    /// A new database and a new folder.
    pub fn new() -> Self {
        Self {
            database: cluster::database(),
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// Starts one of the programs on free ports.
    pub fn start(&self, program: &str, arguments: &[&str]) -> Process {
        self.start_with(program, arguments, &[])
    }

    /// The same, with more variables.
    pub fn start_with(&self, program: &str, arguments: &[&str], more: &[(&str, &str)]) -> Process {
        let store = format!("file://{}", self.folder.path().display());
        let variables = [
            ("MUSTER_DATABASE_URL", self.database.url()),
            ("MUSTER_OBJECT_STORE", &store),
            ("MUSTER_SIGNING_KEY", KEY),
            ("MUSTER_GRPC_ADDR", "127.0.0.1:0"),
            ("MUSTER_HTTP_ADDR", "127.0.0.1:0"),
            ("MUSTER_SCHEDULER_ADDR", "127.0.0.1:0"),
        ];
        let variables = [&variables[..], more].concat();
        Process::start(program, arguments, &variables)
    }
}
