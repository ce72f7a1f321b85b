//! Whether the process is alive, and whether it is ready.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use super::HttpState;

/// Answers as long as the process can answer at all.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Answers 200 while the process is ready for calls.
pub(super) async fn ready(State(state): State<Arc<HttpState>>) -> (StatusCode, &'static str) {
    if *state.ready.borrow() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}
