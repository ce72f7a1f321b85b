//! How the real programs end: the first signal lets what is in flight finish,
//! the second ends at once, and neither waits for ever.
//!
//! Processes are waited for by blocking, so that connections need a thread
//! of their own.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use muster::api::v1::user_import_service_client::UserImportServiceClient;
use muster::api::v1::user_pool_service_client::UserPoolServiceClient;
use muster::api::v1::{
    CreateUserImportJobRequest, CreateUserPoolRequest, StartUserImportJobRequest,
};
use nix::sys::signal::Signal;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tonic::transport::Channel;
use url::Url;

use crate::support::http;
use crate::support::process::{MUSTER, Process, SCHEDULER, SERVER, code, open_folder, word_after};
use crate::support::services::Shared;

const FILE: &str = "cognito:username,email,email_verified\nann,ann@example.com,true\n";
const STOPPING: &str = "a second signal ends at once";

/// What a job is known by.
struct Job {
    pool: String,
    id: String,
    upload: Url,
}

async fn channel(grpc: &str) -> Channel {
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{grpc}"));
    let endpoint = endpoint.expect("an address");
    endpoint.connect().await.expect("a connection")
}

/// A job in a pool of its own.
async fn job(grpc: &str) -> Job {
    let request = CreateUserPoolRequest {
        pool_name: "test".into(),
        auto_verified_attributes: vec!["email".into()],
        ..Default::default()
    };
    let made = UserPoolServiceClient::new(channel(grpc).await)
        .create_user_pool(request)
        .await
        .expect("a pool")
        .into_inner();
    let pool = made.user_pool.expect("a pool").user_pool_id;
    let request = CreateUserImportJobRequest {
        user_pool_id: pool.clone(),
        job_name: "test".into(),
        ..Default::default()
    };
    let made = UserImportServiceClient::new(channel(grpc).await)
        .create_user_import_job(request)
        .await
        .expect("a job")
        .into_inner();
    let job = made.user_import_job.expect("a job");
    Job {
        pool,
        id: job.job_id,
        upload: Url::parse(&job.pre_signed_url).expect("a URL"),
    }
}

/// An upload of which the second half is still to come.
struct HalfUpload(TcpStream);

impl HalfUpload {
    fn begin(job: &Job) -> Self {
        let (host, port) = (job.upload.host_str(), job.upload.port());
        let to = (host.expect("a host"), port.expect("a port"));
        let mut stream = TcpStream::connect(to).expect("a connection");
        let wait = Some(Duration::from_secs(60));
        stream.set_read_timeout(wait).expect("a timeout");
        let path = &job.upload[url::Position::BeforePath..];
        // The server says when it has begun to read.
        write!(
            stream,
            "PUT {path} HTTP/1.1\r\nhost: muster\r\nexpect: 100-continue\r\n\
             content-length: {}\r\n\r\n",
            FILE.len()
        )
        .expect("a head");
        let mut begun = [0; 25];
        stream.read_exact(&mut begun).expect("a go-ahead");
        assert!(begun.starts_with(b"HTTP/1.1 100"), "{begun:?}");
        let half = &FILE.as_bytes()[..FILE.len() / 2];
        stream.write_all(half).expect("half a file");
        Self(stream)
    }

    /// Sends the rest, and answers the status.
    fn finish(mut self) -> String {
        let rest = &FILE.as_bytes()[FILE.len() / 2..];
        self.0.write_all(rest).expect("the rest");
        let mut answer = String::new();
        self.0.read_to_string(&mut answer).expect("an answer");
        answer.lines().next().unwrap_or_default().to_owned()
    }
}

/// A server, or `muster dev`, in the midst of an upload.
struct Uploading {
    process: Process,
    grpc: String,
    upload: HalfUpload,
    shared: Option<Shared>,
    folder: tempfile::TempDir,
}

