//! `muster dev`: Postgres, a server and a scheduler in one process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::data_dir::{DataDir, DataDirError};
use super::postgres::{self, Cluster, Options, StopMode};
use crate::domain::error::{Error, Reason};
use crate::process::config::{
    self, CallersArgs, DatabaseTimeouts, DatabaseWait, FileLimits, ImportingArgs, JobRules,
    LimitsArgs, ListenArgs, LogArgs, MetricsArgs, Secret, ShutdownArgs, TlsArgs,
};
use crate::process::database::Databases;
use crate::process::health::{self, Health, Judge};
use crate::process::lifecycle::{Lifecycle, Outcome};
use crate::process::metrics_port::{Measured, MetricsPort};
use crate::process::server::{Listening, Server, Sockets};
use crate::process::signals::{HangUp, Signals};
use crate::process::telemetry::Traces;
use crate::process::{self, StartError, scheduler, server, telemetry};

/// What `muster dev` takes.
#[derive(Clone, Debug, Args)]
pub struct DevArgs {
    /// Where Postgres, the uploads and a signing key lie; made if it is not there
    #[arg(long, default_value = ".muster", value_name = "FOLDER")]
    pub(super) data_dir: PathBuf,
    /// A Postgres that is there, instead of one of muster's own
    #[arg(
        long,
        env = "MUSTER_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    database_url: Option<Secret>,
    #[command(flatten)]
    timeouts: DatabaseTimeouts,
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    tls: TlsArgs,
    #[command(flatten)]
    callers: CallersArgs,
    #[command(flatten)]
    rules: JobRules,
    #[command(flatten)]
    importing: ImportingArgs,
    #[command(flatten)]
    limits: FileLimits,
    #[command(flatten)]
    metrics: MetricsArgs,
    #[command(flatten)]
    load: LimitsArgs,
    #[command(flatten)]
    shutdown: ShutdownArgs,
    #[command(flatten)]
    log: LogArgs,
}

