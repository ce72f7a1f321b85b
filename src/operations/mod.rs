//! What muster does: each operation authorises, decides, and acts in one
//! transaction. No transport in sight: gRPC, HTTP and the AWS front call these.

pub mod admission;
pub mod callers;
pub mod current;
pub mod deadline;
mod fields;
pub mod jobs;
pub mod pools;
pub mod refusal;
pub mod reports;
mod request_id;
pub mod signing;
pub mod start;
mod store_upload;
pub mod tokens;
pub mod uploads;
pub mod users;
pub mod watch;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument as _;
use url::Url;

use crate::domain::clock::Clock;
use crate::domain::error::Error;
use crate::domain::ids::{Ids, UserPoolId};
use crate::domain::pool::UserPool;
use crate::domain::principal::{Principal, Role};
use crate::objects::Objects;
use crate::store::gather::JobReader;
use crate::store::{self, Database};
use crate::traces::Parent;

pub use fields::Page;
pub use signing::SigningKey;

/// The rules of one installation.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a job may wait for Start.
    pub expire_after: Duration,
    /// How long a signed upload URL is good.
    pub upload_url_ttl: Duration,
    /// Largest upload, in bytes.
    pub max_upload_bytes: u64,
    /// Most rows of a file.
    pub max_rows: u64,
    /// Longest row, in characters.
    pub max_row_chars: usize,
    /// Most jobs of a pool that are not deleted.
    pub max_jobs_per_pool: u32,
    /// Where callers reach muster's HTTP port.
    pub public_url: Url,
    /// What the ids of new pools begin with.
    pub region: String,
}

/// All operations. Cheap to clone.
#[derive(Clone)]
pub struct Muster(Arc<Inner>);

struct Inner {
    db: Database,
    jobs: JobReader,
    objects: Objects,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    key: SigningKey,
    settings: Settings,
}

impl std::fmt::Debug for Muster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Muster")
    }
}

impl Muster {
    /// The operations over a database and an object store.
    #[must_use]
    pub fn new(
        db: Database,
        objects: Objects,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        key: SigningKey,
        settings: Settings,
    ) -> Self {
        Self(Arc::new(Inner {
            jobs: JobReader::new(db.clone()),
            db,
            objects,
            clock,
            ids,
            key,
            settings,
        }))
    }

    /// The rules of this installation.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Runs work that must not be cut off half-way: when the caller hangs up,
    /// the transport drops its future, and a transaction that is dropped while
    /// it begins can be left open in the pool. Its deadline goes along: no
    /// statement outlasts it, nothing is begun after it, and a transaction that
    /// is not committed by then is rolled back.
    async fn detached<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let work = Parent::current().around(work).in_current_span();
        tokio::spawn(store::deadline::carried(work))
            .await
            .map_err(Error::internal)?
    }

    /// The pool of a request, for a caller that may do this there.
    async fn pool(
        &self,
        caller: &Principal,
        role: Role,
        id: &UserPoolId,
    ) -> Result<UserPool, Error> {
        caller.authorise(role, id)?;
        store::pools::get(&self.0.db, id)
            .await?
            .ok_or_else(|| Error::user_pool_not_found(id.as_str()))
    }

    /// The error for a job that was not found: the pool may be missing, too.
    async fn missing_job(&self, pool: &UserPoolId, job: impl std::fmt::Display) -> Error {
        match store::pools::get(&self.0.db, pool).await {
            Ok(Some(_)) => Error::job_not_found(job),
            Ok(None) => Error::user_pool_not_found(pool.as_str()),
            Err(error) => error,
        }
    }
}
