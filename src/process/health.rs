//! Whether a process is fit to serve, and whether it is alive at all, judged
//! from outside the loops it judges.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use crate::domain::error::Error;
use crate::scheduler::Scheduler;
use crate::store::Database;

/// How often health is judged.
const EVERY: Duration = Duration::from_secs(1);
/// How long the database may take for a sign of life.
const PATIENCE: Duration = Duration::from_secs(2);

/// The name in `grpc.health.v1` that asks only whether the process is alive.
/// It does not follow the database: no restart brings one back.
pub const LIVENESS: &str = "liveness";
/// The name of the scheduler in `grpc.health.v1`.
pub const SCHEDULER: &str = "muster.scheduler";
/// The names in `grpc.health.v1` of what a server serves.
pub const SERVER: &[&str] = &[
    "",
    "muster.v1.UserImportService",
    "muster.v1.UserPoolService",
    "muster.v1.UserService",
];

/// What gRPC's health service and `/readyz` say. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Health(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    reporter: HealthReporter,
    names: Vec<&'static str>,
    ready: watch::Sender<bool>,
    /// Held while anything changes, so that all names say the same.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    closed: bool,
    alive: bool,
}

impl Health {
    /// Health of the services of these names; alive, and not serving yet.
    pub async fn new(names: &[&'static str]) -> Self {
        let health = Self(Arc::new(Inner {
            reporter: HealthReporter::new(),
            names: names.to_vec(),
            ready: watch::Sender::new(false),
            state: Mutex::new(State {
                closed: false,
                alive: true,
            }),
        }));
        health.report(false).await;
        health.report_life(true).await;
        health
    }

    /// The gRPC service that tells.
    #[must_use]
    pub fn server(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.0.reporter.clone()))
    }

    /// What `/readyz` tells.
    #[must_use]
    pub fn ready(&self) -> watch::Receiver<bool> {
        self.0.ready.subscribe()
    }

    /// Says whether the process serves, unless it is closed.
    pub async fn set(&self, ready: bool) {
        let state = self.0.state.lock().await;
        if !state.closed {
            self.report(ready).await;
        }
    }

    /// Says whether the process is alive, unless it is closed: one that drains
    /// is left in peace.
    pub async fn set_alive(&self, alive: bool) {
        let mut state = self.0.state.lock().await;
        if !state.closed && state.alive != alive {
            state.alive = alive;
            self.report_life(alive).await;
        }
    }

    /// Says, for good, that the process does not serve, and lets those who
    /// watch it go: their streams would hold up the drain.
    pub async fn close(&self) {
        let mut state = self.0.state.lock().await;
        state.closed = true;
        self.report(false).await;
        // A stream ends with its entry, once it has told of the change. The
        // new entry is for those who still ask.
        let mut reporter = self.0.reporter.clone();
        for name in &self.0.names {
            reporter.clear_service_status(name).await;
        }
        reporter.clear_service_status(LIVENESS).await;
        self.report(false).await;
        self.report_life(state.alive).await;
    }

    async fn report(&self, ready: bool) {
        for name in &self.0.names {
            let status = status(ready);
            self.0.reporter.set_service_status(name, status).await;
        }
        self.0.ready.send_replace(ready);
    }

    async fn report_life(&self, alive: bool) {
        let status = status(alive);
        self.0.reporter.set_service_status(LIVENESS, status).await;
    }
}

fn status(good: bool) -> ServingStatus {
    if good {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    }
}

/// The scheduler of this process, and how old the last turn of one of its
/// duties may be.
#[derive(Clone, Debug)]
pub struct Heart {
    /// Whose duties turn.
    pub scheduler: Scheduler,
    /// Older than that, the process is not ready.
    pub stalled_after: Duration,
    /// Older than that, it is not alive. No database holds up a round for so
    /// long.
    pub dead_after: Duration,
}

/// What health depends on.
#[derive(Clone, Debug)]
pub struct Judge {
    /// A connection of the judge's own: a pool that is busy is no illness.
    pub database: Database,
    /// In a process that schedules.
    pub heart: Option<Heart>,
}

impl Judge {
    /// Whether the process is alive. `Err` says what is dead.
    fn life(&self) -> Result<(), String> {
        match &self.heart {
            Some(heart) => stalled(&heart.scheduler.heartbeats(), heart.dead_after),
            None => Ok(()),
        }
    }

