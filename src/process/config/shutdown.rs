//! How a process ends.

use std::time::Duration;

use clap::Args;

use super::values;

/// How a process ends.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Shutdown")]
pub struct ShutdownArgs {
    /// How long everything may take to end after the first signal; what is still in flight after
    /// three quarters of it is cut off
    #[arg(
        long,
        env = "MUSTER_DRAIN_TIMEOUT",
        hide_env_values = true,
        default_value = "20s",
        value_name = "DURATION",
        value_parser = values::duration(Duration::from_millis(100), Duration::from_secs(3_600))
    )]
    pub drain_timeout: Duration,
}
