//! The HTTP port: uploads by signed URL, `rejected.csv`, and the probes.

pub mod aws;
mod body;
mod call;
mod drain;
mod error;
mod probes;
mod rejected;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, put};
use tokio::sync::watch;

use crate::operations::Muster;
use crate::operations::admission::Admission;
use crate::operations::callers::Callers;

/// How long an upload may send nothing, unless a server is told otherwise.
pub const UPLOAD_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// What the port needs to know.
#[derive(Clone, Debug)]
pub struct HttpState {
    /// What there is to do.
    pub muster: Muster,
    /// Whom bearer tokens belong to.
    pub callers: Callers,
    /// Whether the process is ready for calls: what `/readyz` answers.
    pub ready: watch::Receiver<bool>,
    /// An upload that sends nothing for so long is cut off. How long it takes
    /// in all is not limited.
    pub upload_idle_timeout: Duration,
    /// How many uploads and downloads are served at once, and how often each
    /// caller may ask.
    pub admission: Admission,
}

/// All that the HTTP port serves.
pub fn router(state: HttpState) -> Router {
    Router::new()
        .route("/v1/uploads/{user_pool_id}/{job_id}", put(upload::put))
        .route(
            "/v1/user-import-jobs/{job_id}/rejected.csv",
            get(rejected::get),
        )
        .route("/healthz", get(probes::alive))
        .route("/readyz", get(probes::ready))
        .fallback(error::no_such_path)
        .method_not_allowed_fallback(error::no_such_method)
        .with_state(Arc::new(state))
        .layer(from_fn(call::serve))
}
