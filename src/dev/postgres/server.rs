//! The server process: from its start to its end.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::home::{Home, open_private};
use super::{Binaries, Error};

/// How long a start may take; a recovery after a power cut reads gigabytes.
const START: Duration = Duration::from_secs(180);
/// How often the server's own status line is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(10);
/// A log larger than this, in bytes, is begun anew at the next start.
const LOG_MAX: u64 = 16 << 20;
/// How much of the log an error quotes, in bytes.
const TAIL: u64 = 4 << 10;

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopMode {
    /// Open transactions are rolled back and everything is written out.
    Fast,
    /// At once; the next start recovers from the write-ahead log. What was
    /// committed is not lost, if the cluster is durable.
    Immediate,
}

/// A running server, which is sent a signal to end when this is dropped.
#[derive(Debug)]
pub(super) struct Server {
    pid: Pid,
    exit: watch::Receiver<Option<ExitStatus>>,
    /// What Drop sends; `None` leaves the server running.
    at_drop: Option<Signal>,
}

impl Server {
    /// Starts the server and waits until it takes connections.
    pub async fn start(
        home: &Home,
        binaries: &Binaries,
        settings: &[(String, String)],
        durable: bool,
    ) -> Result<Self, Error> {
        let log = open_log(home)?;
        let log_start = log.metadata().map_or(0, |m| m.len());
        let stderr = log.try_clone().map_err(Error::file("open", &home.log()))?;
        let program = binaries.program("postgres");
        let mut command = home.account.command(&program, home.root());
        command.arg("-D").arg(home.data());
        for (name, value) in settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let child = command
            .stdout(log)
            .stderr(Stdio::from(stderr))
            .spawn()
            .map_err(Error::spawn(&program))?;
        let at_drop = if durable {
            Signal::SIGINT
        } else {
            Signal::SIGQUIT
        };
        let started = match Self::watch(child, at_drop) {
            Some(server) => server.ready(home).await,
            None => Err("it ended at once".to_owned()),
        };
        started.map_err(|why| Error::Start {
            why,
            tail: tail(&home.log(), log_start),
            log: home.log(),
        })
    }

    /// A task waits for the process, so that its end is noticed (and its
    /// entry in the process table freed) whatever the owner is doing.
    fn watch(mut child: Child, at_drop: Signal) -> Option<Self> {
        let pid = Pid::from_raw(child.id()?.try_into().ok()?);
        let (ended, exit) = watch::channel(None);
        tokio::spawn(async move {
            match child.wait().await {
                Ok(status) => drop(ended.send(Some(status))),
                // Dropping the sender tells of the end as well.
                Err(error) => tracing::warn!(%error, "lost sight of PostgreSQL"),
            }
        });
        Some(Self {
            pid,
            exit,
            at_drop: Some(at_drop),
        })
    }

    /// Waits for the word `ready` on the eighth line of `postmaster.pid`,
    /// which is what `pg_ctl start --wait` goes by.
    async fn ready(self, home: &Home) -> Result<Self, String> {
        let file = home.data().join("postmaster.pid");
        let deadline = Instant::now() + START;
        loop {
            if is_ready(&file, self.pid) {
                return Ok(self);
            }
            if Instant::now() > deadline {
                return Err(format!("it was not ready after {} s", START.as_secs()));
            }
            if let Ok(status) = timeout(LOOK, self.exited()).await {
                return Err(status.map_or_else(
                    || "it ended".to_owned(),
                    |status| format!("it ended with {status}"),
                ));
            }
        }
    }

    pub fn pid(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
    }

    /// Resolves when the process has ended, whoever made it end; with its
    /// status, if that could be learnt.
    pub fn exited(&self) -> impl Future<Output = Option<ExitStatus>> + Send + use<> {
        let mut exit = self.exit.clone();
        async move {
            let ended = exit.wait_for(Option::is_some).await;
            ended.ok().and_then(|status| *status)
        }
    }

    /// Stops the server; returns when it has ended.
    pub async fn stop(self, mode: StopMode) -> Result<(), Error> {
        // muster itself has 20 s to end, after which it may be killed.
        let steps = [
            (Signal::SIGINT, Duration::from_secs(10)),
            (Signal::SIGQUIT, Duration::from_secs(5)),
            (Signal::SIGKILL, Duration::from_secs(5)),
        ];
        let first = match mode {
            StopMode::Fast => 0,
            StopMode::Immediate => 1,
        };
        for (signal, patience) in &steps[first..] {
            self.signal(*signal);
            if timeout(*patience, self.exited()).await.is_ok() {
                return Ok(());
            }
            tracing::warn!(pid = self.pid(), ?signal, "PostgreSQL is slow to stop");
        }
        Err(Error::WontStop { pid: self.pid() })
    }

    /// Lets the server outlive this value.
    pub fn detach(mut self) {
        self.at_drop = None;
    }

    fn signal(&self, signal: Signal) {
        // Once it has ended, its id may belong to another process.
        if self.exit.borrow().is_none()
            && let Err(error) = kill(self.pid, signal)
        {
            tracing::debug!(%error, pid = %self.pid, "PostgreSQL was gone already");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(signal) = self.at_drop {
            self.signal(signal);
        }
    }
}

fn is_ready(pid_file: &Path, pid: Pid) -> bool {
    fs::read_to_string(pid_file).is_ok_and(|text| {
        let mut lines = text.lines();
        lines.next().map(str::trim) == Some(pid.to_string().as_str())
            && lines.nth(6).map(str::trim) == Some("ready")
    })
}

fn open_log(home: &Home) -> Result<File, Error> {
    let path = home.log();
    let log = open_private(&path, true, &home.account)?;
    if log.metadata().is_ok_and(|found| found.len() > LOG_MAX) {
        log.set_len(0).map_err(Error::file("empty", &path))?;
    }
    Ok(log)
}

/// The end of what was written to the log from byte `start` on.
fn tail(log: &Path, start: u64) -> String {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        let len = file.metadata()?.len();
        file.seek(SeekFrom::Start(start.max(len.saturating_sub(TAIL))))?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) => String::from_utf8_lossy(&bytes).trim_end().to_owned(),
        Err(error) => format!("(unreadable: {error})"),
    }
}
