//! A cluster, from the folder to the connection string.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use url::Url;

use super::home::{Home, private_file};
use super::server::Server;
use super::settings::{SOCKET_PORT, settings};
use super::{Access, Error, Options, StopMode, USER};
use super::{init, left_over, network};

/// How long the backends of a postmaster that was killed may take to notice
/// its death; no new one starts on their data before.
const ORPHANS: Duration = Duration::from_secs(10);
const ORPHANS_LOOK: Duration = Duration::from_millis(50);
/// How often a start loses its port to another process before it gives up.
const PORT_TRIES: u32 = 3;

/// A running cluster of this process's own.
///
/// Call [`Cluster::stop`] in the end: dropping it sends Postgres the signal to
/// stop, but waits for nothing.
pub struct Cluster {
    // Dropped in this order: the signal goes out before the lock is free.
    server: Server,
    home: Home,
    socket_dir: PathBuf,
    address: Url,
}

impl Cluster {
    /// Starts the cluster in `options.folder`, making it first if there is
    /// none. A server that a killed muster left running there is stopped.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::InUse`] when another muster has the folder.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let (home, binaries) = Home::open(&options.folder, options.binaries.as_deref()).await?;
        init::ensure(&home, &binaries, &options).await?;
        left_over::stop(&home, &binaries).await?;
        let socket_dir = network::socket_dir(&home)?;
        let orphans_gone_by = Instant::now() + ORPHANS;
        let mut port_tries = PORT_TRIES;
        loop {
            let port = match options.access {
                Access::Password => Some(network::free_port(&home)?),
                Access::Socket => None,
            };
            let settings = settings(&options, port, &socket_dir);
            match Server::start(&home, &binaries, &settings, options.durable).await {
                Ok(server) => {
                    let address = address(&home, port, &socket_dir)?;
                    return Ok(Self {
                        server,
                        home,
                        socket_dir,
                        address,
                    });
                }
                Err(Error::Start { .. })
                    if port_tries > 1 && port.is_some_and(|port| !network::is_free(port)) =>
                {
                    port_tries -= 1;
                }
                Err(Error::Start { tail, .. })
                    if Instant::now() < orphans_gone_by
                        && tail.contains("pre-existing shared memory block") =>
                {
                    sleep(ORPHANS_LOOK).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The connection string for one of the cluster's databases.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let mut url = self.address.clone();
        url.set_path(database);
        url.into()
    }

    /// The same over the cluster's socket, where bytes cost less than at a
    /// port; for programs of the account that the cluster runs as.
    #[must_use]
    pub fn socket_url(&self, database: &str) -> String {
        let mut url = self.address.clone();
        url.set_path(database);
        if self.address.query_pairs().all(|(name, _)| name != "host") {
            let dir = self.socket_dir.display().to_string();
            url.query_pairs_mut().append_pair("host", &dir);
        }
        url.into()
    }

    /// Where the cluster lies: `<folder>/postgres`, or the place that
    /// `<folder>/postgres.elsewhere` names.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.root()
    }

    /// The server's log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.home.log()
    }

    /// The postmaster's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Resolves when the server has ended, whoever made it end: before
    /// [`Cluster::stop`] is called, that is an accident. Gives the status, if
    /// it could be learnt. Does not borrow the cluster.
    pub fn exited(&self) -> impl Future<Output = Option<ExitStatus>> + Send + use<> {
        self.server.exited()
    }

    /// Stops the server and waits for its end; within 20 s, by harsher means
    /// when gentle ones take too long.
    ///
    /// # Errors
    /// [`Error::WontStop`] when nothing helps.
    pub async fn stop(self, mode: StopMode) -> Result<(), Error> {
        self.server.stop(mode).await?;
        // The socket's folder under the folder for temporary files would be
        // left behind; where it is in use after all, this fails, as it should.
        if let Err(error) = fs::remove_dir(&self.socket_dir) {
            tracing::debug!(%error, dir = %self.socket_dir.display(), "kept the socket's folder");
        }
        Ok(())
    }

    /// Leaves the server running when this value, or the process, ends. The
    /// next [`Cluster::start`] on the folder stops it.
    pub fn detach(self) {
        self.server.detach();
    }
}

/// Without the address, which has the password in it.
impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("home", &self.home())
            .field("pid", &self.pid())
            .finish_non_exhaustive()
    }
}

/// The connection string, less the database. Remembers the port.
fn address(home: &Home, port: Option<u16>, socket_dir: &Path) -> Result<Url, Error> {
    // The parts are a constant and a number, so none of this can fail.
    let base = format!(
        "postgres://{USER}@127.0.0.1:{}",
        port.unwrap_or(SOCKET_PORT)
    );
    let mut url = Url::parse(&base).expect("a constant with a port number is a URL");
    match port {
        Some(port) => {
            let path = home.password();
            let password = fs::read_to_string(&path).map_err(Error::file("read", &path))?;
            url.set_password(Some(password.trim()))
                .expect("a URL with a host takes a password");
            private_file(&home.port(), &port.to_string(), &home.account)?;
        }
        None => {
            let dir = socket_dir.display().to_string();
            url.query_pairs_mut().append_pair("host", &dir);
        }
    }
    // The server has no certificate: do not let the client ask for TLS first.
    url.query_pairs_mut().append_pair("sslmode", "disable");
    Ok(url)
}
