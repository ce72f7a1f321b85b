//! Stub: the HTTP room is written elsewhere.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::sync::watch;

use crate::operations::Muster;
use crate::operations::callers::Callers;

/// What the handlers share.
#[derive(Clone, Debug)]
pub struct HttpState {
    /// The operations.
    pub muster: Muster,
    /// Who may call.
    pub callers: Callers,
    /// What `/readyz` says.
    pub ready: watch::Receiver<bool>,
}

async fn readyz(State(state): State<HttpState>) -> StatusCode {
    if *state.ready.borrow() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

/// All paths of the HTTP port.
pub fn router(state: HttpState) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(readyz))
        .with_state(state)
}
