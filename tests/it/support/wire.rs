//! A way to Postgres that can be broken and mended: cut, or silent for ever.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use url::Url;

/// What becomes of what is sent when the wire breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Break {
    /// Nothing arrives, and nobody hears of it.
    Silence,
    /// All connections end, the new ones at once.
    Cut,
}

#[derive(Clone, Copy, Debug)]
struct State {
    whole: bool,
    /// How it broke last: a connection may hear of that after it was mended.
    last: Break,
}

/// Passes everything on while it is whole. What was on its way when it broke
/// is lost for good: its connections stay dead when it is mended.
pub struct Wire {
    url: String,
    state: watch::Sender<State>,
    accepted: Arc<AtomicUsize>,
    /// Of its own: tests that wait for a process block theirs.
    runtime: Option<Runtime>,
}

impl Wire {
    /// A wire to the Postgres of a connection string.
    pub fn new(to: &str) -> Self {
        let mut url = Url::parse(to).expect("a connection string");
        let folder = url.query_pairs().find(|(name, _)| name == "host");
        let folder = folder.expect("a folder with a socket").1.into_owned();
        let socket = format!(".s.PGSQL.{}", url.port().expect("a port"));
        let socket = PathBuf::from(folder).join(socket);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        url.set_host(Some("127.0.0.1")).expect("a URL with a host");
        url.set_port(Some(port)).expect("a URL with a port");
        url.set_query(Some("sslmode=disable"));

        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let state = watch::Sender::new(State {
            whole: true,
            last: Break::Cut,
        });
        let accepted = Arc::new(AtomicUsize::new(0));
        let (seen, counted) = (state.clone(), accepted.clone());
        runtime.spawn(async move {
            listener.set_nonblocking(true).expect("a socket");
            let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
            while let Ok((client, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(carry(client, socket.clone(), seen.subscribe()));
            }
        });
        Self {
            url: url.into(),
            state,
            accepted,
            runtime: Some(runtime),
        }
    }

    /// Connection string of this way.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on nothing arrives.
    pub fn fall_silent(&self) {
        self.break_by(Break::Silence);
    }

    /// Ends all connections, and each new one.
    pub fn cut(&self) {
        self.break_by(Break::Cut);
    }

    /// New connections work again. Those of before stay dead for the client,
    /// and end for Postgres.
    pub fn mend(&self) {
        self.state.send_modify(|state| state.whole = true);
    }

    fn break_by(&self, last: Break) {
        self.state.send_replace(State { whole: false, last });
    }

    /// How many connections were ever opened.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn carry(mut client: TcpStream, socket: PathBuf, mut state: watch::Receiver<State>) {
    let mut now = *state.borrow_and_update();
    let mut server = None;
    if now.whole {
        let server = server.insert(UnixStream::connect(socket).await.expect("Postgres"));
        tokio::select! {
            _ = copy_bidirectional(&mut client, server) => return,
            changed = state.changed() => {
                changed.expect("a wire");
                now = *state.borrow_and_update();
            }
        }
    }
    // Both ends stay open, and hear nothing, until the wire is cut. Once it is
    // mended, Postgres learns by its keepalive that nobody is there any more.
    while now.last == Break::Silence && state.changed().await.is_ok() {
        now = *state.borrow_and_update();
        if now.whole {
            server = None;
        }
    }
    drop(server);
}
