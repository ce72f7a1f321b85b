//! The signals that end a process.

use std::fmt;
use std::fs;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::StartError;

/// How long a process may take to end itself after the second signal, before
/// it is ended.
const AT_ONCE: Duration = Duration::from_secs(2);

/// A wish that the process end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP: the terminal is gone.
    HangUp,
}

impl Stop {
    /// The exit code of a process that this ended at once: 128 + the signal's
    /// number, as shells have it.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
            Self::HangUp => 129,
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::HangUp => "SIGHUP",
        })
    }
}

/// What SIGHUP means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HangUp {
    /// The same as SIGTERM, unless the process was told to ignore it (nohup).
    Stops,
    /// Something else, or what the system makes of it.
    LeftAlone,
}

/// The signals that end this process, one after the other.
#[derive(Debug)]
pub struct Signals(mpsc::UnboundedReceiver<Stop>);

impl Signals {
    /// Takes over SIGINT and SIGTERM, for as long as the process lives.
    ///
    /// # Errors
    /// [`StartError::System`] when the system does not let it.
    pub fn install(hang_up: HangUp) -> Result<Self, StartError> {
        let listen = |kind| signal(kind).map_err(StartError::system("listen for signals"));
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut terminate = listen(SignalKind::terminate())?;
        let mut hang_up = match hang_up {
            HangUp::Stops if !hang_up_is_ignored() => Some(listen(SignalKind::hangup())?),
            _ => None,
        };
        let (sender, signals) = Self::by_hand();
        tokio::spawn(async move {
            let mut heard = 0_u32;
            loop {
                let stop = tokio::select! {
                    Some(()) = interrupt.recv() => Stop::Interrupt,
                    Some(()) = terminate.recv() => Stop::Terminate,
                    Some(()) = recv(hang_up.as_mut()) => Stop::HangUp,
                    else => return,
                };
                heard += 1;
                if heard == 2 {
                    end_soon(stop);
                }
                if sender.send(stop).is_err() {
                    // Whoever listened is gone; the process is ending.
                    tracing::debug!(signal = %stop, "nobody waits for signals any more");
                }
            }
        });
        Ok(signals)
    }

    /// Signals that are sent by hand, for tests.
    #[must_use]
    pub fn by_hand() -> (mpsc::UnboundedSender<Stop>, Self) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (sender, Self(receiver))
    }

    /// The next signal; never, when there can be no more.
    pub async fn next(&mut self) -> Stop {
        match self.0.recv().await {
            Some(stop) => stop,
            None => std::future::pending().await,
        }
    }
}

async fn recv(signal: Option<&mut Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => std::future::pending().await,
    }
}

/// Ends the process whatever its tasks are doing: one that blocks a thread
/// must not be able to outlive a second Ctrl-C.
fn end_soon(stop: Stop) {
    std::thread::spawn(move || {
        std::thread::sleep(AT_ONCE);
        std::process::exit(stop.code().into());
    });
}

/// Whether this process was started with SIGHUP ignored, which a handler of
/// our own would undo. Only Linux tells; elsewhere it is not.
fn hang_up_is_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        // SIGHUP is signal 1, the lowest bit.
        .is_some_and(|mask| mask & 1 == 1)
}
