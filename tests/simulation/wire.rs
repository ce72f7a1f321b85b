//! A worker's way to PostgreSQL, on which each of its steps waits until it is
//! let through. A step is what is sent up to a `Sync` or as a simple query, if
//! it runs anything; what only connects, prepares or pings is no step.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use url::Url;

use carrier::Carrier;

mod carrier;
mod sessions;

pub use sessions::Sessions;

/// What all wires tell whoever watches them.
#[derive(Debug, Default)]
pub struct Signs {
    /// Things that happened, of whatever kind.
    moves: AtomicU64,
    /// Steps after which no transaction was open: what others may see.
    ended: AtomicU64,
    /// Rung with each move.
    pub bell: Notify,
    /// Sessions of PostgreSQL whose client is gone.
    pub leaving: Mutex<BTreeSet<i32>>,
}

impl Signs {
    pub fn moved(&self) {
        self.moves.fetch_add(1, Ordering::Relaxed);
        self.bell.notify_one();
    }

    pub fn moves(&self) -> u64 {
        self.moves.load(Ordering::Relaxed)
    }

    pub fn ended(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }

    fn leaves(&self, pid: i32) {
        self.leaving.lock().expect("the sessions").insert(pid);
        self.moved();
    }
}

/// What becomes of a connection's step, or of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The step goes through, and is answered.
    Pass,
    /// The connection ends before the step gets to PostgreSQL.
    CutBefore,
    /// The connection ends before the answer gets back.
    CutAfter,
    /// PostgreSQL ends the session now; the client learns of it when it goes on.
    Sever,
    /// The client is dead: PostgreSQL loses it, and it hears nothing any more.
    Die,
}

/// Where a connection is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum At {
    /// Nothing was asked.
    Rest,
    /// A step waits to be let through.
    Held(String),
    /// PostgreSQL has been asked, and has not answered.
    Asked,
}

struct Line {
    pid: Option<i32>,
    at: At,
    orders: UnboundedSender<Order>,
}

#[derive(Default)]
struct State {
    dead: bool,
    /// Steps pass by themselves.
    open: bool,
    next: u32,
    lines: BTreeMap<u32, Line>,
    /// The dead's own ends of their connections.
    graves: Vec<UnixStream>,
}

/// The wire of one process.
pub struct Wire {
    url: String,
    state: Arc<Mutex<State>>,
    path: PathBuf,
}

/// The file of a cluster's socket, by its connection string.
fn socket_of(url: &Url) -> PathBuf {
    let folder = url.query_pairs().find(|(name, _)| name == "host");
    let folder = folder.expect("a folder with a socket").1.into_owned();
    PathBuf::from(folder).join(format!(".s.PGSQL.{}", url.port().unwrap_or(5432)))
}

impl Wire {
    /// A wire to the database of `to`, by a socket of number `number` in `folder`.
    pub fn lay(
        to: &str,
        folder: &Path,
        number: u16,
        signs: &Arc<Signs>,
        sessions: &Arc<Sessions>,
    ) -> Self {
        let mut url = Url::parse(to).expect("a connection string");
        let socket = socket_of(&url);
        url.set_port(Some(number)).expect("a URL with a port");
        url.set_query(None);
        url.query_pairs_mut()
            .append_pair("host", folder.to_str().expect("a plain path"))
            .append_pair("sslmode", "disable");
        let path = socket_of(&url);
        let listener = UnixListener::bind(&path).expect("a socket");
        let state = Arc::<Mutex<State>>::default();
        let (signs, sessions) = (signs.clone(), sessions.clone());
        tokio::spawn(accept(listener, socket, state.clone(), signs, sessions));
        Self {
            url: url.into(),
            state,
            path,
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the wire")
    }

    /// The connections on which a step is held, and what it would run.
    pub fn held(&self) -> Vec<(u32, String)> {
        let state = self.state();
        let held = state.lines.iter().filter_map(|(id, line)| match &line.at {
            At::Held(sql) => Some((*id, sql.clone())),
            _ => None,
        });
        held.collect()
    }

    /// The connections on which nothing waits.
    pub fn resting(&self) -> Vec<u32> {
        let state = self.state();
        let rest = state.lines.iter().filter(|(_, line)| line.at == At::Rest);
        rest.map(|(id, _)| *id).collect()
    }

    /// The sessions that PostgreSQL has not answered; `None` while they begin.
    pub fn asked(&self) -> Vec<Option<i32>> {
        let state = self.state();
        let asked = state.lines.values().filter(|line| line.at == At::Asked);
        asked.map(|line| line.pid).collect()
    }

    pub fn order(&self, connection: u32, order: Order) {
        if let Some(line) = self.state().lines.get(&connection) {
            // A connection that has just ended needs no orders.
            let _ = line.orders.send(order);
        }
    }

    /// Lets all steps pass from now on.
    pub fn open(&self) {
        let mut state = self.state();
        state.open = true;
        for line in state.lines.values() {
            if matches!(line.at, At::Held(_)) {
                let _ = line.orders.send(Order::Pass);
            }
        }
    }

    /// Cuts a dead process off for good.
    pub fn die(&self) {
        let mut state = self.state();
        state.dead = true;
        for line in state.lines.values() {
            let _ = line.orders.send(Order::Die);
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

async fn accept(
    listener: UnixListener,
    to: PathBuf,
    state: Arc<Mutex<State>>,
    signs: Arc<Signs>,
    sessions: Arc<Sessions>,
) {
    while let Ok((client, _)) = listener.accept().await {
        signs.moved();
        let (sender, orders) = unbounded_channel();
        let id = {
            let mut state = state.lock().expect("the wire");
            if state.dead {
                state.graves.push(client);
                continue;
            }
            state.next += 1;
            let line = Line {
                pid: None,
                at: At::Asked,
                orders: sender,
            };
            let id = state.next;
            state.lines.insert(id, line);
            id
        };
        let (state, signs) = (state.clone(), signs.clone());
        let carrier = Carrier::new(id, client, orders, state, signs, sessions.clone());
        tokio::spawn(carrier.run(to.clone()));
    }
}
