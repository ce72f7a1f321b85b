//! What is logged, and in which form.

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// What is logged, and in which form.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Log (on standard error)")]
pub struct LogArgs {
    /// What is logged: off, error, warn, info, debug or trace, also by target
    #[arg(
        long,
        env = "MUSTER_LOG",
        hide_env_values = true,
        default_value = "info",
        value_name = "FILTER",
        value_parser = filter
    )]
    pub log: String,
    /// How a log line looks
    #[arg(
        long,
        env = "MUSTER_LOG_FORMAT",
        hide_env_values = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    pub log_format: LogFormat,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Human on a terminal, JSON elsewhere
    #[default]
    Auto,
    /// For people
    Human,
    /// One JSON object a line
    Json,
}

/// Parses a filter. `verbose` alone would be: as the name of a target
/// that nothing has, which silences everything.
pub(crate) fn filter(text: &str) -> Result<String, String> {
    const ACCEPTED: &str = "expected off, error, warn, info, debug or trace, or target=level pairs such as info,muster=debug";
    let is_level = |part: &str| part.trim().parse::<LevelFilter>().is_ok();
    let bare_words = text
        .split(',')
        .filter(|part| !part.contains(['=', '[', ']', '{', '}', '"']));
    if text.trim().is_empty() || !bare_words.into_iter().all(is_level) {
        return Err(ACCEPTED.to_owned());
    }
    EnvFilter::try_new(text)
        .map(|_| text.to_owned())
        .map_err(|e| format!("{ACCEPTED} ({e})"))
}
