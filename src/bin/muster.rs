//! `muster`, the command line.

use std::process::ExitCode;

use clap::Parser as _;
use muster::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    Cli::parse().run().await
}
