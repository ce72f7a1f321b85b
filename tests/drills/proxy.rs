//! The way to Postgres, with the weather of a bad network.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use url::Url;

use crate::seeds::Rng;

/// What happens to what is sent, either way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Weather {
    Fair,
    /// Each piece takes this much longer.
    Slow(Duration),
    /// Nothing gets through, nor the news that a side has hung up. What was
    /// sent meanwhile arrives when it is over, as TCP has it.
    Hole,
    /// A connection ends after some number of bytes below this.
    Cuts(u64),
}

/// Passes on what it is sent, in the weather of the moment.
pub struct Proxy {
    pub url: String,
    sky: Arc<Sky>,
    door: AbortHandle,
}

struct Sky {
    weather: watch::Sender<Weather>,
    /// Connections from before this number are forgotten.
    remembered: watch::Sender<u64>,
    /// Connections from before this number are cut.
    whole: watch::Sender<u64>,
    rng: Mutex<Rng>,
    made: AtomicU64,
    cut: AtomicU64,
}

impl Proxy {
    /// A way to a database that is reached by a Unix socket.
    pub async fn start(to: &str, seed: u64) -> Self {
        let mut url = Url::parse(to).expect("a connection string");
        let folder = url.query_pairs().find(|(name, _)| name == "host");
        let folder = folder.expect("a folder with a socket").1.into_owned();
        let socket = format!(".s.PGSQL.{}", url.port().expect("a port"));
        let socket = PathBuf::from(folder).join(socket);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        url.set_port(Some(port)).expect("a URL with a port");
        url.set_query(Some("sslmode=disable"));
        let sky = Arc::new(Sky {
            weather: watch::Sender::new(Weather::Fair),
            remembered: watch::Sender::new(0),
            whole: watch::Sender::new(0),
            rng: Mutex::new(Rng::new(seed)),
            made: AtomicU64::new(0),
            cut: AtomicU64::new(0),
        });
        let over = sky.clone();
        let door = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connect(client, socket.clone(), over.clone()));
            }
        });
        Self {
            url: url.into(),
            sky,
            door: door.abort_handle(),
        }
    }

    pub fn set(&self, weather: Weather) {
        self.sky.weather.send_replace(weather);
    }

    /// Cuts all connections.
    pub fn cut_all(&self) {
        self.sky.whole.send_replace(self.made());
    }

    /// Forgets all connections: nothing is passed on over them any more, and
    /// neither side is told.
    pub fn forget(&self) {
        self.sky.remembered.send_replace(self.made());
    }

    /// How many connections were made.
    pub fn made(&self) -> u64 {
        self.sky.made.load(Ordering::SeqCst)
    }

    /// How many of them were cut.
    pub fn cut(&self) -> u64 {
        self.sky.cut.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.door.abort();
    }
}

/// One connection, to the end of either side or the cut.
async fn connect(mut client: TcpStream, socket: PathBuf, sky: Arc<Sky>) {
    let number = sky.made.fetch_add(1, Ordering::SeqCst);
    // A database that is away hangs up on whoever calls.
    let Ok(mut server) = UnixStream::connect(&socket).await else {
        return;
    };
    let (asked, answers) = client.split();
    let (answered, questions) = server.split();
    let left = AtomicU64::new(match &*sky.weather.borrow() {
        Weather::Cuts(most) => sky.rng.lock().expect("a number").within(1..*most),
        _ => u64::MAX,
    });
    tokio::select! {
        () = pass(asked, questions, &sky, &left) => {}
        () = pass(answered, answers, &sky, &left) => {}
        () = above(&sky.whole, number) => {
            sky.cut.fetch_add(1, Ordering::SeqCst);
        }
        () = above(&sky.remembered, number) => std::future::pending().await,
    }
}

/// Waits for a mark to rise above a number.
async fn above(mark: &watch::Sender<u64>, number: u64) {
    let mut mark = mark.subscribe();
    let risen = mark.wait_for(|mark| number < *mark).await;
    drop(risen.expect("a sky"));
}

/// One direction.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    sky: &Sky,
    left: &AtomicU64,
) {
    let mut weather = sky.weather.subscribe();
    let mut piece = vec![0; 1 << 16];
    loop {
        let read = from.read(&mut piece).await;
        let now = weather.wait_for(|weather| *weather != Weather::Hole).await;
        let now = now.expect("some weather").clone();
        let Ok(n @ 1..) = read else { return };
        if let Weather::Slow(by) = now {
            tokio::time::sleep(by).await;
        }
        let before = match now {
            Weather::Cuts(_) => left.load(Ordering::SeqCst),
            _ => u64::MAX,
        };
        let passed = before.min(n as u64);
        left.fetch_sub(passed, Ordering::SeqCst);
        if to.write_all(&piece[..passed as usize]).await.is_err() {
            return;
        }
        if before <= n as u64 {
            sky.cut.fetch_add(1, Ordering::SeqCst);
            return;
        }
    }
}
