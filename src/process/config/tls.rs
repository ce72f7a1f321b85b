//! TLS on a server's ports.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Flag;
use crate::process::StartError;

/// Whether a client has to have a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ClientAuth {
    /// One that has none may bear a token, a signed URL or a signature.
    Optional,
    /// One that has none does not get through.
    Required,
}

/// TLS on a server's ports.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "TLS")]
pub struct TlsArgs {
    /// The server's certificate with its chain, PEM: both ports then speak TLS only. Read again
    /// when it changes, as are the key and the CA
    #[arg(
        long,
        env = "MUSTER_TLS_CERT",
        hide_env_values = true,
        value_name = "FILE"
    )]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, PEM
    #[arg(
        long,
        env = "MUSTER_TLS_KEY",
        hide_env_values = true,
        value_name = "FILE"
    )]
    tls_key: Option<PathBuf>,
    /// The CA of client certificates, PEM. What the tokens file makes of the names in them, the
    /// caller is
    #[arg(
        long,
        env = "MUSTER_TLS_CLIENT_CA",
        hide_env_values = true,
        value_name = "FILE"
    )]
    tls_client_ca: Option<PathBuf>,
    /// Whether a client has to have a certificate: optional or required. Probes and uploads to
    /// signed URLs have none as a rule
    #[arg(
        long,
        env = "MUSTER_TLS_CLIENT_AUTH",
        hide_env_values = true,
        default_value = "optional",
        hide_possible_values = true,
        value_name = "WHETHER"
    )]
    tls_client_auth: ClientAuth,
}

/// The files that make a port speak TLS.
#[derive(Clone, Debug)]
pub struct TlsPaths {
    /// The certificate chain.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The CA of client certificates, and whether they are needed.
    pub client: Option<(PathBuf, ClientAuth)>,
}

impl TlsArgs {
    /// The files; `None` without TLS.
    ///
    /// # Errors
    /// [`StartError::Setting`] when one is missing beside the others.
    pub fn paths(&self) -> Result<Option<TlsPaths>, StartError> {
        let missing = |flag, beside: Flag| {
            let problem = format!("a file is needed beside {beside}");
            Err(StartError::setting(flag, problem))
        };
        let client = match (&self.tls_client_ca, self.tls_client_auth) {
            (Some(ca), auth) => Some((ca.clone(), auth)),
            (None, ClientAuth::Optional) => None,
            (None, ClientAuth::Required) => {
                return missing(Flag::TLS_CLIENT_CA, Flag::TLS_CLIENT_AUTH);
            }
        };
        match (&self.tls_cert, &self.tls_key) {
            (Some(cert), Some(key)) => Ok(Some(TlsPaths {
                cert: cert.clone(),
                key: key.clone(),
                client,
            })),
            (Some(_), None) => missing(Flag::TLS_KEY, Flag::TLS_CERT),
            (None, Some(_)) => missing(Flag::TLS_CERT, Flag::TLS_KEY),
            (None, None) if client.is_some() => missing(Flag::TLS_CERT, Flag::TLS_CLIENT_CA),
            (None, None) => Ok(None),
        }
    }

    /// Whether there is a file that is read again on SIGHUP.
    #[must_use]
    pub fn heeds_hang_up(&self) -> bool {
        self.tls_cert.is_some()
    }
}
