//! Where a server listens, and where its callers reach it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use clap::Args;
use url::Url;

use super::{Flag, values};
use crate::process::StartError;

/// Where a server listens.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Addresses")]
pub struct ListenArgs {
    /// Where gRPC is served; port 0 takes a free one
    #[arg(
        long,
        env = "MUSTER_GRPC_ADDR",
        hide_env_values = true,
        default_value = "127.0.0.1:50051",
        value_name = "IP:PORT",
        value_parser = values::address
    )]
    pub grpc_addr: SocketAddr,
    /// Where HTTP is served: uploads, downloads, /healthz, /readyz; port 0 takes a free one
    #[arg(
        long,
        env = "MUSTER_HTTP_ADDR",
        hide_env_values = true,
        default_value = "127.0.0.1:8080",
        value_name = "IP:PORT",
        value_parser = values::address
    )]
    pub http_addr: SocketAddr,
    /// How callers reach the HTTP port: what upload URLs begin with [default: http://, or
    /// https:// with TLS, and the HTTP address]
    #[arg(
        long,
        env = "MUSTER_PUBLIC_URL",
        hide_env_values = true,
        value_name = "URL",
        value_parser = values::url
    )]
    public_url: Option<Url>,
}

impl ListenArgs {
    /// Refuses a public URL that no upload URL can begin with. It is not
    /// repeated: it may hold a password.
    ///
    /// # Errors
    /// [`StartError::Setting`].
    pub fn check(&self) -> Result<(), StartError> {
        let Some(url) = &self.public_url else {
            return Ok(());
        };
        let usable = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        usable.then_some(()).ok_or_else(|| {
            StartError::setting(
                Flag::PUBLIC_URL,
                "expected http:// or https://, a host and at most a path, without user, query or \
                 fragment, such as https://muster.example.com",
            )
        })
    }

    /// Whether anyone but this machine can reach the server.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        [self.grpc_addr, self.http_addr]
            .iter()
            .any(|address| !address.ip().to_canonical().is_loopback())
    }

    /// The public URL of a server that listens at `http`, with TLS or without,
    /// and whether it is a guess that holds on this machine only.
    #[must_use]
    pub fn public_url(&self, http: SocketAddr, tls: bool) -> (Url, bool) {
        if let Some(url) = &self.public_url {
            return (url.clone(), false);
        }
        let guessed = http.ip().is_unspecified();
        let host = if guessed {
            SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), http.port())
        } else {
            http
        };
        // An IPv6 address may carry a zone, which no URL can.
        let host = SocketAddr::new(host.ip(), host.port());
        let scheme = if tls { "https" } else { "http" };
        let url = Url::parse(&format!("{scheme}://{host}")).expect("an address makes a URL");
        (url, guessed)
    }
}
