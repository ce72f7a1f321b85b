//! The transports over real sockets, and beneath them a real PostgreSQL.

mod authorisation;
mod calls;
mod deadlines;
mod details;
mod downloads;
pub mod raw;
mod refusals;
mod streams;
mod uploads;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use muster::api::v1::user_import_service_client::UserImportServiceClient;
use muster::api::v1::user_pool_service_client::UserPoolServiceClient;
use muster::api::v1::user_service_client::UserServiceClient;
use muster::grpc::{self, GrpcOptions};
use muster::http::{self, HttpState};
use muster::operations::admission::Admission;
use muster::operations::callers::Callers;
use muster::operations::jobs::{CreateJob, JobView};
use muster::operations::pools::CreatePool;
use muster::process::drain::Drain;
use muster::process::listen::{ConnectionLimits, Port, Protocol};
use muster::process::tls::ServerTls;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use url::Url;

use crate::support::muster::{TestMuster, admin};

/// Nothing here takes long; what hangs shall fail.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How a server differs from the usual one.
pub struct Options {
    pub callers: Callers,
    pub request_timeout: Duration,
    pub upload_idle_timeout: Duration,
    pub max_jobs_per_pool: u32,
    pub max_message_bytes: usize,
    /// On each port.
    pub max_calls: usize,
    pub calls_per_second: Option<NonZeroU32>,
    pub connections: ConnectionLimits,
    pub tls: Option<ServerTls>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            callers: Callers::open(),
            request_timeout: PATIENCE,
            upload_idle_timeout: PATIENCE,
            max_jobs_per_pool: 10,
            max_message_bytes: 4 << 20,
            max_calls: 1_000,
            calls_per_second: None,
            connections: ConnectionLimits::default(),
            tls: None,
        }
    }
}

