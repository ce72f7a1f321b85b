//! `muster-server`: serves gRPC, uploads and downloads.

use std::process::ExitCode;

use muster::process::server::run_server;
use muster::process::{block_on, config};

fn main() -> ExitCode {
    block_on(run_server(config::parse()))
}
