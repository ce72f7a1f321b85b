//! One of the programs, which can be killed and started again.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::support::process::{Process, code, word_after};
use crate::support::services::KEY;

/// A server or a scheduler.
pub struct Program {
    path: String,
    arguments: Vec<String>,
    variables: Vec<(&'static str, String)>,
    process: Process,
}

impl Program {
    /// Starts a program on free ports.
    pub fn start(path: &str, arguments: &[&str], database: &str, folder: &Path) -> Self {
        let variables = vec![
            ("MUSTER_DATABASE_URL", database.to_owned()),
            (
                "MUSTER_OBJECT_STORE",
                format!("file://{}", folder.display()),
            ),
            ("MUSTER_SIGNING_KEY", KEY.to_owned()),
            ("MUSTER_GRPC_ADDR", "127.0.0.1:0".to_owned()),
            ("MUSTER_HTTP_ADDR", "127.0.0.1:0".to_owned()),
            ("MUSTER_SCHEDULER_ADDR", "127.0.0.1:0".to_owned()),
            // Small files on several lanes, as large ones are.
            ("MUSTER_LANE_BYTES", "1".to_owned()),
            // Less patience than usual with the database, to spare the
            // drill's own.
            ("MUSTER_DATABASE_ACQUIRE_TIMEOUT", "3s".to_owned()),
            ("MUSTER_DATABASE_STATEMENT_TIMEOUT", "10s".to_owned()),
            ("MUSTER_DATABASE_LOCK_TIMEOUT", "3s".to_owned()),
        ];
        let arguments: Vec<String> = arguments.iter().map(|&a| a.to_owned()).collect();
        let process = begin(path, &arguments, &variables);
        Self {
            path: path.to_owned(),
            arguments,
            variables,
            process,
        }
    }

    /// `kill -9`; returns when it is dead.
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        assert_eq!(code(self.process.wait()), 128 + 9, "it had ended before");
    }

    /// Starts one that is dead again, as whoever looks after it would.
    pub fn restart(&mut self) {
        self.process = begin(&self.path, &self.arguments, &self.variables);
    }

    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Its log, since it was last started.
    pub fn log(&self) -> String {
        self.process.errors()
    }

    /// When it last began to import, as its log has it.
    pub fn began_to_import(&self) -> Option<String> {
        let log = self.log();
        let last = log.lines().rfind(|l| l.contains("\"import begins\""))?;
        Some(word_after(last, r#""timestamp":""#))
    }

    /// Whether it has let go of a job that it could not bring to its end.
    pub fn has_let_go(&self) -> bool {
        let log = self.log();
        ["the lease was lost", "import given back", "stopped short"]
            .iter()
            .any(|words| log.contains(words))
    }

    /// Whether it has noticed that a batch which it wrote got no answer.
    pub fn has_given_a_batch_up(&self) -> bool {
        self.has_let_go() || self.log().contains("a batch is tried again")
    }

    /// An address out of the line that says that it is ready.
    pub fn address(&mut self, name: &str) -> String {
        word_after(&self.process.line("is ready\""), &format!("\"{name}\":\""))
    }

    /// What its gRPC health says at `address`; `None` while it says nothing.
    pub async fn health(address: &str) -> Option<ServingStatus> {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
        let channel = endpoint.connect_timeout(Duration::from_secs(2));
        let mut client = HealthClient::new(channel.connect().await.ok()?);
        let asked = client.check(HealthCheckRequest::default());
        let answer = tokio::time::timeout(Duration::from_secs(2), asked).await;
        Some(answer.ok()?.ok()?.into_inner().status())
    }

    /// Asks it to end. It has lived until now, and ends in good order.
    pub fn end(&mut self) {
        assert_eq!(self.process.terminate(), 0, "{}", self.log());
        let log = self.log();
        assert!(log.contains("a second signal ends at once"), "{log}");
        assert!(!log.contains("\"panic\""), "{log}");
    }

    /// The last lines of its log, for whoever looks for what went wrong.
    pub fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }

    /// Any other program, which must do well.
    pub fn run(command: &mut Command) {
        let output = command.output().expect("a program");
        assert!(output.status.success(), "{command:?}: {output:?}");
    }
}

fn begin(path: &str, arguments: &[String], variables: &[(&'static str, String)]) -> Process {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let variables: Vec<_> = variables.iter().map(|(n, v)| (*n, v.as_str())).collect();
    Process::start(path, &arguments, &variables)
}