/// A server on two ports of its own; stopped when dropped.
pub struct TestServer {
    pub test: TestMuster,
    pub callers: Callers,
    pub grpc: SocketAddr,
    pub http: SocketAddr,
    pub shutdown: CancellationToken,
    /// When cancelled, the ports take no new calls.
    pub draining: CancellationToken,
    pub ready: watch::Sender<bool>,
    pub health: tonic_health::server::HealthReporter,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for TestServer {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl TestServer {
    pub async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        let grpc_port = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let http_port = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let grpc = grpc_port.local_addr().expect("an address");
        let http = http_port.local_addr().expect("an address");
        let test = TestMuster::with(|settings| {
            let scheme = options.tls.as_ref().map_or("http", |_| "https");
            settings.public_url = Url::parse(&format!("{scheme}://{http}")).expect("a URL");
            settings.max_jobs_per_pool = options.max_jobs_per_pool;
        });
        let shutdown = CancellationToken::new();
        let admission = Admission::new(options.max_calls, options.calls_per_second);
        let (health, health_server) = tonic_health::server::health_reporter();
        let routes = grpc::router(
            test.muster.clone(),
            options.callers.clone(),
            GrpcOptions {
                shutdown: shutdown.clone(),
                request_timeout: options.request_timeout,
                max_message_bytes: options.max_message_bytes,
                admission: admission.clone(),
            },
            health_server,
        )
        .expect("the services");
        let (ready, is_ready) = watch::channel(true);
        let app = http::router(HttpState {
            muster: test.muster.clone(),
            callers: options.callers.clone(),
            ready: is_ready,
            upload_idle_timeout: options.upload_idle_timeout,
            admission: admission.beside(options.max_calls),
        });
        let draining = CancellationToken::new();
        let port = |listener, protocol, router| {
            let port = Port {
                listener,
                protocol,
                router,
                tls: options.tls.clone(),
                limits: options.connections,
            };
            let drain = Drain {
                begun: draining.clone(),
                grace: PATIENCE,
            };
            tokio::spawn(async move { port.serve(drain).await.expect("a port") })
        };
        let tasks = vec![
            port(grpc_port, Protocol::Grpc, routes.into_axum_router()),
            port(http_port, Protocol::Http, app),
        ];
        Self {
            test,
            callers: options.callers,
            grpc,
            http,
            shutdown,
            draining,
            ready,
            health,
            tasks,
        }
    }

    pub async fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.grpc))
            .expect("an address")
            .connect()
            .await
            .expect("a connection")
    }

    pub async fn imports(&self) -> UserImportServiceClient<Channel> {
        UserImportServiceClient::new(self.channel().await)
    }

    pub async fn pools(&self) -> UserPoolServiceClient<Channel> {
        UserPoolServiceClient::new(self.channel().await)
    }

    pub async fn users(&self) -> UserServiceClient<Channel> {
        UserServiceClient::new(self.channel().await)
    }

    /// The URL of a path on the HTTP port.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    /// A pool that takes imports.
    pub async fn pool(&self) -> String {
        let request = CreatePool {
            pool_name: "a pool".into(),
            auto_verified_attributes: vec!["email".into()],
            ..CreatePool::default()
        };
        let pool = self.test.muster.create_pool(&admin(), request).await;
        pool.expect("a pool").user_pool_id.to_string()
    }

    /// A CREATED job.
    pub async fn job(&self, pool: &str) -> JobView {
        let request = CreateJob {
            user_pool_id: pool.to_owned(),
            job_name: "a job".into(),
            ..CreateJob::default()
        };
        let job = self.test.muster.create_job(&admin(), request).await;
        job.expect("a job")
    }

    /// A job in a new pool, and where its file goes.
    pub async fn open_job(&self) -> (JobView, String) {
        let job = self.job(&self.pool().await).await;
        let url = job.pre_signed_url.clone().expect("a URL");
        (job, url)
    }

    /// A job as it is now.
    pub async fn describe(&self, job: &JobView) -> JobView {
        let (pool, id) = ids(job);
        let found = self.test.muster.describe_job(&admin(), &pool, &id).await;
        found.expect("the job")
    }

    /// Starts a job that has its file.
    pub async fn start(&self, job: &JobView) {
        let (pool, id) = ids(job);
        let started = self.test.muster.start_job(&admin(), &pool, &id, None).await;
        started.expect("a started job");
    }

    /// Runs SQL that no operation runs.
    pub async fn sql(&self, statements: &str) {
        use sqlx::Connection as _;
        let url = self.test.database_url();
        let mut connection = sqlx::PgConnection::connect(url)
            .await
            .expect("a connection");
        sqlx::raw_sql(sqlx::AssertSqlSafe(statements))
            .execute(&mut connection)
            .await
            .expect("the statements");
    }
}

/// A job's pool and id.
pub fn ids(job: &JobView) -> (String, String) {
    (job.job.user_pool_id.to_string(), job.job.job_id.to_string())
}

/// A file of that many good rows.
pub fn csv(rows: usize) -> String {
    let mut file = "cognito:username,email,email_verified,cognito:mfa_enabled\n".to_owned();
    for i in 0..rows {
        file.push_str(&format!("user{i},user{i}@example.com,true,false\n"));
    }
    file
}

/// A tokens file of tokens, roles and pools.
pub fn tokens(entries: &[(&str, &str, &str)]) -> String {
    let entries: Vec<_> = entries
        .iter()
        .map(|(token, role, pool)| {
            serde_json::json!({
                "sha256": hex::encode(Sha256::digest(token)),
                "name": format!("the {role}"),
                "role": role,
                "pools": [pool],
            })
        })
        .collect();
    serde_json::json!({ "tokens": entries }).to_string()
}

/// A request that bears a token.
pub fn bearing<T>(token: &str, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    if !token.is_empty() {
        let value = format!("Bearer {token}").parse().expect("a header value");
        request.metadata_mut().insert("authorization", value);
    }
    request
}
