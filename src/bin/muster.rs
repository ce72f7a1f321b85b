//! `muster`, the command line.

use std::process::ExitCode;

use muster::cli::Cli;
use muster::process::{block_on, config};

fn main() -> ExitCode {
    block_on(config::parse::<Cli>().run())
}
