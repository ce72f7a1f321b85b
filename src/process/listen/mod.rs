//! Ports: bound, served within limits, drained.

mod connection;
mod heard;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::transport::server::TcpIncoming;

use super::StartError;
use super::config::Flag;
use super::drain::Drain;
use super::tls::ServerTls;
use crate::domain::error::Error;

/// When the system asks a client that says nothing whether it is there.
const TCP_KEEPALIVE: Duration = Duration::from_secs(60);
/// How long nothing is accepted after the system has refused to.
const PAUSE: Duration = Duration::from_millis(500);

/// What a port speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC: HTTP/2 and nothing else.
    Grpc,
    /// HTTP/1.1.
    Http,
}

/// The limits of a port's connections.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Most at once.
    pub connections: usize,
    /// Most calls at once on one of HTTP/2.
    pub streams: u32,
    /// Longest time for the handshake, and then for the first words of HTTP/2
    /// or the first head of HTTP/1.1.
    pub header_timeout: Duration,
    /// Longest time from the end of an answer of HTTP/1.1 to the whole head of
    /// the next request.
    pub idle_timeout: Duration,
    /// How often a client of HTTP/2 is asked whether it is still there.
    pub keepalive_interval: Duration,
    /// How long it may take to say so.
    pub keepalive_timeout: Duration,
    /// How long a connection takes new calls.
    pub age: Duration,
    /// How much longer the calls of one of HTTP/2 may go on.
    pub age_grace: Duration,
}

impl Default for ConnectionLimits {
    /// For a port that serves nothing but health.
    fn default() -> Self {
        Self {
            connections: 200,
            streams: 64,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(10),
            age: Duration::from_secs(30 * 60),
            age_grace: Duration::from_secs(60),
        }
    }
}

/// A port, and what is behind it.
#[derive(Debug)]
pub struct Port {
    /// Where it listens.
    pub listener: TcpListener,
    /// What it speaks.
    pub protocol: Protocol,
    /// What answers.
    pub router: axum::Router,
    /// Its certificate; without one it speaks plainly.
    pub tls: Option<ServerTls>,
    /// The limits of its connections.
    pub limits: ConnectionLimits,
}

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

impl Port {
    /// Serves until the process drains and what is in flight has ended.
    ///
    /// # Errors
    /// None; the type is that of a task.
    pub async fn serve(self, drain: Drain) -> Result<(), Error> {
        let name = match self.protocol {
            Protocol::Grpc => "gRPC",
            Protocol::Http => "HTTP",
        };
        // Dropped with this future: then nothing is left of the connections.
        let cut_off = CancellationToken::new();
        let _cut_off = cut_off.clone().drop_guard();
        let begun = drain.begun.clone();
        let serve = async move {
            let tasks = TaskTracker::new();
            self.accept(&tasks, name, &begun, &cut_off).await;
            tasks.close();
            tasks.wait().await;
            Ok(())
        };
        drain.within_grace(name, serve).await
    }

    /// Accepts connections until the drain begins, and closes the socket. What
    /// a client does or does not holds up nobody else: each connection has a
    /// task of its own from the first byte on.
    async fn accept(
        self,
        tasks: &TaskTracker,
        name: &'static str,
        begun: &CancellationToken,
        cut_off: &CancellationToken,
    ) {
        let Self {
            listener,
            protocol,
            router,
            tls,
            limits,
        } = self;
        let places = Arc::new(Semaphore::new(limits.connections));
        let served = Arc::new(connection::Served {
            protocol,
            router,
            tls,
            limits,
            begun: begun.clone(),
            cut_off: cut_off.clone(),
        });
        let mut incoming = TcpIncoming::from(listener)
            .with_nodelay(Some(true))
            .with_keepalive(Some(TCP_KEEPALIVE));
        let mut full = false;
        let accept = async {
            while let Some(accepted) = incoming.next().await {
                let stream: TcpStream = match accepted {
                    Ok(stream) => stream,
                    Err(error) => {
                        // No more files, most of all; it passes.
                        tracing::warn!(port = name, %error, "cannot accept a connection");
                        tokio::time::sleep(PAUSE).await;
                        continue;
                    }
                };
                let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                    // Once for a crowd, not for each of it.
                    if !full {
                        let connections = limits.connections;
                        tracing::warn!(port = name, connections, "no room for more connections");
                        full = true;
                    }
                    continue;
                };
                full = false;
                let served = Arc::clone(&served);
                tasks.spawn(async move {
                    served.connection(stream).await;
                    drop(place);
                });
            }
        };
        begun.run_until_cancelled(accept).await;
    }
}
