//! `/metrics`, on a port of its own: what is told there is nobody's secret, but
//! it is nobody's business either who may call the HTTP port.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures_util::TryFutureExt as _;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::config::{Flag, MetricsArgs};
use super::drain::Drain;
use super::lifecycle::Lifecycle;
use super::{StartError, listen};
use crate::domain::error::Error;
use crate::meters::{self, names};
use crate::scheduler::{DUTIES, Scheduler};
use crate::store::Database;

/// How often the database is asked what there is to do.
const EVERY: Duration = Duration::from_secs(5);
/// The media type of Prometheus's text format.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// There is one recorder a process.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// A port for metrics that is bound, and hears from now on what happens.
#[derive(Debug)]
pub struct MetricsPort {
    listener: TcpListener,
    recorder: PrometheusHandle,
}

/// What is measured, and by whom nobody else would be told.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The pool of connections that the work is done with.
    pub database: Database,
    /// Whether this process is a server.
    pub server: bool,
    /// The scheduler of this process.
    pub scheduler: Option<Scheduler>,
}

impl MetricsPort {
    /// Binds the port, if there is to be one.
    ///
    /// # Errors
    /// [`StartError`] when the address cannot be used.
    pub async fn open(
        args: MetricsArgs,
        program: &'static str,
    ) -> Result<Option<Self>, StartError> {
        let Some(address) = args.metrics_addr else {
            return Ok(None);
        };
        let listener = listen::bind(Flag::METRICS_ADDR, address).await?;
        let recorder = recorder()?;
        meters::build_info(program, env!("CARGO_PKG_VERSION"));
        let port = Self { listener, recorder };
        tracing::info!(address = %port.address()?, "metrics are served");
        Ok(Some(port))
    }

    /// Where it really listens.
    ///
    /// # Errors
    /// [`StartError::System`].
    pub fn address(&self) -> Result<SocketAddr, StartError> {
        listen::local(&self.listener)
    }

    /// Starts its tasks.
    pub fn start(self, measured: Measured, lifecycle: &mut Lifecycle) {
        meters::begin_database();
        if measured.server {
            meters::begin_server();
        }
        if measured.scheduler.is_some() {
            meters::begin_scheduler(&DUTIES);
        }
        let keep = keep(
            self.recorder.clone(),
            measured.scheduler,
            lifecycle.draining(),
        );
        lifecycle.spawn("metrics", keep);
        let serve = serve(
            self.listener,
            self.recorder,
            measured.database,
            lifecycle.drain(),
        );
        lifecycle.spawn("metrics port", serve);
    }
}

/// The recorder of this process, to which everything is told from now on.
fn recorder() -> Result<PrometheusHandle, StartError> {
    if let Some(recorder) = RECORDER.get() {
        return Ok(recorder.clone());
    }
    let recorder = PrometheusBuilder::new()
        .set_buckets(&names::BUCKETS)
        .map_err(|error| StartError::Bug(Error::internal(error)))?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder)
        .map_err(|error| StartError::Bug(Error::internal(error.to_string())))?;
    meters::describe();
    Ok(RECORDER.get_or_init(|| handle).clone())
}

/// Keeps what is told from growing while nobody asks for it, and looks at what
/// there is to do, until the process drains.
async fn keep(
    recorder: PrometheusHandle,
    scheduler: Option<Scheduler>,
    draining: CancellationToken,
) -> Result<(), Error> {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let keep = async {
        loop {
            ticks.tick().await;
            recorder.run_upkeep();
            let Some(scheduler) = &scheduler else {
                continue;
            };
            if let Err(error) = scheduler.measure_tick().await {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, "what there is to do could not be counted");
            }
        }
    };
    draining.run_until_cancelled_owned(keep).await;
    Ok(())
}

/// Serves `/metrics` until the process drains.
async fn serve(
    listener: TcpListener,
    recorder: PrometheusHandle,
    database: Database,
    drain: Drain,
) -> Result<(), Error> {
    let answer = move || async move { answer(&recorder, &database) };
    let router = Router::new().route("/metrics", get(answer));
    let serve = axum::serve(listener, router)
        .with_graceful_shutdown(drain.begun.clone().cancelled_owned())
        .into_future()
        .map_err(Error::internal);
    drain.within_grace("metrics port", serve).await
}

fn answer(recorder: &PrometheusHandle, database: &Database) -> Response {
    let usage = database.usage();
    meters::database_connections(usage.in_use, usage.idle, usage.most);
    ([(CONTENT_TYPE, TEXT)], recorder.render()).into_response()
}
