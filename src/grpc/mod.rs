//! Stub: the gRPC room is written elsewhere.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::HealthService;

use crate::operations::Muster;
use crate::operations::callers::Callers;

/// How the gRPC front behaves.
#[derive(Clone, Debug)]
pub struct GrpcOptions {
    /// Ends the streams when the server drains.
    pub shutdown: CancellationToken,
    /// Longest time of one call.
    pub request_timeout: Duration,
}

/// All services of the gRPC port.
#[must_use]
pub fn router(
    _muster: Muster,
    _callers: Callers,
    _options: GrpcOptions,
    health: HealthServer<HealthService>,
) -> Routes {
    Routes::new(health)
}
