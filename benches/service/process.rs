//! A program that runs for as long as it is measured.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::fault::{Result, failed};

/// `muster`.
pub const MUSTER: &str = env!("CARGO_BIN_EXE_muster");
/// `muster-server`.
pub const SERVER: &str = env!("CARGO_BIN_EXE_muster-server");
/// `muster-scheduler`.
pub const SCHEDULER: &str = env!("CARGO_BIN_EXE_muster-scheduler");

const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(2);

/// A running program; it is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    id: u32,
    log: PathBuf,
}

impl Process {
    /// Starts a program with nothing but the given settings of muster's.
    pub fn start(
        program: &str,
        arguments: &[&str],
        variables: &[(&str, String)],
        log: &Path,
    ) -> Result<Self> {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"MUSTER_") {
                command.env_remove(name);
            }
        }
        let child = command
            .args(arguments)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(log)?)
            .kill_on_drop(true)
            .spawn()?;
        let Some(id) = child.id() else {
            return failed(format!("{program} ended at once"));
        };
        Ok(Self {
            child,
            id,
            log: log.to_owned(),
        })
    }

    /// Waits for a line of its log with this text, and answers the line.
    pub async fn line(&mut self, text: &str) -> Result<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ended = self.child.try_wait()?;
            let log = std::fs::read_to_string(&self.log)?;
            let whole = log.rfind('\n').map_or("", |end| &log[..end]);
            if let Some(line) = whole.lines().find(|line| line.contains(text)) {
                return Ok(line.to_owned());
            }
            if ended.is_some() || Instant::now() > deadline {
                return failed(format!("no {text:?} in the log ({ended:?}):\n{log}"));
            }
            sleep(LOOK).await;
        }
    }

    /// A size from its `/proc/PID/status`, in MiB: `VmHWM` for the most memory
    /// that was resident, `VmRSS` for what is now.
    pub fn memory(&self, name: &str) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id))?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
        match kib {
            Some(kib) => Ok(kib / 1024.0),
            None => failed(format!("no {name} in /proc/{}/status", self.id)),
        }
    }

    /// Ends it in good order.
    pub async fn stop(mut self) -> Result<()> {
        kill(Pid::from_raw(i32::try_from(self.id)?), Signal::SIGTERM)?;
        match timeout(PATIENCE, self.child.wait()).await {
            Ok(status) if status.as_ref().is_ok_and(|s| s.success()) => Ok(()),
            Ok(status) => failed(format!(
                "{status:?}:\n{}",
                std::fs::read_to_string(&self.log)?
            )),
            Err(_) => failed("it does not end"),
        }
    }
}

/// The value behind `name` in a line of a JSON log.
pub fn field(line: &str, name: &str) -> Result<String> {
    let value: serde_json::Value = serde_json::from_str(line)?;
    match value[name].as_str() {
        Some(text) => Ok(text.to_owned()),
        None => failed(format!("no {name} in {line}")),
    }
}
