//! TLS over real sockets, by certificates that the tests make.

mod authority;
mod command_line;
mod database;
mod files;
mod identity;
mod ports;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use muster::api::v1::ListUserPoolsRequest;
use muster::api::v1::user_pool_service_client::UserPoolServiceClient;
use muster::process::config::{ClientAuth, TlsPaths};
use muster::process::tls::{ServerTls, TlsFiles};
use reqwest::StatusCode;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::Status;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};

use crate::support::http;
use crate::transport::{Options, TestServer};
use authority::{Authority, Credentials};

/// How soon a change of the files is seen.
const SOON: Duration = Duration::from_millis(20);

/// The files of a server, and who reads them.
struct Files {
    folder: TempDir,
    client: Option<ClientAuth>,
}

impl Files {
    /// A server's credentials, and the CA of its clients.
    fn new(server: &Credentials, clients: Option<(&Authority, ClientAuth)>) -> Self {
        let files = Self {
            folder: tempfile::tempdir().expect("a folder"),
            client: clients.map(|(_, auth)| auth),
        };
        files.write(server);
        if let Some((ca, _)) = clients {
            fs::write(files.path("ca.pem"), ca.pem()).expect("a file");
        }
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, server: &Credentials) {
        fs::write(self.path("cert.pem"), &server.cert).expect("a file");
        fs::write(self.path("key.pem"), &server.key).expect("a file");
    }

    fn paths(&self) -> TlsPaths {
        TlsPaths {
            cert: self.path("cert.pem"),
            key: self.path("key.pem"),
            client: self.client.map(|auth| (self.path("ca.pem"), auth)),
        }
    }

    /// Reads the files, and again when they change, until the guard is dropped.
    async fn watched(&self) -> (ServerTls, DropGuard) {
        let files = TlsFiles::watching(self.paths(), SOON).await.expect("files");
        let (tls, draining) = (files.tls(), CancellationToken::new());
        tokio::spawn(files.watch(draining.clone()));
        (tls, draining.drop_guard())
    }
}

/// A server with TLS.
struct Site {
    server: TestServer,
    files: Files,
    _watched: DropGuard,
}

impl Site {
    async fn new(files: Files) -> Self {
        Self::with(files, Options::default()).await
    }

    async fn with(files: Files, options: Options) -> Self {
        let (tls, watched) = files.watched().await;
        let options = Options {
            tls: Some(tls),
            ..options
        };
        Self {
            server: TestServer::with(options).await,
            files,
            _watched: watched,
        }
    }

    /// A connection of a client that trusts a CA, and has credentials or none.
    async fn channel(
        &self,
        ca: &Authority,
        client: Option<&Credentials>,
    ) -> Result<Channel, tonic::transport::Error> {
        let mut tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(ca.pem()))
            .domain_name("localhost");
        if let Some(Credentials { cert, key }) = client {
            tls = tls.identity(Identity::from_pem(cert, key));
        }
        Channel::from_shared(format!("https://{}", self.server.grpc))
            .expect("an address")
            .tls_config(tls)?
            .connect()
            .await
    }

    /// Whether a call comes through, and its status if it does not. What breaks
    /// before there is a call has a status as well.
    async fn grpc(&self, ca: &Authority, client: Option<&Credentials>) -> Result<(), Status> {
        let channel = self.channel(ca, client).await;
        let channel = channel.map_err(|e| Status::from_error(Box::new(e)))?;
        list(channel).await
    }

    /// The status of a GET, if it comes to one.
    async fn http(
        &self,
        ca: &Authority,
        client: Option<&Credentials>,
        path: &str,
    ) -> reqwest::Result<StatusCode> {
        let ca = reqwest::Certificate::from_pem(ca.pem().as_bytes())?;
        let mut builder = http::builder().tls_certs_only([ca]);
        if let Some(Credentials { cert, key }) = client {
            let both = format!("{key}\n{cert}");
            builder = builder.identity(reqwest::Identity::from_pem(both.as_bytes())?);
        }
        let url = format!("https://{}{path}", self.server.http);
        Ok(builder.build()?.get(url).send().await?.status())
    }

    /// Whether both ports let a client through.
    async fn lets_in(&self, ca: &Authority, client: Option<&Credentials>) -> (bool, bool) {
        let grpc = self.grpc(ca, client).await;
        let http = self.http(ca, client, "/readyz").await;
        (grpc.is_ok(), http.is_ok_and(|status| status == 200))
    }
}

/// A call that reads.
async fn list(channel: Channel) -> Result<(), Status> {
    UserPoolServiceClient::new(channel)
        .list_user_pools(ListUserPoolsRequest::default())
        .await
        .map(drop)
}
