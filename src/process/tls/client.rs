//! TLS on the side of the command line.

use std::path::{Path, PathBuf};

use clap::Args;
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

use super::pem;

/// Whom the command line trusts, and what it is known by.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Server and output")]
pub struct ClientTlsArgs {
    /// The CA of the server's certificate, PEM [default: those that this machine trusts]
    #[arg(
        long,
        global = true,
        env = "MUSTER_CA",
        hide_env_values = true,
        value_name = "FILE"
    )]
    ca: Option<PathBuf>,
    /// A certificate to be known by, with its chain, PEM
    #[arg(
        long,
        global = true,
        env = "MUSTER_CLIENT_CERT",
        hide_env_values = true,
        value_name = "FILE"
    )]
    client_cert: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(
        long,
        global = true,
        env = "MUSTER_CLIENT_KEY",
        hide_env_values = true,
        value_name = "FILE"
    )]
    client_key: Option<PathBuf>,
}

/// Why there is no TLS on this side.
#[derive(Debug, thiserror::Error)]
pub enum ClientTlsError {
    /// A file cannot be read, or is not what it should be.
    #[error("{flag}: {}: {problem}", .path.display())]
    File {
        /// The flag that names it.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// One of the two is there without the other.
    #[error("--client-cert and --client-key are needed together")]
    Half,
    /// The library for HTTP does not take them.
    #[error("the certificates cannot be used: {0}")]
    Unusable(#[from] reqwest::Error),
}

/// What the files hold.
#[derive(Clone, Default)]
pub struct ClientTls {
    /// PEM.
    ca: Option<Vec<u8>>,
    /// Certificate and key, PEM.
    identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl ClientTlsArgs {
    /// Reads the files.
    ///
    /// # Errors
    /// [`ClientTlsError`], which names flag and file.
    pub fn read(&self) -> Result<ClientTls, ClientTlsError> {
        let ca = match &self.ca {
            None => None,
            Some(path) => Some(file("--ca", path, |bytes| {
                pem::authorities(bytes).map(drop)
            })?),
        };
        let identity = match (&self.client_cert, &self.client_key) {
            (None, None) => None,
            (Some(cert), Some(key)) => Some((
                file("--client-cert", cert, |bytes| {
                    pem::certificates(bytes).map(drop)
                })?,
                file("--client-key", key, |bytes| pem::key(bytes).map(drop))?,
            )),
            _ => return Err(ClientTlsError::Half),
        };
        Ok(ClientTls { ca, identity })
    }
}

fn file(
    flag: &'static str,
    path: &Path,
    check: impl FnOnce(&[u8]) -> Result<(), String>,
) -> Result<Vec<u8>, ClientTlsError> {
    std::fs::read(path)
        .map_err(|e| e.to_string())
        .and_then(|bytes| check(&bytes).map(|()| bytes))
        .map_err(|problem| ClientTlsError::File {
            flag,
            path: path.to_owned(),
            problem,
        })
}

impl ClientTls {
    /// For gRPC.
    #[must_use]
    pub fn grpc(&self) -> ClientTlsConfig {
        let mut config = ClientTlsConfig::new();
        config = match &self.ca {
            Some(ca) => config.ca_certificate(Certificate::from_pem(ca)),
            None => config.with_native_roots(),
        };
        if let Some((cert, key)) = &self.identity {
            config = config.identity(Identity::from_pem(cert, key));
        }
        config
    }

    /// For HTTP.
    ///
    /// # Errors
    /// [`ClientTlsError::Unusable`].
    pub fn http(&self) -> Result<reqwest::ClientBuilder, ClientTlsError> {
        super::use_ring();
        let mut builder = reqwest::Client::builder();
        if let Some(ca) = &self.ca {
            builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(ca)?);
        }
        if let Some((cert, key)) = &self.identity {
            let both = [key.as_slice(), b"\n", cert.as_slice()].concat();
            builder = builder.identity(reqwest::Identity::from_pem(&both)?);
        }
        Ok(builder)
    }
}
