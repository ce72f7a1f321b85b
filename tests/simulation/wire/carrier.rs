//! One connection of a wire.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::mpsc::UnboundedReceiver;

use super::sessions::{Session, Sessions};
use super::{At, Order, Signs, State};
use crate::frames::{Frame, Frames};

/// What is sent at once, and answered at once.
#[derive(Default)]
struct Unit {
    bytes: Vec<u8>,
    /// What it runs, if anything.
    runs: Option<String>,
}

pub(super) struct Carrier {
    id: u32,
    /// `None` once it lies in its grave.
    client: Option<UnixStream>,
    /// `None` once PostgreSQL has lost it.
    server: Option<UnixStream>,
    sessions: Arc<Sessions>,
    /// How the session greets its client.
    greeting: Vec<u8>,
    greeted: bool,
    in_transaction: bool,
    orders: UnboundedReceiver<Order>,
    state: Arc<Mutex<State>>,
    signs: Arc<Signs>,
    pid: Option<i32>,
    asked: Frames,
    answered: Frames,
    /// The unit that is being put together, and those that are whole.
    unit: Unit,
    units: VecDeque<Unit>,
    /// The unit that waits to be let through.
    held: Option<Unit>,
    /// What was prepared, by its name.
    statements: HashMap<String, String>,
    /// The answer so far.
    answer: Vec<u8>,
    waiting: bool,
    /// Whether what is waited for is a step.
    step: bool,
    cut: bool,
}

impl Carrier {
    pub(super) fn new(
        id: u32,
        client: UnixStream,
        orders: UnboundedReceiver<Order>,
        state: Arc<Mutex<State>>,
        signs: Arc<Signs>,
        sessions: Arc<Sessions>,
    ) -> Self {
        Self {
            id,
            client: Some(client),
            server: None,
            sessions,
            greeting: Vec::new(),
            greeted: false,
            in_transaction: false,
            orders,
            state,
            signs,
            pid: None,
            asked: Frames::of_client(),
            answered: Frames::of_server(),
            unit: Unit::default(),
            units: VecDeque::new(),
            held: None,
            statements: HashMap::new(),
            answer: Vec::new(),
            waiting: false,
            step: false,
            cut: false,
        }
    }

    pub(super) async fn run(mut self, to: PathBuf) {
        if let Some(session) = self.sessions.take().await {
            self.server = Some(session.stream);
            self.pid = Some(session.pid);
            self.greeting = session.greeting;
        } else {
            // A database that is away: the client's connection just ends.
            self.server = UnixStream::connect(to).await.ok();
        }
        if self.server.is_some() && self.carry().await == End::Dead {
            let client = self.client.take();
            self.state.lock().expect("the wire").graves.extend(client);
        }
    }

