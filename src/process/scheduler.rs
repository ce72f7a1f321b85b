//! A scheduler: the duties, and a port for its health.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tonic::service::Routes;

use super::config::{FileLimits, Flag, ImportingArgs, SchedulerConfig};
use super::database::Databases;
use super::health::{self, Health, Judge};
use super::lifecycle::Lifecycle;
use super::metrics_port::{Measured, MetricsPort};
use super::signals::{HangUp, Signals};
use super::telemetry::Traces;
use super::{StartError, listen, refuse, telemetry};
use crate::domain::clock::SystemClock;
use crate::domain::ids::SystemIds;
use crate::objects::Objects;
use crate::scheduler::Scheduler;
use crate::store::Database;

/// The program `muster-scheduler`.
pub async fn run_scheduler(config: SchedulerConfig) -> ExitCode {
    telemetry::init(&config.log);
    let traces = Traces::start("muster-scheduler");
    match schedule(&config, traces).await {
        Ok(code) => code,
        Err(error) => refuse(&error),
    }
}

async fn schedule(config: &SchedulerConfig, traces: Traces) -> Result<ExitCode, StartError> {
    let mut signals = Signals::install(HangUp::LeftAlone)?;
    let health = Health::new(&["", health::SCHEDULER]).await;
    let mut lifecycle = Lifecycle::new(health.clone(), config.shutdown.drain_timeout);
    let start = async {
        let (least, enough) = config.importing.connections();
        let settings = config.database.settings(least, enough)?;
        let metrics = MetricsPort::open(config.metrics, "muster-scheduler").await?;
        let socket = listen::bind(Flag::SCHEDULER_ADDR, config.scheduler_addr).await?;
        let address = listen::local(&socket)?;
        let objects = config.object_store.open()?;
        let databases = Databases::open(&settings).await?;
        databases.check_schema().await?;
        let scheduler = start(
            &config.importing,
            &config.limits,
            databases.work.clone(),
            objects,
            &mut lifecycle,
        );
        if let Some(port) = metrics {
            let measured = Measured {
                database: databases.work.clone(),
                server: false,
                scheduler: Some(scheduler.0.clone()),
            };
            port.start(measured, &mut lifecycle);
        }
        let judge = Judge {
            database: databases.health.clone(),
            scheduler: Some(scheduler),
        };
        lifecycle.spawn("health", judge.watch(health.clone(), lifecycle.draining()));
        let routes = Routes::new(health.server());
        lifecycle.spawn(
            "health port",
            listen::grpc(socket, routes, lifecycle.drain()),
        );
        Ok((databases, address))
    };
    let (databases, address) = tokio::select! {
        started = start => started?,
        stop = signals.next() => {
            tracing::info!(signal = %stop, "stopped before it was ready");
            return Ok(ExitCode::SUCCESS);
        }
    };
    let ready = || tracing::info!(health = %address, "muster-scheduler is ready");
    let outcome = lifecycle.run(&mut signals, ready).await;
    tokio::join!(databases.close(outcome), traces.close(outcome));
    Ok(outcome.into())
}

/// Starts a scheduler's duties; answers what [`Judge`] needs to know of them.
pub fn start(
    args: &ImportingArgs,
    limits: &FileLimits,
    database: Database,
    objects: Objects,
    lifecycle: &mut Lifecycle,
) -> (Scheduler, Duration) {
    let scheduler = Scheduler::new(
        database,
        objects,
        Arc::new(SystemClock),
        Arc::new(SystemIds),
        args.settings(limits),
    );
    let drain = lifecycle.drain();
    let run = scheduler.clone().run(drain.begun.clone());
    lifecycle.spawn("scheduler", drain.within_grace("scheduler", run));
    (scheduler, args.stalled_after())
}
