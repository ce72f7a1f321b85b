//! A scheduler: the duties, and a port for its health.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use super::config::{FileLimits, Flag, ImportingArgs, SchedulerConfig};
use super::database::Databases;
use super::health::{self, Health, Heart, Judge};
use super::health_port::HealthPort;
use super::lifecycle::Lifecycle;
use super::signals::{HangUp, Signals};
use super::{StartError, refuse, telemetry};
use crate::domain::clock::SystemClock;
use crate::domain::ids::SystemIds;
use crate::objects::Objects;
use crate::scheduler::Scheduler;
use crate::store::Database;

/// The program `muster-scheduler`.
pub async fn run_scheduler(config: SchedulerConfig) -> ExitCode {
    telemetry::init(&config.log);
    match schedule(&config).await {
        Ok(code) => code,
        Err(error) => refuse(&error),
    }
}

async fn schedule(config: &SchedulerConfig) -> Result<ExitCode, StartError> {
    let mut signals = Signals::install(HangUp::LeftAlone)?;
    let health = Health::new(&["", health::SCHEDULER]).await;
    let mut lifecycle = Lifecycle::new(health.clone(), config.shutdown.drain_timeout);
    let start = async {
        let (least, enough) = config.importing.connections();
        let settings = config.database.settings(least, enough)?;
        let port = HealthPort::open(Flag::SCHEDULER_ADDR, config.scheduler_addr, &health).await?;
        let objects = config.object_store.open()?;
        let databases = Databases::open(&settings, config.database.wait()).await?;
        databases.check_schema().await?;
        let heart = start(
            &config.importing,
            &config.limits,
            settings.statement_timeout,
            databases.work.clone(),
            objects,
            &mut lifecycle,
        );
        let judge = Judge {
            database: databases.health.clone(),
            heart: Some(heart),
        };
        lifecycle.spawn("health", judge.watch(health.clone(), lifecycle.draining()));
        Ok((databases, port))
    };
    let (databases, port) = tokio::select! {
        started = start => started?,
        stop = signals.next() => {
            tracing::info!(signal = %stop, "stopped before it was ready");
            return Ok(ExitCode::SUCCESS);
        }
    };
    let ready = || tracing::info!(health = %port.address, "muster-scheduler is ready");
    let outcome = lifecycle.run(&mut signals, ready).await;
    databases.close(outcome).await;
    Ok(outcome.into())
}

/// Starts a scheduler's duties; answers what [`Judge`] needs to know of them.
pub fn start(
    args: &ImportingArgs,
    limits: &FileLimits,
    statement_timeout: Duration,
    database: Database,
    objects: Objects,
    lifecycle: &mut Lifecycle,
) -> Heart {
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
    Heart {
        scheduler,
        stalled_after: args.stalled_after(),
        dead_after: args.dead_after(statement_timeout),
    }
}
