//! Sockets: bound, served, drained.

use std::net::SocketAddr;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use futures_util::TryFutureExt as _;
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;

use super::StartError;
use super::config::Flag;
use super::drain::Drain;
use crate::domain::error::Error;

/// Streams of one connection.
const MAX_STREAMS: u32 = 256;

/// Listens at an address.
///
/// # Errors
/// [`StartError::Socket`], which names the flag.
pub async fn bind(flag: Flag, address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|cause| StartError::Socket {
            flag,
            address,
            cause,
        })
}

/// Where a socket really listens.
///
/// # Errors
/// [`StartError::System`].
pub fn local(listener: &TcpListener) -> Result<SocketAddr, StartError> {
    listener
        .local_addr()
        .map_err(StartError::system("look at a socket"))
}

/// Serves gRPC until the process drains and the calls in flight have ended.
///
/// # Errors
/// When the socket fails.
pub async fn grpc(listener: TcpListener, routes: Routes, drain: Drain) -> Result<(), Error> {
    let incoming = TcpIncoming::from(listener)
        .with_nodelay(Some(true))
        .with_keepalive(Some(Duration::from_secs(60)));
    let serve = tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .max_concurrent_streams(MAX_STREAMS)
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, drain.begun.clone().cancelled_owned())
        .map_err(Error::internal);
    drain.within_grace("gRPC", serve).await
}

/// Serves HTTP until the process drains and the requests in flight have ended.
///
/// # Errors
/// When the socket fails.
pub async fn http(listener: TcpListener, router: axum::Router, drain: Drain) -> Result<(), Error> {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection was gone at once");
        }
    });
    let serve = axum::serve(listener, router)
        .with_graceful_shutdown(drain.begun.clone().cancelled_owned())
        .into_future()
        .map_err(Error::internal);
    drain.within_grace("HTTP", serve).await
}
