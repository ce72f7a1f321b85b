//! The operations without a database: whatever comes so far as to ask it is
//! told that it is away.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, Response};
use muster::domain::clock::Clock;
use muster::domain::ids::SystemIds;
use muster::http::{self, HttpState};
use muster::objects::Objects;
use muster::operations::admission::Admission;
use muster::operations::callers::Callers;
use muster::operations::{Muster, SigningKey};
use muster::store::{Database, DatabaseSettings};
use tempfile::TempDir;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tower::ServiceExt as _;
use url::Url;

use crate::support::muster::settings;

/// The time that it always is.
pub const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);
/// The file limit of the URLs that are good.
pub const MAX_BYTES: u64 = 1 << 20;

/// The HTTP port of such a server.
pub struct Offline {
    pub key: SigningKey,
    runtime: Runtime,
    router: Router,
    _folder: TempDir,
}

struct Standing;

impl Clock for Standing {
    fn now(&self) -> OffsetDateTime {
        NOW
    }
}

impl Offline {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let folder = tempfile::tempdir().expect("a folder");
        let url = Url::from_directory_path(folder.path()).expect("an absolute path");
        let key = SigningKey::new([7; 32]).expect("long enough");
        let guard = runtime.enter();
        let db = Database::open(&DatabaseSettings {
            // A socket that is not there is not waited for.
            url: "postgres://nobody@localhost/none?host=/nowhere".to_owned(),
            max_connections: 1,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(5),
            lock_timeout: Duration::from_secs(5),
        })
        .expect("a database's name");
        drop(guard);
        let muster = Muster::new(
            db,
            Objects::open_folder(&url).expect("an object store"),
            Arc::new(Standing),
            Arc::new(SystemIds),
            key.clone(),
            settings(),
        );
        let (_, ready) = watch::channel(true);
        let router = http::router(HttpState {
            muster,
            callers: Callers::open(),
            ready,
            upload_idle_timeout: Duration::from_secs(5),
            admission: Admission::unlimited(),
        });
        Self {
            key,
            runtime,
            router,
            _folder: folder,
        }
    }

    /// Sends a request, and answers what came back with its body.
    pub fn send(&self, request: Request<Body>) -> (Response<()>, Bytes) {
        self.runtime.block_on(async {
            let answer = self.router.clone().oneshot(request).await;
            let (head, body) = answer.expect("an answer").into_parts();
            let body = to_bytes(body, 1 << 20).await.expect("a body");
            (Response::from_parts(head, ()), body)
        })
    }
}
