//! The log: lines for people on a terminal, JSON elsewhere, on standard error.
//! And where traces go, for whoever has a place for them.

use std::io::{self, IsTerminal as _};
use std::panic::PanicHookInfo;
use std::time::Duration;

use opentelemetry::{Key, KeyValue, global};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::config::{LogArgs, LogFormat};
use super::lifecycle::Outcome;

/// Libraries that would tell of headers and statements at the finer levels, or
/// of a connection that is lost as the process ends. The configured filter
/// comes behind, and may still name them.
const QUIET: &str = "h2=info,hyper=info,hyper_util=info,reqwest=info,rustls=info,tower=info,\
                     sqlx=warn,sqlx_core::pool::connection=error,\
                     opentelemetry=warn";
/// The variables that say where traces go, as OpenTelemetry names them.
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];
/// How long the last spans may take at the end of the process.
const FLUSH: Duration = Duration::from_secs(2);

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

/// Where the traces of this process go, if anywhere.
#[derive(Debug)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Sends traces to where OpenTelemetry's variables say. What is wrong with
    /// them is a warning: a service without traces is better than none.
    #[must_use]
    pub fn start(program: &'static str) -> Self {
        let set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let off = std::env::var_os("OTEL_SDK_DISABLED").is_some_and(|value| value == "true");
        let Some(endpoint) = ENDPOINTS.iter().find(|name| set(name) && !off) else {
            return Self(None);
        };
        match provider(program) {
            Ok(provider) => {
                global::set_tracer_provider(provider.clone());
                tracing::debug!("traces are exported");
                Self(Some(provider))
            }
            Err(_) => {
                // What it says may repeat what the variable holds.
                tracing::warn!(
                    "no traces: {endpoint}, or another variable of OpenTelemetry's, cannot be \
                     used; a URL such as http://collector:4317 is expected"
                );
                Self(None)
            }
        }
    }

    /// Sends what is left, unless the process is to end at once.
    pub async fn close(self, outcome: Outcome) {
        let Some(provider) = self.0 else { return };
        if matches!(outcome, Outcome::Aborted(_)) {
            return;
        }
        let flush = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH));
        let flushed = tokio::time::timeout(FLUSH, flush).await;
        if !matches!(flushed, Ok(Ok(Ok(())))) {
            tracing::warn!("the last spans could not be exported");
        }
    }
}

fn provider(program: &'static str) -> Result<SdkTracerProvider, ExporterBuildError> {
    let exporter = SpanExporter::builder().with_tonic().build()?;
    let mut resource = Resource::builder();
    let given = Resource::builder().build();
    // What the SDK says of one that has no name.
    let unknown = |name: &str| name.starts_with("unknown_service");
    if given
        .get(&Key::new("service.name"))
        .is_none_or(|name| unknown(&name.as_str()))
    {
        resource = resource.with_service_name(program);
    }
    if given.get(&Key::new("service.version")).is_none() {
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        resource = resource.with_attribute(version);
    }
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource.build())
        .build())
}