    async fn carry(&mut self) -> End {
        let (mut sent, mut got) = (vec![0; 1 << 14], vec![0; 1 << 14]);
        loop {
            if !self.waiting
                && self.held.is_none()
                && let Some(unit) = self.units.pop_front()
                && !self.take(unit).await
            {
                return End::Over;
            }
            let Some(client) = &mut self.client else {
                return End::Over;
            };
            let server = async {
                match &mut self.server {
                    Some(server) => server.read(&mut got).await,
                    None => std::future::pending().await,
                }
            };
            let goes_on = tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(Order::Die) => return End::Dead,
                    Some(order) => self.obey(order).await,
                    None => false,
                },
                read = client.read(&mut sent) => match read {
                    Ok(n @ 1..) => self.hear_client(&sent[..n]).await,
                    _ => false,
                },
                read = server => match read {
                    Ok(n @ 1..) => self.hear_server(&got[..n]).await,
                    _ => {
                        // It ended the session, and may have said why.
                        let answer = std::mem::take(&mut self.answer);
                        self.tell(&answer).await;
                        self.server = None;
                        false
                    }
                },
            };
            self.signs.moved();
            if !goes_on {
                return End::Over;
            }
        }
    }

    /// Sends the client something. Answers false when it is gone.
    async fn tell(&mut self, bytes: &[u8]) -> bool {
        match &mut self.client {
            Some(client) => client.write_all(bytes).await.is_ok(),
            None => false,
        }
    }

    /// Has PostgreSQL lose the connection. A session without a transaction
    /// loses nothing by that, and is kept for the next client.
    fn lose(&mut self) {
        let (Some(stream), Some(pid)) = (self.server.take(), self.pid) else {
            return;
        };
        if self.greeted && !self.waiting && !self.in_transaction {
            self.sessions.keep(Session {
                stream,
                pid,
                greeting: self.greeting.clone(),
            });
        } else {
            self.signs.leaves(pid);
        }
    }

    /// Where the connection is now, for those who look.
    fn note(&self) {
        let at = match &self.held {
            _ if self.waiting => At::Asked,
            Some(unit) => At::Held(unit.runs.clone().unwrap_or_default()),
            None => At::Rest,
        };
        let mut state = self.state.lock().expect("the wire");
        if let Some(line) = state.lines.get_mut(&self.id) {
            line.at = at;
            line.pid = self.pid;
        }
    }

    async fn take(&mut self, unit: Unit) -> bool {
        let open = self.state.lock().expect("the wire").open;
        if unit.runs.is_some() && !open {
            self.held = Some(unit);
            self.note();
            return true;
        }
        self.ask(unit).await
    }

    /// Sends a unit on. Answers false when the connection is at its end.
    async fn ask(&mut self, unit: Unit) -> bool {
        if !self.greeted && !self.greeting.is_empty() {
            self.greeted = true;
            self.note();
            let greeting = self.greeting.clone();
            return self.tell(&greeting).await;
        }
        let Some(server) = &mut self.server else {
            return false;
        };
        self.waiting = true;
        self.step = unit.runs.is_some();
        let sent = server.write_all(&unit.bytes).await;
        self.note();
        sent.is_ok()
    }

    async fn obey(&mut self, order: Order) -> bool {
        match (order, self.held.take()) {
            (Order::Sever, held) => {
                self.held = held;
                if !self.waiting {
                    self.lose();
                }
                true
            }
            (Order::Pass | Order::CutAfter, Some(unit)) => {
                self.cut = order == Order::CutAfter;
                self.ask(unit).await
            }
            // It went on by itself meanwhile.
            (Order::Pass | Order::CutAfter, None) => true,
            (Order::CutBefore | Order::Die, _) => false,
        }
    }

    async fn hear_client(&mut self, bytes: &[u8]) -> bool {
        self.asked.push(bytes);
        while let Some(frame) = self.asked.next() {
            match frame.kind {
                // A goodbye.
                b'X' => return false,
                // Passwords and copied rows belong to what was asked before.
                b'p' | b'd' | b'c' | b'f' => {
                    let Some(server) = &mut self.server else {
                        return false;
                    };
                    if server.write_all(&frame.bytes).await.is_err() {
                        return false;
                    }
                }
                _ => self.collect(&frame),
            }
        }
        true
    }

    fn collect(&mut self, frame: &Frame) {
        let mut strings = frame.strings();
        match frame.kind {
            b'P' => {
                let (name, sql) = (strings.next(), strings.next());
                self.statements
                    .insert(name.unwrap_or_default(), sql.unwrap_or_default());
            }
            b'B' => {
                let name = strings.nth(1).unwrap_or_default();
                self.unit.runs = self.statements.get(&name).cloned();
            }
            b'Q' => self.unit.runs = strings.next(),
            _ => {}
        }
        self.unit.bytes.extend_from_slice(&frame.bytes);
        if matches!(frame.kind, 0 | b'Q' | b'S') {
            self.units.push_back(std::mem::take(&mut self.unit));
        }
    }

    async fn hear_server(&mut self, bytes: &[u8]) -> bool {
        self.answered.push(bytes);
        while let Some(frame) = self.answered.next() {
            self.answer.extend_from_slice(&frame.bytes);
            let done = match frame.kind {
                b'K' => {
                    let pid = frame.body().get(..4).and_then(|b| b.try_into().ok());
                    self.pid = pid.map(i32::from_be_bytes);
                    false
                }
                b'Z' => true,
                // PostgreSQL asks back: for rows to copy.
                b'G' => {
                    let answer = std::mem::take(&mut self.answer);
                    self.tell(&answer).await;
                    false
                }
                _ => false,
            };
            if !done {
                continue;
            }
            self.waiting = false;
            self.in_transaction = frame.body() != b"I";
            if self.step && !self.in_transaction {
                self.signs.ended.fetch_add(1, Ordering::Relaxed);
            }
            let answer = std::mem::take(&mut self.answer);
            if !self.greeted {
                self.greeted = true;
                self.greeting.clone_from(&answer);
            }
            self.note();
            if self.cut || !self.tell(&answer).await {
                return false;
            }
        }
        true
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        self.lose();
        let mut state = self.state.lock().unwrap_or_else(|e| e.into_inner());
        state.lines.remove(&self.id);
        self.signs.moved();
    }
}

/// How a connection ends.
#[derive(PartialEq, Eq)]
enum End {
    Over,
    /// With its client, whose end of it stays open.
    Dead,
}
