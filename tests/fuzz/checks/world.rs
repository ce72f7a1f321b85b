//! A muster that serves on real sockets over a real PostgreSQL, and that every
//! input finds in the same state.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use muster::domain::ids::Ids;
use muster::grpc::{self, GrpcOptions};
use muster::operations::Muster;
use muster::operations::admission::Admission;
use muster::operations::callers::Callers;
use muster::operations::pools::CreatePool;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Mutex;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::alarm;
use super::aws_front::Fronts;
use super::grpc_client::Client;
use super::http_port;
use crate::support::imports::users_csv;
use crate::support::muster::{TestMuster, settings};

/// The pool that has everything, as inputs name it.
pub const POOL: &str = "local_100000000";
/// A pool that has nothing and can be deleted.
pub const EMPTY_POOL: &str = "local_200000000";
/// Nothing here takes long; what hangs shall be found.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Bearer tokens, with the role and the pools of their callers.
pub const TOKENS: [(&str, &str, &str); 3] = [
    ("admin-token", "admin", "*"),
    ("reader-token", "reader", POOL),
    ("stranger-token", "admin", "local_Elsewhere"),
];

/// The jobs of [`POOL`], as inputs name them.
pub mod jobs {
    /// SUCCEEDED, with users and rejected rows.
    pub const ENDED: &str = "import-00000000-0000-0000-0000-000000000001";
    /// CREATED, without a file.
    pub const NEW: &str = "import-00000000-0000-0000-0000-000000000002";
    /// CREATED, with a file.
    pub const UPLOADED: &str = "import-00000000-0000-0000-0000-000000000003";
    /// PENDING: nobody is there to import it, and the pool cannot be deleted.
    pub const PENDING: &str = "import-00000000-0000-0000-0000-000000000004";
}

/// Ids that count up, so that inputs can name what is there.
#[derive(Debug, Default)]
struct CountedIds {
    ordered: AtomicU64,
    random: AtomicU64,
}

impl Ids for CountedIds {
    fn ordered(&self) -> Uuid {
        let n = self.ordered.fetch_add(1, Ordering::Relaxed) + 1;
        Uuid::from_u64_pair(0, n)
    }

    fn random(&self) -> Uuid {
        let n = self.random.fetch_add(1, Ordering::Relaxed) + 1;
        Uuid::from_u64_pair(0, n)
    }
}

/// The server, and who asks it.
pub struct World {
    pub test: TestMuster,
    pub client: Client,
    pub fronts: Fronts,
    pub http: axum::Router,
    /// Brings everything back as it was.
    restore: (String, Mutex<PgConnection>),
    // Goes first, with all that runs on it.
    runtime: Option<Runtime>,
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(PATIENCE);
        }
    }
}

impl World {
    pub fn new() -> Self {
        alarm::install();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name(alarm::THREAD)
            .enable_all()
            .build()
            .expect("a runtime");
        let mut world = runtime.block_on(Self::build());
        world.runtime = Some(runtime);
        world
    }

    async fn build() -> Self {
        let mut test = TestMuster::new();
        // In cargo-fuzz's package the template has no tables yet.
        test.db.migrate().await.expect("the tables");
        test.muster = Muster::new(
            test.db.clone(),
            test.objects.clone(),
            test.clock.clone(),
            Arc::new(CountedIds::default()),
            test.key.clone(),
            settings(),
        );
        furnish(&test).await;
        let restore = keep(&test).await;
        let callers = callers();
        let grpc = serve(&test, callers.clone()).await;
        Self {
            client: Client::new(grpc),
            fronts: Fronts::new(&test),
            http: http_port::router(&test, callers),
            restore,
            runtime: None,
            test,
        }
    }

