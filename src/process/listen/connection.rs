//! One connection: its handshake, its calls, its end.

use std::hash::{BuildHasher as _, RandomState};
use std::io::ErrorKind;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::{ServiceExt as _, service_fn};

use super::heard::Heard;
use super::{ConnectionLimits, Protocol};
use crate::operations::callers::Peer;
use crate::process::tls::{Alpn, ServerTls};

/// What a client of HTTP/2 says first (RFC 9113, section 3.4), in bytes.
const PREFACE: usize = 24;

/// What all connections of a port have in common.
pub(super) struct Served {
    pub(super) protocol: Protocol,
    pub(super) router: axum::Router,
    pub(super) tls: Option<ServerTls>,
    pub(super) limits: ConnectionLimits,
    /// Cancelled when no new calls are taken any more.
    pub(super) begun: CancellationToken,
    /// Cancelled when connections end at once.
    pub(super) cut_off: CancellationToken,
}

impl Served {
    /// Serves a connection to its end.
    pub(super) async fn connection(&self, stream: TcpStream) {
        let Some(tls) = &self.tls else {
            return self.calls(stream, None).await;
        };
        let alpn = match self.protocol {
            Protocol::Grpc => Alpn::H2,
            Protocol::Http => Alpn::Http1,
        };
        let handshake = timeout(self.limits.header_timeout, tls.accept(alpn, stream));
        match self.begun.run_until_cancelled(handshake).await {
            Some(Ok(Ok(accepted))) => {
                self.calls(accepted.stream, accepted.peer).await;
            }
            // Whoever looks whether the port is open goes away like this.
            Some(Ok(Err(error))) if error.kind() == ErrorKind::UnexpectedEof => {
                tracing::debug!(%error, "a TLS handshake was not ended");
            }
            Some(Ok(Err(error))) => tracing::info!(%error, "a TLS handshake failed"),
            Some(Err(_)) => tracing::info!("a TLS handshake took too long"),
            None => {}
        }
    }

    async fn calls<S>(&self, stream: S, peer: Option<Peer>)
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let (stream, heard) = Heard::new(stream);
        let router = self.router.clone();
        let asked = Arc::new(AtomicBool::new(false));
        let asks = Arc::clone(&asked);
        let service = service_fn(move |request: Request<Incoming>| {
            asks.store(true, Ordering::Relaxed);
            let mut request = request.map(Body::new);
            if let Some(peer) = &peer {
                request.extensions_mut().insert(peer.clone());
            }
            router.clone().oneshot(request)
        });
        let builder = self.builder();
        let mut connection =
            pin!(builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)));
        let mut silence = pin!(sleep(self.limits.header_timeout));
        let mut age = pin!(sleep(jittered(self.limits.age)));
        let mut grace = pin!(sleep(Duration::ZERO));
        let (mut spoken, mut ending, mut bounded) = (false, false, false);
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection broke");
                    }
                    return;
                }
                () = self.cut_off.cancelled() => return,
                () = self.begun.cancelled(), if !ending => {
                    if heard.bytes() == 0 {
                        // It would be waited for until it says something.
                        return;
                    }
                    connection.as_mut().graceful_shutdown();
                    ending = true;
                }
                () = &mut silence, if !spoken => {
                    let begun = match self.protocol {
                        // A client may well connect before it has anything to ask.
                        Protocol::Grpc => heard.bytes() >= PREFACE,
                        Protocol::Http => asked.load(Ordering::Relaxed),
                    };
                    if !begun {
                        tracing::debug!("a connection said too little");
                        return;
                    }
                    spoken = true;
                }
                () = &mut age, if !ending => {
                    connection.as_mut().graceful_shutdown();
                    ending = true;
                    // Uploads and downloads may take long, and end by themselves.
                    bounded = self.protocol == Protocol::Grpc;
                    grace.set(sleep(self.limits.age_grace));
                }
                () = &mut grace, if bounded => {
                    tracing::debug!("a connection was too old");
                    return;
                }
            }
        }
    }

    fn builder(&self) -> Builder<TokioExecutor> {
        let limits = &self.limits;
        let builder = Builder::new(TokioExecutor::new());
        match self.protocol {
            Protocol::Grpc => {
                let mut builder = builder.http2_only();
                builder
                    .http2()
                    .timer(TokioTimer::new())
                    .max_concurrent_streams(limits.streams)
                    .keep_alive_interval(limits.keepalive_interval)
                    .keep_alive_timeout(limits.keepalive_timeout);
                builder
            }
            Protocol::Http => {
                let mut builder = builder.http1_only();
                builder
                    .http1()
                    .timer(TokioTimer::new())
                    // It counts from the answer before, where there was one.
                    .header_read_timeout(limits.idle_timeout.max(limits.header_timeout));
                builder
            }
        }
    }
}

/// A tenth more or less, so that connections that came together do not all come
/// again together.
fn jittered(age: Duration) -> Duration {
    /// Of a whole, in thousandths.
    const TENTH: u64 = 100;
    // Its keys are random, and it needs no more to hash than nothing.
    let random = RandomState::new().hash_one(());
    let thousandths = 1_000 - TENTH + random % (2 * TENTH + 1);
    age.mul_f64(thousandths as f64 / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_differ_by_a_tenth_at_most() {
        let age = Duration::from_secs(1_000);
        let ages: Vec<_> = (0..200).map(|_| jittered(age)).collect();
        let (least, most) = (ages.iter().min(), ages.iter().max());
        assert!(least >= Some(&Duration::from_secs(900)), "{least:?}");
        assert!(most <= Some(&Duration::from_secs(1_100)), "{most:?}");
        assert!(least < most);
    }
}
