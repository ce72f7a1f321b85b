//! A server: gRPC and HTTP over one database and one object store.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::net::TcpListener;
use url::Url;

use super::callers_file::CallersFile;
use super::config::{AwsAccess, CallersArgs, FileLimits, Flag, JobRules, ListenArgs, ServerConfig};
use super::database::Databases;
use super::health::{self, Health, Judge};
use super::lifecycle::Lifecycle;
use super::listen;
use super::metrics_port::{Measured, MetricsPort};
use super::signals::{HangUp, Signals};
use super::telemetry::Traces;
use super::{StartError, refuse, telemetry};
use crate::domain::clock::SystemClock;
use crate::domain::ids::SystemIds;
use crate::grpc::{self, GrpcOptions};
use crate::http::aws::{AwsKeys, AwsState};
use crate::http::{self, HttpState, aws};
use crate::objects::Objects;
use crate::operations::callers::Callers;
use crate::operations::{Muster, SigningKey};
use crate::store::Database;

/// The connections without which a server is of no use.
const LEAST_CONNECTIONS: u32 = 2;
/// The connections of a server, unless told.
pub const CONNECTIONS: u32 = 16;

/// The program `muster-server`.
pub async fn run_server(config: ServerConfig) -> ExitCode {
    telemetry::init(&config.log);
    let traces = Traces::start("muster-server");
    match serve(&config, traces).await {
        Ok(code) => code,
        Err(error) => refuse(&error),
    }
}

async fn serve(config: &ServerConfig, traces: Traces) -> Result<ExitCode, StartError> {
    let mut signals = Signals::install(HangUp::LeftAlone)?;
    let health = Health::new(health::SERVER).await;
    let mut lifecycle = Lifecycle::new(health.clone(), config.shutdown.drain_timeout);
    let start = async {
        let key = config.signing_key.key()?;
        let settings = config.database.settings(LEAST_CONNECTIONS, CONNECTIONS)?;
        let metrics = MetricsPort::open(config.metrics, "muster-server").await?;
        let sockets = Sockets::open(&config.listen, &config.callers).await?;
        let objects = config.object_store.open()?;
        let databases = Databases::open(&settings).await?;
        databases.check_schema().await?;
        let listening = Server {
            sockets,
            key,
            rules: &config.rules,
            limits: &config.limits,
            database: databases.work.clone(),
            objects,
        }
        .start(&health, &mut lifecycle)?;
        if let Some(port) = metrics {
            let measured = Measured {
                database: databases.work.clone(),
                server: true,
                scheduler: None,
            };
            port.start(measured, &mut lifecycle);
        }
        let judge = Judge {
            database: databases.health.clone(),
            scheduler: None,
        };
        lifecycle.spawn("health", judge.watch(health.clone(), lifecycle.draining()));
        Ok((databases, listening))
    };
    let (databases, listening) = tokio::select! {
        started = start => started?,
        stop = signals.next() => {
            tracing::info!(signal = %stop, "stopped before it was ready");
            return Ok(ExitCode::SUCCESS);
        }
    };
    if config.callers.tokens_file.is_none() {
        tracing::warn!("no {}: every caller is admin", Flag::TOKENS_FILE);
    }
    let Listening {
        grpc,
        http,
        public_url,
        open_to_aws,
    } = listening;
    if open_to_aws {
        tracing::warn!(
            "no {}: the AWS front takes any credentials",
            Flag::AWS_ACCESS_KEYS
        );
    }
    let ready = || tracing::info!(%grpc, %http, %public_url, "muster-server is ready");
    let outcome = lifecycle.run(&mut signals, ready).await;
    tokio::join!(databases.close(outcome), traces.close(outcome));
    Ok(outcome.into())
}

/// Sockets that are bound, and who may call over them.
#[derive(Debug)]
pub struct Sockets {
    grpc: TcpListener,
    http: TcpListener,
    tokens: Option<CallersFile<Callers>>,
    aws: Option<Aws>,
    listening: Listening,
}

/// Who may call over the AWS front.
#[derive(Debug)]
struct Aws {
    /// `None`: everybody.
    keys: Option<CallersFile<AwsKeys>>,
    region: Option<String>,
}

