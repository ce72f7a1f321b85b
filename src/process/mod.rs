//! What every binary does the same: configuration, telemetry, the start, the
//! orderly end, and health.
//!
//! A process is a [`lifecycle::Lifecycle`] of named tasks. Exit codes: 0 after
//! a clean stop, 1 when it could not start, when a task died or when the drain
//! took too long, 2 for a wrong flag or variable, 128 + the signal's number
//! when a second signal cut the drain short (130 for Ctrl-C, 143 for SIGTERM).

pub mod callers_file;
pub mod config;
pub mod database;
pub mod drain;
pub mod health;
pub mod lifecycle;
pub mod listen;
pub mod migrate;
pub mod probe;
pub mod scheduler;
pub mod server;
pub mod signals;
pub mod start_error;
pub mod store_check;
pub mod telemetry;

use std::io::{self, Write as _};
use std::process::ExitCode;

pub use start_error::StartError;

/// Runs a program on a runtime of its own. What is still at work when it has
/// its exit code is left behind: the lifecycle has waited for all that counts.
pub fn block_on(program: impl Future<Output = ExitCode>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            let code = runtime.block_on(program);
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            say(&format!("error: cannot start a runtime: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Says why there was no start, in the log or, where that hears no errors, on
/// standard error.
pub(crate) fn refuse(error: &StartError) -> ExitCode {
    if tracing::enabled!(tracing::Level::ERROR) {
        tracing::error!("{error}");
    } else {
        say(&format!("error: {error}"));
    }
    ExitCode::FAILURE
}

/// A line on standard error. When nobody can hear it, so be it.
pub(crate) fn say(text: &str) {
    if writeln!(io::stderr(), "{text}").is_err() {
        // There is no third place to say it.
    }
}

/// A line on standard output. When nobody can hear it, so be it.
pub(crate) fn tell(text: &str) {
    let mut out = io::stdout().lock();
    if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
        // Whoever piped it somewhere has lost interest.
    }
}