    /// Waits for what is asked of the server, but not for ever.
    pub fn run<T>(&self, asking: impl Future<Output = T>) -> T {
        let runtime = self.runtime.as_ref().expect("a world that is there");
        runtime.block_on(async {
            let asked = tokio::time::timeout(PATIENCE, asking).await;
            let answer = asked.expect("an answer in time");
            alarm::check();
            answer
        })
    }

    /// Undoes what a call may have changed.
    pub async fn restore(&self) {
        let (statements, connection) = &self.restore;
        let mut connection = connection.lock().await;
        sqlx::raw_sql(AssertSqlSafe(statements.as_str()))
            .execute(&mut *connection)
            .await
            .expect("everything as it was");
    }
}

fn callers() -> Callers {
    let entries: Vec<_> = TOKENS
        .iter()
        .map(|(token, role, pool)| {
            json!({
                "sha256": hex::encode(Sha256::digest(token)),
                "name": role,
                "role": role,
                "pools": [pool],
            })
        })
        .collect();
    Callers::from_tokens(&json!({ "tokens": entries }).to_string()).expect("tokens")
}

async fn furnish(test: &TestMuster) {
    let pool = test
        .pool_with(|pool| {
            pool.alias_attributes = vec!["email".into(), "preferred_username".into()];
        })
        .await;
    assert_eq!(pool, POOL);
    let empty = test
        .pool_with(|pool| {
            *pool = CreatePool {
                pool_name: "empty".into(),
                ..CreatePool::default()
            };
        })
        .await;
    assert_eq!(empty, EMPTY_POOL);
    let names: Vec<String> = (0..30).map(|i| format!("user-{i:02}")).collect();
    let mut csv = users_csv(&names);
    for broken in ["a b,,\n", "x,y\n", "user-00,user-00@example.com,true\n"] {
        csv.push_str(&broken.repeat(10));
    }
    test.import(POOL, csv).await;
    let new = test.create(POOL).await;
    let uploaded = test.uploaded(POOL, users_csv(["one"])).await;
    let pending = test.started(POOL, users_csv(["two"])).await;
    assert_eq!(
        (&*new.id, &*uploaded.id, &*pending.id),
        (jobs::NEW, jobs::UPLOADED, jobs::PENDING)
    );
}

/// Keeps a copy of every table, and answers the statements that bring it back.
async fn keep(test: &TestMuster) -> (String, Mutex<PgConnection>) {
    let mut connection = test.connection().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' AND tablename <> '_sqlx_migrations'",
    )
    .fetch_all(&mut connection)
    .await
    .expect("the tables");
    let mut copy = "CREATE SCHEMA kept;".to_owned();
    // Foreign keys and triggers stay out of it.
    let mut restore = "BEGIN; SET LOCAL session_replication_role = replica;".to_owned();
    for table in &tables {
        copy.push_str(&format!("CREATE TABLE kept.{table} AS TABLE {table};"));
        restore.push_str(&format!("DELETE FROM {table};"));
    }
    for table in &tables {
        restore.push_str(&format!("INSERT INTO {table} TABLE kept.{table};"));
    }
    restore.push_str("COMMIT;");
    sqlx::raw_sql(AssertSqlSafe(copy))
        .execute(&mut connection)
        .await
        .expect("a copy");
    (restore, Mutex::new(connection))
}

/// Serves gRPC, and says where.
async fn serve(test: &TestMuster, callers: Callers) -> SocketAddr {
    let port = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = port.local_addr().expect("an address");
    let (_, health) = tonic_health::server::health_reporter();
    let options = GrpcOptions {
        shutdown: CancellationToken::new(),
        request_timeout: PATIENCE,
        max_message_bytes: 4 << 20,
        admission: Admission::unlimited(),
    };
    let routes = grpc::router(test.muster.clone(), callers, options, health).expect("services");
    let serve = tonic::transport::Server::builder()
        .add_routes(routes)
        .serve_with_incoming(TcpListenerStream::new(port));
    tokio::spawn(async move { serve.await.expect("gRPC is served") });
    address
}
