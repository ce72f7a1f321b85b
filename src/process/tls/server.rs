//! A server's certificate, and the CA of its clients', from files that may
//! change.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, rustls};
use tokio_util::sync::CancellationToken;
use webpki::EndEntityCert;

use super::pem;
use crate::domain::error::Error;
use crate::operations::callers::Peer;
use crate::operations::current::Current;
use crate::process::StartError;
use crate::process::config::{ClientAuth, Flag, TlsPaths};
use crate::process::watched::{self, EVERY, Watched};

/// The protocol that a port speaks beneath TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alpn {
    /// HTTP/2.
    H2,
    /// HTTP/1.1.
    Http1,
}

/// One for each protocol.
struct Configs {
    h2: Arc<ServerConfig>,
    http1: Arc<ServerConfig>,
}

/// What connections are accepted with from now on. Those that are there keep
/// what they have. Cheap to clone; all clones change together.
#[derive(Clone)]
pub struct ServerTls(Current<Configs>);

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerTls(..)")
    }
}

/// A connection whose handshake is done.
#[derive(Debug)]
pub struct Accepted<S> {
    /// What is sent and received on it.
    pub stream: TlsStream<S>,
    /// The names in the client's certificate, if it has one.
    pub peer: Option<Peer>,
}

impl ServerTls {
    /// Does the handshake of a connection.
    ///
    /// # Errors
    /// What the client did wrong, or could not agree to.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        alpn: Alpn,
        connection: S,
    ) -> io::Result<Accepted<S>> {
        let configs = self.0.get();
        let config = match alpn {
            Alpn::H2 => &configs.h2,
            Alpn::Http1 => &configs.http1,
        };
        let stream = TlsAcceptor::from(Arc::clone(config))
            .accept(connection)
            .await?;
        let certificates = stream.get_ref().1.peer_certificates();
        let peer = certificates.and_then(<[_]>::first).map(peer).transpose()?;
        Ok(Accepted { stream, peer })
    }
}

/// The names in a certificate that has been verified.
fn peer(certificate: &rustls::pki_types::CertificateDer<'_>) -> io::Result<Peer> {
    let certificate = EndEntityCert::try_from(certificate).map_err(io::Error::other)?;
    let uris = certificate.valid_uri_names().map(str::to_owned);
    let hosts = certificate.valid_dns_names().map(Peer::dns);
    Ok(Peer::new(uris.chain(hosts)))
}

/// The files, which are read again when they change.
#[derive(Debug)]
pub struct TlsFiles {
    paths: TlsPaths,
    tls: ServerTls,
    watched: Watched,
}

impl TlsFiles {
    /// Reads the files.
    ///
    /// # Errors
    /// [`StartError::Setting`], which names flag and file, when one cannot be
    /// read or is not what it should be.
    pub async fn open(paths: TlsPaths) -> Result<Self, StartError> {
        Self::watching(paths, EVERY).await
    }

    /// The same, with another interval at which they are looked at.
    ///
    /// # Errors
    /// As [`TlsFiles::open`].
    pub async fn watching(paths: TlsPaths, every: Duration) -> Result<Self, StartError> {
        let all = [&paths.cert, &paths.key].into_iter().cloned();
        let all = all.chain(paths.client.as_ref().map(|(ca, _)| ca.clone()));
        let watched = Watched::new(all, every).await?;
        let tls = ServerTls(Current::new(load(&paths).await?));
        Ok(Self {
            paths,
            tls,
            watched,
        })
    }

    /// What connections are accepted with; it changes when the files do.
    #[must_use]
    pub fn tls(&self) -> ServerTls {
        self.tls.clone()
    }

    /// Reads the files again whenever one has changed, and on every SIGHUP.
    /// When something is wrong with them, all stays as it is.
    ///
    /// # Errors
    /// None; the type is that of a task.
    pub async fn watch(mut self, draining: CancellationToken) -> Result<(), Error> {
        let watch = async {
            loop {
                self.watched.changed().await;
                match load(&self.paths).await {
                    Ok(configs) => {
                        self.tls.0.replace(configs);
                        tracing::info!("read the certificates again");
                    }
                    // Certificate and key may be caught between two changes:
                    // the next one is looked at, too.
                    Err(problem) => {
                        tracing::error!(%problem, "the certificates of before stay in force");
                    }
                }
            }
        };
        draining.run_until_cancelled(watch).await;
        Ok(())
    }
}

async fn load(paths: &TlsPaths) -> Result<Configs, StartError> {
    let wrong = |flag: Flag, path: &Path, problem: String| {
        StartError::setting(flag, format!("{}: {problem}", path.display()))
    };
    let read = async |flag: Flag, path: &Path| {
        let bytes = watched::read(path).await;
        bytes.map_err(|e| wrong(flag, path, e.to_string()))
    };
    let cert = read(Flag::TLS_CERT, &paths.cert).await?;
    let key = read(Flag::TLS_KEY, &paths.key).await?;
    let chain = pem::certificates(&cert).map_err(|e| wrong(Flag::TLS_CERT, &paths.cert, e))?;
    // As what it is parsed in every handshake.
    EndEntityCert::try_from(&chain[0])
        .map_err(|e| wrong(Flag::TLS_CERT, &paths.cert, format!("cannot be used ({e})")))?;
    let key = pem::key(&key).map_err(|e| wrong(Flag::TLS_KEY, &paths.key, e))?;
    let identity = CertifiedKey::from_der(chain, key, &super::provider()).map_err(|e| {
        let problem = match e {
            rustls::Error::InconsistentKeys(_) => {
                format!(
                    "is not the key of the certificate in {}",
                    paths.cert.display()
                )
            }
            other => format!("cannot be used ({other})"),
        };
        wrong(Flag::TLS_KEY, &paths.key, problem)
    })?;
    let verifier = match &paths.client {
        None => WebPkiClientVerifier::no_client_auth(),
        Some((path, auth)) => {
            let ca = read(Flag::TLS_CLIENT_CA, path).await?;
            verifier(&ca, *auth).map_err(|e| wrong(Flag::TLS_CLIENT_CA, path, e))?
        }
    };
    let config = |alpn: &[u8]| {
        let mut config = ServerConfig::builder_with_provider(super::provider())
            .with_safe_default_protocol_versions()
            .map_err(|e| StartError::Bug(Error::internal(e)))?
            .with_client_cert_verifier(Arc::clone(&verifier))
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(identity.clone())));
        config.alpn_protocols = vec![alpn.to_owned()];
        Ok(Arc::new(config))
    };
    Ok(Configs {
        h2: config(b"h2")?,
        http1: config(b"http/1.1")?,
    })
}

fn verifier(ca: &[u8], auth: ClientAuth) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let roots = Arc::new(pem::authorities(ca)?);
    let builder = WebPkiClientVerifier::builder_with_provider(roots, super::provider());
    let builder = match auth {
        ClientAuth::Required => builder,
        ClientAuth::Optional => builder.allow_unauthenticated(),
    };
    builder.build().map_err(|e| e.to_string())
}
