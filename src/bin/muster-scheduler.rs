//! `muster-scheduler`: imports what the servers have taken, and sweeps up.

use std::process::ExitCode;

use muster::process::scheduler::run_scheduler;
use muster::process::{block_on, config};

fn main() -> ExitCode {
    block_on(run_scheduler(config::parse()))
}