impl Uploading {
    async fn server(arguments: &[&str]) -> Self {
        let shared = Shared::new();
        let mut process = shared.start(SERVER, arguments);
        let grpc = word_after(&process.line("muster-server is ready"), r#""grpc":""#);
        Self::begin(process, grpc, Some(shared), open_folder()).await
    }

    async fn dev(more: &[&str]) -> Self {
        let folder = open_folder();
        let data = format!("--data-dir={}", folder.path().join("data").display());
        let mut arguments = vec![
            "dev",
            &data,
            "--grpc-addr=127.0.0.1:0",
            "--http-addr=127.0.0.1:0",
        ];
        arguments.extend(more);
        let mut process = Process::start(MUSTER, &arguments, &[]);
        let grpc = word_after(&process.line("muster is ready"), "gRPC ");
        Self::begin(process, grpc, None, folder).await
    }

    async fn begin(
        process: Process,
        grpc: String,
        shared: Option<Shared>,
        folder: tempfile::TempDir,
    ) -> Self {
        let job = job(&grpc).await;
        let upload = HalfUpload::begin(&job);
        Self {
            process,
            grpc,
            upload,
            shared,
            folder,
        }
    }

    /// Whether the job has its file, by the database.
    async fn is_uploaded(&self) -> bool {
        let url = self.shared.as_ref().expect("a database").database.url();
        let mut connection = PgConnection::connect(url).await.expect("a connection");
        sqlx::query_scalar("SELECT upload_object IS NOT NULL FROM user_import_jobs")
            .fetch_one(&mut connection)
            .await
            .expect("the job")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_first_signal_lets_an_upload_finish_and_takes_no_new_calls() {
    for dev in [false, true] {
        let mut site = match dev {
            false => Uploading::server(&[]).await,
            true => Uploading::dev(&[]).await,
        };
        site.process.signal(Signal::SIGTERM);
        site.process.line(STOPPING);
        site.process.wait_for("a closed port", |_| {
            TcpStream::connect(&site.grpc).is_err().then_some(())
        });
        if !dev {
            assert!(!site.is_uploaded().await);
            let status = site.upload.finish();
            assert_eq!(status, "HTTP/1.1 200 OK");
            let shared = site.shared.as_ref().expect("a database");
            let kept = rows(shared, "user_import_jobs WHERE upload_object IS NOT NULL").await;
            assert_eq!(kept, 1);
        } else {
            assert_eq!(site.upload.finish(), "HTTP/1.1 200 OK");
        }
        assert_eq!(code(site.process.wait()), 0, "{}", site.process.errors());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_second_signal_ends_a_server_at_once() {
    for (second, ends_with) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 130)] {
        // Longer than anybody here waits.
        let mut site = Uploading::server(&["--drain-timeout=10m"]).await;
        site.process.signal(Signal::SIGTERM);
        site.process.line(STOPPING);
        site.process.signal(second);
        let ended = code(site.process.wait());
        assert_eq!(ended, ends_with, "{}", site.process.errors());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_second_signal_ends_muster_dev_at_once_and_its_postgres_too() {
    let mut site = Uploading::dev(&["--drain-timeout=10m"]).await;
    let postmaster = site.folder.path().join("data/postgres/data/postmaster.pid");
    assert!(postmaster.exists());
    site.process.signal(Signal::SIGINT);
    site.process.line(STOPPING);
    site.process.signal(Signal::SIGINT);
    let ended = code(site.process.wait());
    assert_eq!(ended, 130, "{}", site.process.errors());
    let deadline = Instant::now() + Duration::from_secs(60);
    while postmaster.exists() {
        assert!(Instant::now() < deadline, "Postgres is left behind");
        std::thread::yield_now();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_upload_that_stands_still_is_cut_off_and_is_not_the_jobs() {
    let mut site = Uploading::server(&["--drain-timeout=2s"]).await;
    assert_eq!(site.process.terminate(), 0, "{}", site.process.errors());
    let text = site.process.errors();
    assert!(text.contains("cut off what was still in flight"), "{text}");
    assert!(!site.is_uploaded().await);
}

async fn rows(shared: &Shared, table: &str) -> i64 {
    let mut connection = PgConnection::connect(shared.database.url())
        .await
        .expect("a connection");
    sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
        .fetch_one(&mut connection)
        .await
        .expect("a count")
}

/// A scheduler in the midst of a batch, which waits for a lock that is held.
struct Writing {
    shared: Shared,
    scheduler: Process,
    lock: PgConnection,
}

impl Writing {
    async fn new(drain: &str) -> Self {
        let shared = Shared::new();
        let mut server = shared.start(SERVER, &[]);
        let grpc = word_after(&server.line("muster-server is ready"), r#""grpc":""#);
        let job = job(&grpc).await;
        let put = http::client().put(job.upload).body(FILE).send();
        assert_eq!(put.await.expect("an answer").status(), 200);
        let request = StartUserImportJobRequest {
            user_pool_id: job.pool,
            job_id: job.id,
            ..Default::default()
        };
        UserImportServiceClient::new(channel(&grpc).await)
            .start_user_import_job(request)
            .await
            .expect("a start");
        assert_eq!(server.terminate(), 0);

        let mut lock = PgConnection::connect(shared.database.url())
            .await
            .expect("a connection");
        sqlx::raw_sql("BEGIN; LOCK TABLE users")
            .execute(&mut lock)
            .await
            .expect("a lock");
        let arguments = [
            "--import-lanes=1",
            "--database-lock-timeout=5m",
            "--database-statement-timeout=5m",
            drain,
        ];
        let scheduler = shared.start(SCHEDULER, &arguments);
        let mut writing = Self {
            shared,
            scheduler,
            lock,
        };
        let waiting = "pg_stat_activity WHERE datname = current_database()
            AND wait_event_type = 'Lock' AND query LIKE 'COPY users%'";
        while rows(&writing.shared, waiting).await != 1 {
            writing.scheduler.wait_for("itself", |_| Some(()));
        }
        writing
    }

    async fn held(&self) -> i64 {
        rows(&self.shared, "import_lanes WHERE lease_token IS NOT NULL").await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_first_signal_lets_a_batch_finish_and_gives_the_job_back() {
    let mut site = Writing::new("--drain-timeout=10m").await;
    site.scheduler.signal(Signal::SIGTERM);
    site.scheduler.line(STOPPING);
    assert_eq!(site.held().await, 1);
    sqlx::raw_sql("COMMIT")
        .execute(&mut site.lock)
        .await
        .expect("an open lock");
    let ended = code(site.scheduler.wait());
    assert_eq!(ended, 0, "{}", site.scheduler.errors());
    assert_eq!(rows(&site.shared, "users").await, 1, "the batch is written");
    assert_eq!(site.held().await, 0, "the lease is given back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_second_signal_leaves_a_batch_and_the_lease_to_run_out() {
    let mut site = Writing::new("--drain-timeout=10m").await;
    site.scheduler.signal(Signal::SIGTERM);
    site.scheduler.line(STOPPING);
    site.scheduler.signal(Signal::SIGTERM);
    let ended = code(site.scheduler.wait());
    assert_eq!(ended, 143, "{}", site.scheduler.errors());
    assert_eq!(site.held().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_batch_that_stands_still_is_cut_off_and_the_lease_left_to_run_out() {
    let mut site = Writing::new("--drain-timeout=2s").await;
    site.scheduler.signal(Signal::SIGTERM);
    let ended = code(site.scheduler.wait());
    let text = site.scheduler.errors();
    assert_eq!(ended, 0, "{text}");
    assert!(text.contains("cut off what was still in flight"), "{text}");
    assert_eq!(site.held().await, 1);
    assert_eq!(rows(&site.shared, "rejected_rows").await, 0);
}
