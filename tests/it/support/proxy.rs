//! A way to Postgres on which one COMMIT goes astray.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use url::Url;

/// What happens to the connection at that COMMIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It ends before the COMMIT gets to Postgres.
    Before,
    /// It ends before the answer gets back.
    After,
}

/// Passes everything on, but for that.
pub struct Proxy {
    url: String,
    commits: Arc<AtomicUsize>,
}

impl Proxy {
    /// Cuts the connection on which COMMIT number `nth` is sent, from 1.
    pub async fn start(to: &str, nth: usize, cut: Cut) -> Self {
        let mut url = Url::parse(to).expect("a connection string");
        let folder = url.query_pairs().find(|(name, _)| name == "host");
        let folder = folder.expect("a folder with a socket").1.into_owned();
        let socket = format!(".s.PGSQL.{}", url.port().expect("a port"));
        let socket = PathBuf::from(folder).join(socket);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        url.set_port(Some(port)).expect("a URL with a port");
        url.set_query(Some("sslmode=disable"));
        let commits = Arc::new(AtomicUsize::new(0));
        let counted = commits.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&socket).await.expect("Postgres");
                tokio::spawn(pass(client, server, counted.clone(), nth, cut));
            }
        });
        Self {
            url: url.into(),
            commits,
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many COMMITs were sent.
    pub fn commits(&self) -> usize {
        self.commits.load(Ordering::SeqCst)
    }
}

/// Ends with either side.
async fn pass(
    mut client: TcpStream,
    mut server: UnixStream,
    commits: Arc<AtomicUsize>,
    nth: usize,
    cut: Cut,
) {
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            n = client.read(&mut asked) => {
                let Ok(n @ 1..) = n else { return };
                let sent = &asked[..n];
                // A message of its own: nothing is sent before it is answered.
                let commit = sent.starts_with(b"Q") && sent.ends_with(b"COMMIT\0");
                let here = commit && commits.fetch_add(1, Ordering::SeqCst) + 1 == nth;
                if here && cut == Cut::Before {
                    return;
                }
                if server.write_all(sent).await.is_err() {
                    return;
                }
                if here {
                    // The answer came, so that the commit is done; nobody hears of it.
                    let n = server.read(&mut answered).await;
                    assert!(matches!(n, Ok(1..)), "an answer to the COMMIT");
                    return;
                }
            }
            n = server.read(&mut answered) => {
                let Ok(n @ 1..) = n else { return };
                if client.write_all(&answered[..n]).await.is_err() {
                    return;
                }
            }
        }
    }
}
