//! A server: gRPC and HTTP over one database and one object store.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::net::TcpListener;
use url::Url;

use super::config::{CallersArgs, FileLimits, Flag, JobRules, ListenArgs, ServerConfig};
use super::database::Databases;
use super::health::{self, Health, Judge};
use super::lifecycle::Lifecycle;
use super::listen;
use super::signals::{HangUp, Signals};
use super::tokens::TokensFile;
use super::{StartError, refuse, telemetry};
use crate::domain::clock::SystemClock;
use crate::domain::ids::SystemIds;
use crate::grpc::{self, GrpcOptions};
use crate::http::{self, HttpState};
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
    match serve(&config).await {
        Ok(code) => code,
        Err(error) => refuse(&error),
    }
}

async fn serve(config: &ServerConfig) -> Result<ExitCode, StartError> {
    let mut signals = Signals::install(HangUp::LeftAlone)?;
    let health = Health::new(health::SERVER).await;
    let mut lifecycle = Lifecycle::new(health.clone());
    let start = async {
        let key = config.signing_key.key()?;
        let settings = config.database.settings(LEAST_CONNECTIONS, CONNECTIONS)?;
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
    } = listening;
    let ready = || tracing::info!(%grpc, %http, %public_url, "muster-server is ready");
    let outcome = lifecycle.run(&mut signals, ready).await;
    databases.close().await;
    Ok(outcome.into())
}

/// Sockets that are bound, and who may call over them.
#[derive(Debug)]
pub struct Sockets {
    grpc: TcpListener,
    http: TcpListener,
    tokens: Option<TokensFile>,
    listening: Listening,
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
            Some(path) => Some(TokensFile::open(path).await?),
            None => None,
        };
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
        };
        Ok(Self {
            grpc,
            http,
            tokens,
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
        let callers = match tokens {
            Some(tokens) => {
                let callers = tokens.callers();
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
        lifecycle.spawn("gRPC", listen::grpc(grpc, routes, draining.clone()));
        let router = http::router(HttpState {
            muster,
            callers,
            ready: health.ready(),
            upload_idle_timeout: http::UPLOAD_IDLE_TIMEOUT,
        });
        lifecycle.spawn("HTTP", listen::http(http, router, draining));
        Ok(listening)
    }
}
