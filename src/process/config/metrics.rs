//! Where metrics are to be had.

use std::net::SocketAddr;

use clap::Args;

use super::values;

/// Where metrics are to be had.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Metrics")]
pub struct MetricsArgs {
    /// Where /metrics is served for Prometheus, and nothing else; port 0 takes a free one [default:
    /// nowhere]
    #[arg(
        long,
        env = "MUSTER_METRICS_ADDR",
        hide_env_values = true,
        value_name = "IP:PORT",
        value_parser = values::address
    )]
    pub metrics_addr: Option<SocketAddr>,
}
