//! A port for health alone. It is served from before the database is looked
//! for until the process has ended, so that a probe is always answered, and in
//! the clear, because probes seldom know better.

use std::net::SocketAddr;
use std::time::Duration;

use tokio_util::task::AbortOnDropHandle;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use super::config::Flag;
use super::health::Health;
use super::{StartError, listen};

/// Streams of one connection.
const MAX_STREAMS: u32 = 16;
const KEEPALIVE: Duration = Duration::from_secs(30);

/// An open port. Dropping it closes it.
#[derive(Debug)]
pub struct HealthPort {
    /// Where it listens.
    pub address: SocketAddr,
    /// No task of the lifecycle's: those end while the process drains.
    _serving: AbortOnDropHandle<()>,
}

impl HealthPort {
    /// Serves health at an address, from now on.
    ///
    /// # Errors
    /// [`StartError::Socket`], which names the flag.
    pub async fn open(
        flag: Flag,
        address: SocketAddr,
        health: &Health,
    ) -> Result<Self, StartError> {
        let socket = listen::bind(flag, address).await?;
        let address = listen::local(&socket)?;
        let serve = Server::builder()
            .http2_keepalive_interval(Some(KEEPALIVE))
            .max_concurrent_streams(MAX_STREAMS)
            .add_service(health.server())
            .serve_with_incoming(TcpIncoming::from(socket).with_nodelay(Some(true)));
        let serving = tokio::spawn(async move {
            // Then probes find nobody, and see to the rest.
            if let Err(error) = serve.await {
                tracing::error!(%error, "the health port is closed");
            }
        });
        Ok(Self {
            address,
            _serving: AbortOnDropHandle::new(serving),
        })
    }
}