    /// Whether it is ready. `Err` says what is wrong.
    async fn verdict(&self) -> Result<(), String> {
        if let Some(heart) = &self.heart {
            stalled(&heart.scheduler.heartbeats(), heart.stalled_after)?;
        }
        match timeout(PATIENCE, self.database.ping()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!(
                "the database gave no sign of life within {} s",
                PATIENCE.as_secs()
            )),
        }
    }

    /// Judges once a second until the process drains.
    ///
    /// # Errors
    /// None; the type is that of a task.
    pub async fn watch(self, health: Health, draining: CancellationToken) -> Result<(), Error> {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut before = None;
        let mut missed = 0;
        let mut lived = Ok(());
        let judge = async {
            loop {
                ticks.tick().await;
                let life = self.life();
                health.set_alive(life.is_ok()).await;
                if let (Ok(()), Err(reason)) = (&lived, &life) {
                    tracing::error!(reason, "not alive: only a restart helps");
                }
                lived = life;
                let verdict = self.verdict().await;
                missed = if verdict.is_ok() { 0 } else { missed + 1 };
                // A machine that is busy for a moment is not a fault.
                if before == Some(Ok(())) && missed == 1 {
                    continue;
                }
                health.set(verdict.is_ok()).await;
                if before.as_ref() != Some(&verdict) {
                    match &verdict {
                        // Whoever started the process tells of the first time.
                        Ok(()) if before.is_none() => tracing::debug!("ready"),
                        Ok(()) => tracing::info!("ready again"),
                        Err(reason) => tracing::warn!(reason, "not ready"),
                    }
                }
                before = Some(verdict);
            }
        };
        draining.run_until_cancelled_owned(judge).await;
        Ok(())
    }
}

/// Whether a duty has not turned for too long, and which.
fn stalled(heartbeats: &[(&'static str, Duration)], after: Duration) -> Result<(), String> {
    let duties: Vec<_> = heartbeats
        .iter()
        .filter(|(_, age)| *age > after)
        .map(|(duty, _)| *duty)
        .collect();
    if duties.is_empty() {
        return Ok(());
    }
    // No ages: a text that changes every second would be logged every second.
    Err(format!(
        "stalled for more than {} s: {}",
        after.as_secs(),
        duties.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt as _;
    use tonic::Request;
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_server::Health as _;

    use super::*;

    fn asked(service: &str) -> Request<HealthCheckRequest> {
        Request::new(HealthCheckRequest {
            service: service.to_owned(),
        })
    }

    async fn check(health: &Health, service: &str) -> i32 {
        let reporter = health.0.reporter.clone();
        HealthService::from_health_reporter(reporter)
            .check(asked(service))
            .await
            .unwrap()
            .into_inner()
            .status
    }

    #[tokio::test]
    async fn nothing_serves_until_it_is_said_to_and_all_names_say_the_same() {
        let health = Health::new(SERVER).await;
        for (ready, status) in [(false, 2), (true, 1), (false, 2)] {
            health.set(ready).await;
            assert_eq!(*health.ready().borrow(), ready);
            for name in SERVER {
                assert_eq!(check(&health, name).await, status, "{name}");
            }
        }
    }

    #[tokio::test]
    async fn a_process_is_alive_whether_it_serves_or_not_until_it_is_said_to_be_dead() {
        let health = Health::new(&["", SCHEDULER]).await;
        for ready in [false, true, false] {
            health.set(ready).await;
            assert_eq!(check(&health, LIVENESS).await, 1);
        }
        health.set_alive(false).await;
        assert_eq!(check(&health, LIVENESS).await, 2);
        health.set_alive(true).await;
        health.close().await;
        health.set_alive(false).await;
        assert_eq!(check(&health, LIVENESS).await, 1);
        assert_eq!(check(&health, "").await, 2);
    }

    #[tokio::test]
    async fn closing_is_for_good_and_lets_watchers_go() {
        let health = Health::new(&["", SCHEDULER]).await;
        health.set(true).await;
        let reporter = health.0.reporter.clone();
        let service = HealthService::from_health_reporter(reporter);
        let watch = async |name| service.watch(asked(name)).await.unwrap().into_inner();
        let watched = [(watch(SCHEDULER).await, 2), (watch(LIVENESS).await, 1)];
        health.close().await;
        health.set(true).await;
        for (watch, last) in watched {
            let seen: Vec<i32> = watch.map(|answer| answer.unwrap().status).collect().await;
            assert_eq!(seen.last(), Some(&last));
        }
        assert_eq!(check(&health, "").await, 2);
        assert!(!*health.ready().borrow());
    }

    #[test]
    fn a_duty_that_does_not_turn_is_named() {
        let after = Duration::from_secs(15);
        let beats = [("expire", Duration::from_secs(15)), ("import", after * 2)];
        assert_eq!(
            stalled(&beats, after).unwrap_err(),
            "stalled for more than 15 s: import"
        );
        assert!(stalled(&beats[..1], after).is_ok());
    }

    #[test]
    fn the_names_are_those_of_the_protocol() {
        use tonic::server::NamedService as _;

        use crate::api::v1::{
            user_import_service_server::SERVICE_NAME as IMPORTS,
            user_pool_service_server::SERVICE_NAME as POOLS,
            user_service_server::SERVICE_NAME as USERS,
        };
        assert_eq!(SERVER, ["", IMPORTS, POOLS, USERS]);
        assert_eq!(HealthServer::<HealthService>::NAME, "grpc.health.v1.Health");
    }
}
