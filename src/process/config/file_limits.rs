//! The limits of one CSV file, which server and scheduler must agree on.

use clap::Args;
use clap::builder::RangedU64ValueParser;

/// The limits of one CSV file.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits of a file (the same for servers and schedulers)")]
pub struct FileLimits {
    /// Most rows of a file
    #[arg(
        long,
        env = "MUSTER_MAX_ROWS",
        hide_env_values = true,
        default_value = "50000000",
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000)
    )]
    pub max_rows: u64,
    /// Most characters of a row
    #[arg(
        long,
        env = "MUSTER_MAX_ROW_CHARS",
        hide_env_values = true,
        default_value = "16000",
        value_name = "N",
        value_parser = RangedU64ValueParser::<usize>::new().range(100..=1_000_000)
    )]
    pub max_row_chars: usize,
}
