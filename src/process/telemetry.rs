//! The log: lines for people on a terminal, JSON elsewhere, on standard error.

use std::io::{self, IsTerminal as _};
use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::config::{LogArgs, LogFormat};

/// Libraries that would tell of headers and statements at the finer levels, or
/// of a connection that is lost as the process ends. The configured filter
/// comes behind, and may still name them.
const QUIET: &str = "h2=info,hyper=info,hyper_util=info,reqwest=info,rustls=info,tower=info,\
                     sqlx=warn,sqlx_core::pool::connection=error";

/// Starts the log of this process.
pub fn init(args: &LogArgs) {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", args.log)).unwrap_or_else(|error| {
        super::say(&format!("warning: the log's filter: {error}"));
        EnvFilter::new("info")
    });
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_span_events(FmtSpan::NONE)
        .with_writer(io::stderr);
    let human = match args.log_format {
        LogFormat::Auto => io::stderr().is_terminal(),
        LogFormat::Human => true,
        LogFormat::Json => false,
    };
    let started = if human {
        let colours = io::stderr().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        builder.with_ansi(colours).finish().try_init()
    } else {
        builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(true)
            .finish()
            .try_init()
    };
    // There is one log a process, and whoever set it up first has it.
    if let Err(error) = started {
        tracing::debug!(%error, "the log was there already");
        return;
    }
    std::panic::set_hook(Box::new(panicked));
}

/// Tells of a panic without what it says, unless that is a constant: the text
/// of a failed slice or `expect` quotes data, and rows are nobody's business.
fn panicked(info: &PanicHookInfo<'_>) {
    let said = info
        .payload()
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("(not shown: it may quote data)");
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let backtrace = std::backtrace::Backtrace::capture();
    tracing::error!(place, said, %backtrace, "panic");
}