/// Why there is no stack.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// The configuration, or what it names.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The folder.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The embedded Postgres.
    #[error(transparent)]
    Postgres(#[from] postgres::Error),
    /// The schema could not be brought up to date.
    #[error("cannot bring the schema up to date")]
    Migrate(#[source] Error),
}

/// Where a stack is to be found.
#[derive(Clone, Debug)]
pub struct About {
    /// The gRPC port.
    pub grpc: SocketAddr,
    /// The HTTP port, as callers reach it.
    pub public_url: Url,
    /// The database, without the password.
    pub database: String,
    /// Whether there is an AWS front that takes any credentials.
    pub open_to_aws: bool,
    /// The port of the metrics, if there is one.
    pub metrics: Option<SocketAddr>,
}

/// A running stack.
#[derive(Debug)]
pub struct Stack {
    lifecycle: Lifecycle,
    databases: Databases,
    traces: Traces,
    /// Last, because all else needs it to the end.
    cluster: Option<Cluster>,
    about: About,
}

/// Runs a stack until a signal ends it.
pub async fn run(args: DevArgs) -> ExitCode {
    telemetry::init(&args.log);
    let hang_up = if args.callers.heeds_hang_up() || args.tls.heeds_hang_up() {
        HangUp::LeftAlone
    } else {
        HangUp::Stops
    };
    let mut signals = match Signals::install(hang_up) {
        Ok(signals) => signals,
        Err(error) => return failed(&error.into()),
    };
    let open = args.callers.tokens_file.is_none();
    let folder = args.data_dir.clone();
    match Stack::start(&args, &mut signals).await {
        Ok(Some(stack)) => {
            let ready = |about: &About| {
                process::tell(&format!(
                    "muster is ready: gRPC {}, HTTP {}, Postgres {}",
                    about.grpc,
                    about.public_url.as_str().trim_end_matches('/'),
                    about.database
                ));
                if open {
                    process::tell("Every caller is admin, and callers are on this machine only.");
                }
                if about.open_to_aws {
                    process::tell(
                        "The AWS front is at the same HTTP address, and takes any credentials.",
                    );
                }
                if let Some(address) = about.metrics {
                    process::tell(&format!("Metrics are at http://{address}/metrics."));
                }
                process::tell(&format!(
                    "Ctrl-C stops everything; the data stays in {}.",
                    folder.display()
                ));
            };
            stack.run(&mut signals, ready).await
        }
        Ok(None) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// Says what went wrong, with all its causes.
pub(super) fn failed(error: &StackError) -> ExitCode {
    let mut text = format!("error: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    process::say(&text);
    ExitCode::FAILURE
}

impl Stack {
    /// Starts everything. `None` when a signal came meanwhile: then all is
    /// stopped again.
    pub async fn start(args: &DevArgs, signals: &mut Signals) -> Result<Option<Self>, StackError> {
        // A port that is taken is told before Postgres is made.
        let sockets = Sockets::open(&args.listen, &args.tls, &args.callers).await?;
        let metrics = MetricsPort::open(args.metrics, "muster dev").await?;
        let dir = DataDir::open(&args.data_dir)?;
        let (cluster, url) = match &args.database_url {
            Some(url) => (None, url.clone()),
            // Not given up half-way: Postgres would be left to itself.
            None => {
                let cluster = Cluster::start(Options::durable(dir.path())).await?;
                let url = Secret::from(cluster.socket_url(postgres::USER));
                (Some(cluster), url)
            }
        };
        let built = tokio::select! {
            built = Self::build(args, &dir, (sockets, metrics), cluster.as_ref(), &url) => built.map(Some),
            stop = signals.next() => {
                tracing::info!(signal = %stop, "stopped before it was ready");
                Ok(None)
            }
        };
        match (built, cluster) {
            (Ok(Some((lifecycle, databases, about))), cluster) => Ok(Some(Self {
                lifecycle,
                databases,
                traces: Traces::start("muster dev"),
                cluster,
                about,
            })),
            (result, Some(cluster)) => {
                cluster.stop(StopMode::Fast).await?;
                result.map(|_| None)
            }
            (result, None) => result.map(|_| None),
        }
    }

    async fn build(
        args: &DevArgs,
        dir: &DataDir,
        (sockets, metrics): (Sockets, Option<MetricsPort>),
        cluster: Option<&Cluster>,
        url: &Secret,
    ) -> Result<(Lifecycle, Databases, About), StackError> {
        let connections = args.importing.connections().1 + server::CONNECTIONS;
        let settings = args.timeouts.settings(url, connections)?;
        let databases = Databases::open(&settings, DatabaseWait::default().database_wait).await?;
        databases
            .work
            .migrate()
            .await
            .map_err(StackError::Migrate)?;
        databases.check_schema().await?;

        let names = [health::SERVER, &[health::SCHEDULER]].concat();
        let health = Health::new(&names).await;
        let mut lifecycle = Lifecycle::new(health.clone(), args.shutdown.drain_timeout);
        let draining = lifecycle.draining();
        if let Some(cluster) = cluster {
            lifecycle.spawn("Postgres", alive(cluster, draining.clone()));
        }
        let objects = dir.objects()?;
        let Listening {
            grpc,
            public_url,
            open_to_aws,
            ..
        } = Server {
            sockets,
            key: dir.signing_key()?,
            rules: &args.rules,
            limits: &args.limits,
            load: &args.load,
            database: databases.work.clone(),
            objects: objects.clone(),
        }
        .start(&health, &mut lifecycle)?;
        let heart = scheduler::start(
            &args.importing,
            &args.limits,
            settings.statement_timeout,
            databases.work.clone(),
            objects,
            &mut lifecycle,
        );
        let metrics_address = metrics.as_ref().map(MetricsPort::address).transpose()?;
        if let Some(port) = metrics {
            let measured = Measured {
                database: databases.work.clone(),
                server: true,
                scheduler: Some(heart.scheduler.clone()),
            };
            port.start(measured, &mut lifecycle);
        }
        let judge = Judge {
            database: databases.health.clone(),
            heart: Some(heart),
        };
        lifecycle.spawn("health", judge.watch(health, draining));
        // Others come in by the port.
        let port_url = cluster.map(|cluster| cluster.url(postgres::USER));
        let about = About {
            grpc,
            public_url,
            database: config::place(port_url.as_deref().unwrap_or(url.expose())),
            open_to_aws,
            metrics: metrics_address,
        };
        Ok((lifecycle, databases, about))
    }

    /// Where it is to be found.
    #[must_use]
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Cancelling it ends the stack.
    #[must_use]
    pub fn stopper(&self) -> CancellationToken {
        self.lifecycle.stopper()
    }

    /// Where the embedded Postgres lies, if there is one.
    #[must_use]
    pub fn postgres_home(&self) -> Option<PathBuf> {
        self.cluster
            .as_ref()
            .map(|cluster| cluster.home().to_owned())
    }

    /// Runs until a signal, [`Stack::stopper`] or an accident ends it; Postgres
    /// is stopped last. Calls `ready` when all is.
    pub async fn run(self, signals: &mut Signals, ready: impl FnOnce(&About)) -> ExitCode {
        let Self {
            lifecycle,
            databases,
            traces,
            cluster,
            about,
        } = self;
        let outcome = lifecycle.run(signals, || ready(&about)).await;
        if let Outcome::Aborted(stop) = outcome {
            // Dropping the cluster sends Postgres the signal to end.
            return ExitCode::from(stop.code());
        }
        tokio::join!(databases.close(outcome), traces.close(outcome));
        let Some(cluster) = cluster else {
            return outcome.into();
        };
        tokio::select! {
            stopped = cluster.stop(StopMode::Fast) => match stopped {
                Ok(()) => outcome.into(),
                Err(error) => failed(&error.into()),
            },
            stop = signals.next() => ExitCode::from(stop.code()),
        }
    }
}

/// Fails when Postgres ends before it is told to.
fn alive(
    cluster: &Cluster,
    draining: CancellationToken,
) -> impl Future<Output = Result<(), Error>> + Send + use<> {
    let exited = cluster.exited();
    let log = cluster.log();
    async move {
        let Some(status) = draining.run_until_cancelled(exited).await else {
            return Ok(());
        };
        let status = status.map_or_else(|| "for a reason unknown".to_owned(), |s| s.to_string());
        let error = Error::unavailable(
            Reason::DatabaseUnavailable,
            format!("PostgreSQL ended ({status}); its log is {}", log.display()),
        );
        Err(error)
    }
}
