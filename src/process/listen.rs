//! Sockets: bound, served, drained.

use std::net::SocketAddr;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;

use super::StartError;
use super::config::Flag;
use crate::domain::error::Error;

/// How long calls in flight may take once the process drains: less than the
/// process itself has, so that a client that stands still does not make a
/// clean stop a failure. What is cut off then can be repeated: uploads are all
/// or nothing, and calls carry request ids.
const GRACE: Duration = Duration::from_secs(15);
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
pub async fn grpc(
    listener: TcpListener,
    routes: Routes,
    draining: CancellationToken,
) -> Result<(), Error> {
    let incoming = TcpIncoming::from(listener)
        .with_nodelay(Some(true))
        .with_keepalive(Some(Duration::from_secs(60)));
    let serve = tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .max_concurrent_streams(MAX_STREAMS)
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, draining.clone().cancelled_owned());
    within_grace("gRPC", serve, draining).await
}

/// Serves HTTP until the process drains and the requests in flight have ended.
///
/// # Errors
/// When the socket fails.
pub async fn http(
    listener: TcpListener,
    router: axum::Router,
    draining: CancellationToken,
) -> Result<(), Error> {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection was gone at once");
        }
    });
    let serve = axum::serve(listener, router)
        .with_graceful_shutdown(draining.clone().cancelled_owned())
        .into_future();
    within_grace("HTTP", serve, draining).await
}

async fn within_grace<E: std::error::Error + Send + Sync + 'static>(
    front: &'static str,
    serve: impl Future<Output = Result<(), E>>,
    draining: CancellationToken,
) -> Result<(), Error> {
    let grace = async {
        draining.cancelled().await;
        sleep(GRACE).await;
    };
    tokio::select! {
        served = serve => served.map_err(Error::internal),
        () = grace => {
            tracing::warn!(front, seconds = GRACE.as_secs(), "cut off what was still in flight");
            Ok(())
        }
    }
}