impl Aws {
    /// Reads the keys. `None` when there is no AWS front.
    async fn open(args: &ListenArgs, callers: &CallersArgs) -> Result<Option<Self>, StartError> {
        let keys = match callers.aws_access(args)? {
            AwsAccess::Off => return Ok(None),
            AwsAccess::Open => None,
            AwsAccess::Keys(path) => Some(CallersFile::open(&path).await?),
        };
        let region = callers.aws.aws_region.clone();
        Ok(Some(Self { keys, region }))
    }
}

/// Where a server listens.
#[derive(Clone, Debug)]
pub struct Listening {
    /// The gRPC port.
    pub grpc: SocketAddr,
    /// The HTTP port.
    pub http: SocketAddr,
    /// What upload URLs begin with.
    pub public_url: Url,
    /// Whether there is an AWS front that takes any credentials.
    pub open_to_aws: bool,
}

impl Sockets {
    /// Binds the sockets, if it is safe to listen there.
    ///
    /// # Errors
    /// [`StartError`] when an address or the tokens file cannot be used.
    pub async fn open(args: &ListenArgs, callers: &CallersArgs) -> Result<Self, StartError> {
        args.check()?;
        callers.check(args)?;
        let tokens = match &callers.tokens_file {
            Some(path) => Some(CallersFile::open(path).await?),
            None => None,
        };
        let aws = Aws::open(args, callers).await?;
        let grpc = listen::bind(Flag::GRPC_ADDR, args.grpc_addr).await?;
        let http = listen::bind(Flag::HTTP_ADDR, args.http_addr).await?;
        let http_addr = listen::local(&http)?;
        let (public_url, guessed) = args.public_url(http_addr);
        if guessed {
            tracing::warn!(
                %public_url,
                "upload URLs lead to this machine only: {} says how callers reach it",
                Flag::PUBLIC_URL
            );
        }
        let listening = Listening {
            grpc: listen::local(&grpc)?,
            http: http_addr,
            public_url,
            open_to_aws: aws.as_ref().is_some_and(|aws| aws.keys.is_none()),
        };
        Ok(Self {
            grpc,
            http,
            tokens,
            aws,
            listening,
        })
    }
}

/// What a server is made of.
#[derive(Debug)]
pub struct Server<'a> {
    /// Where it listens.
    pub sockets: Sockets,
    /// Signs upload URLs and page tokens.
    pub key: SigningKey,
    /// The rules of jobs.
    pub rules: &'a JobRules,
    /// The limits of files.
    pub limits: &'a FileLimits,
    /// The database.
    pub database: Database,
    /// Where uploads lie.
    pub objects: Objects,
}

impl Server<'_> {
    /// Starts its tasks.
    ///
    /// # Errors
    /// [`StartError::Bug`].
    pub fn start(
        self,
        health: &Health,
        lifecycle: &mut Lifecycle,
    ) -> Result<Listening, StartError> {
        let Sockets {
            grpc,
            http,
            tokens,
            aws,
            listening,
        } = self.sockets;
        let settings = self
            .rules
            .settings(self.limits, listening.public_url.clone());
        let muster = Muster::new(
            self.database,
            self.objects,
            Arc::new(SystemClock),
            Arc::new(SystemIds),
            self.key,
            settings,
        );
        let draining = lifecycle.draining();
        let drain = lifecycle.drain();
        let callers = match tokens {
            Some(tokens) => {
                let callers = tokens.known();
                lifecycle.spawn("tokens", tokens.watch(draining.clone()));
                callers
            }
            None => Callers::open(),
        };
        let options = GrpcOptions {
            shutdown: draining.clone(),
            request_timeout: self.rules.request_timeout,
        };
        let routes = grpc::router(muster.clone(), callers.clone(), options, health.server())
            .map_err(StartError::Bug)?;
        lifecycle.spawn("gRPC", listen::grpc(grpc, routes, drain.clone()));
        let mut router = http::router(HttpState {
            muster: muster.clone(),
            callers,
            ready: health.ready(),
            upload_idle_timeout: http::UPLOAD_IDLE_TIMEOUT,
        });
        if let Some(Aws { keys, region }) = aws {
            let keys = match keys {
                Some(file) => {
                    let keys = file.known();
                    lifecycle.spawn("access keys", file.watch(draining.clone()));
                    keys
                }
                None => AwsKeys::open(),
            };
            router = router.merge(aws::routes(AwsState {
                muster,
                keys,
                region,
                clock: Arc::new(SystemClock),
                request_timeout: self.rules.request_timeout,
            }));
        }
        lifecycle.spawn("HTTP", listen::http(http, router, drain));
        Ok(listening)
    }
}
