//! A database, an object store, three workers and a server, all on one thread
//! whose time stands still.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use muster::objects::Objects;
use muster::operations::Muster;
use muster::store::Database;
use object_store::memory::InMemory;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::actor::{self, Actor, Known};
use crate::ending::Expected;
use crate::history::History;
use crate::plan::{Plan, SERVER, WORKERS};
use crate::postgres::Place;
use crate::seen::Complaints;
use crate::snapshot::Snapshot;
use crate::store::Way;
use crate::support::muster::ManualClock;
use crate::tally::Tally;
use crate::wire::{Order, Sessions, Signs, Wire};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How soon it is asked whether an answer that does not come waits for a lock.
const LOOK: Duration = Duration::from_millis(3);
/// What the statement has that ends jobs which were imported together.
const TOGETHER: [&str; 2] = ["DELETE FROM import_lanes l", "job_id = ANY("];
/// More steps than anything takes.
pub const MANY: usize = 5_000;

/// Real time, for a thread whose own stands still: a task that blocks keeps
/// tokio from putting the clock on by itself.
struct Alarm(mpsc::Sender<(Duration, oneshot::Sender<()>)>);

impl Alarm {
    fn new() -> Self {
        let (sender, set) = mpsc::channel::<(Duration, oneshot::Sender<()>)>();
        tokio::task::spawn_blocking(move || {
            while let Ok((mut after, mut ring)) = set.recv() {
                loop {
                    match set.recv_timeout(after) {
                        Ok(next) => (after, ring) = next,
                        Err(mpsc::RecvTimeoutError::Timeout) => {
                            let _ = ring.send(());
                            break;
                        }
                        Err(mpsc::RecvTimeoutError::Disconnected) => return,
                    }
                }
            }
        });
        Self(sender)
    }

    async fn after(&self, time: Duration) {
        let (ring, rung) = oneshot::channel();
        drop(self.0.send((time, ring)));
        drop(rung.await);
    }
}

pub struct World<'a> {
    pub plan: &'a Plan,
    pub place: &'a mut Place,
    pub actors: Vec<Actor>,
    /// The dead, who must not even be tidied up.
    pub graves: Vec<Actor>,
    pub clock: Arc<ManualClock>,
    pub objects: Arc<InMemory>,
    /// A reader, and callers, that nothing happens to.
    pub reader: PgConnection,
    pub muster: Muster,
    db: Database,
    pub jobs: Arc<Mutex<Vec<Known>>>,
    pub complaints: Complaints,
    pub history: History,
    pub tally: Tally,
    /// What happened, for whoever must understand it.
    pub trace: Vec<String>,
    /// Minutes that the clocks were put on by.
    pub minutes: u64,
    /// Jobs that uploads were begun for, and those whose uploads may be left.
    pub uploads: BTreeSet<String>,
    pub stranded: BTreeSet<String>,
    signs: Arc<Signs>,
    alarm: Alarm,
    /// The way of the reader, on which nothing is held.
    open: Wire,
    sockets: TempDir,
    wires: u16,
    checked: u64,
}

impl<'a> World<'a> {
    /// An empty one. What each job comes to when nothing happens to it is
    /// found out first.
    pub async fn new(place: &'a mut Place, plan: &'a Plan, complaints: Complaints) -> Self {
        let alarm = Alarm::new();
        let sockets = tempfile::tempdir().expect("a folder");
        let sessions = &place.sessions;
        let open = Wire::lay(&place.url, sockets.path(), 1, &Arc::default(), sessions);
        open.open();
        let mut reader = connect(open.url()).await;
        end_others(&mut reader, sessions).await;
        clean(&mut reader).await;
        let clock = Arc::<ManualClock>::default();
        let objects = Arc::new(InMemory::new());
        let db = actor::database(open.url());
        let muster = actor::muster(db.clone(), Objects::over(objects.clone()), clock.clone());
        let mut expected = Vec::new();
        for job in 0..plan.jobs.len() {
            expected.push(Expected::find(plan, job, &db, &mut reader).await);
        }
        let mut world = Self {
            plan,
            place,
            actors: Vec::new(),
            graves: Vec::new(),
            clock,
            objects,
            reader,
            muster,
            db,
            jobs: Arc::default(),
            complaints,
            history: History::new(expected, plan.rivals()),
            tally: Tally::default(),
            trace: Vec::new(),
            minutes: 0,
            uploads: BTreeSet::new(),
            stranded: BTreeSet::new(),
            signs: Arc::default(),
            alarm,
            wires: 1,
            open,
            sockets,
            checked: 0,
        };
        for number in 0..=SERVER {
            let actor = world.actor(number);
            world.actors.push(actor);
        }
        world
    }

    /// A new process for a place among the actors.
    fn actor(&mut self, number: usize) -> Actor {
        self.wires += 1;
        let folder = self.sockets.path();
        let (url, sessions) = (&self.place.url, &self.place.sessions);
        let wire = Wire::lay(url, folder, self.wires, &self.signs, sessions);
        let complaints = self.complaints.clone();
        if number < WORKERS {
            let worker = self.plan.workers[number];
            let way = Way::new(self.objects.clone(), worker.piece);
            let clock = self.clock.clone();
            Actor::worker(wire, way, clock, self.plan, worker, complaints)
        } else {
            let way = Way::new(self.objects.clone(), 100);
            Actor::server(wire, way, self.clock.clone(), complaints)
        }
    }

    /// Puts a new process in the place of one. Answers the old one.
    pub fn replace(&mut self, number: usize) -> Actor {
        let new = self.actor(number);
        std::mem::replace(&mut self.actors[number], new)
    }

    pub fn note(&mut self, what: impl Into<String>) {
        self.trace.push(what.into());
    }

    /// Gives an order to a connection of an actor that has a step to take, and
    /// waits until nothing moves any more. Answers false when there is none.
    pub async fn order(
        &mut self,
        number: usize,
        which: usize,
        order: Order,
    ) -> Result<bool, String> {
        let held = self.actors[number].wire.held();
        if held.is_empty() {
            return Ok(false);
        }
        let (connection, sql) = &held[which % held.len()];
        let words: Vec<&str> = sql.split_whitespace().take(6).collect();
        self.trace.push(format!(
            "    {number}/{connection} {order:?}: {}",
            words.join(" ")
        ));
        self.actors[number].wire.order(*connection, order);
        if matches!(order, Order::Pass | Order::CutAfter) {
            self.tally.count("steps", 1);
            self.tally.count(
                "jobs_together",
                u64::from(TOGETHER.iter().all(|t| sql.contains(t))),
            );
        }
        self.settle(order != Order::Pass).await?;
        Ok(true)
    }

    /// Waits until nothing moves any more, and checks the promises if anybody
    /// may see anything new.
    pub async fn settle(&mut self, surely: bool) -> Result<(), String> {
        self.quiet().await?;
        let ended = self.signs.ended();
        if surely || ended != self.checked {
            let single = !surely && ended == self.checked + 1;
            self.checked = ended;
            self.check(single).await?;
        }
        self.complain()
    }

    fn complain(&self) -> Result<(), String> {
        match &self.complaints.take()[..] {
            [] => Ok(()),
            complaints => Err(complaints.join("\n")),
        }
    }

    /// Checks the promises. `single`: at most one change since the last check.
    pub async fn check(&mut self, single: bool) -> Result<(), String> {
        self.tally.count("checks", 1);
        let seen = Snapshot::take(&mut self.reader).await?;
        let objects = crate::ending::objects(&self.objects).await;
        let takeovers = self.history.check(&seen, &objects, single)?;
        self.tally.count("takeovers", takeovers);
        // As callers read it.
        for (pool, id, counted) in self.history.counted(&seen) {
            let caller = crate::support::muster::admin();
            let view = self.muster.describe_job(&caller, &pool, &id).await;
            let view = view.map_err(|e| format!("Describe: {e:?}"))?;
            if view.job.counters != counted {
                return Err(format!(
                    "{id}: {:?} answered, {counted:?} kept",
                    view.job.counters
                ));
            }
        }
        Ok(())
    }

    /// Returns once nothing happens until somebody is told to go on.
    async fn quiet(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut moves = self.signs.moves();
            let mut calm = 0;
            while calm < 4 {
                tokio::task::yield_now().await;
                let now = self.signs.moves();
                calm = if now == moves { calm + 1 } else { 0 };
                moves = now;
            }
            let asked: Vec<Option<i32>> = self.all().flat_map(|a| a.wire.asked()).collect();
            let leaving = self.leaving();
            if asked.is_empty() && leaving.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("no answer for {PATIENCE:?}: {asked:?} {leaving:?}"));
            }
            let rang = tokio::select! {
                biased;
                () = self.signs.bell.notified() => false,
                () = self.alarm.after(LOOK) => true,
            };
            if (rang || asked.is_empty()) && self.all_wait(&asked, &leaving).await? {
                return Ok(());
            }
        }
    }

    fn all(&self) -> impl Iterator<Item = &Actor> {
        self.actors.iter().chain(&self.graves)
    }

    fn leaving(&self) -> Vec<i32> {
        let leaving = self.signs.leaving.lock().expect("the sessions");
        leaving.iter().copied().collect()
    }

    /// Whether all sessions that have not answered, or not ended, wait for a
    /// lock that somebody holds.
    async fn all_wait(&mut self, asked: &[Option<i32>], leaving: &[i32]) -> Result<bool, String> {
        let (there, waiting): (Vec<i32>, Vec<i32>) = sqlx::query_as(
            "SELECT (SELECT coalesce(array_agg(pid), '{}') FROM pg_stat_activity),
                    (SELECT coalesce(array_agg(pid), '{}') FROM pg_locks WHERE NOT granted)",
        )
        .fetch_one(&mut self.reader)
        .await
        .map_err(|e| format!("the reader: {e}"))?;
        let gone = |pid: &i32| !there.contains(pid);
        self.signs
            .leaving
            .lock()
            .expect("the sessions")
            .retain(|pid| !gone(pid));
        let asked_wait = asked
            .iter()
            .all(|pid| pid.is_some_and(|pid| waiting.contains(&pid)));
        Ok(asked_wait && leaving.iter().all(|pid| gone(pid) || waiting.contains(pid)))
    }

    /// Cancels what waits for a lock. Answers how much.
    pub async fn cancel(&mut self) -> Result<u64, String> {
        let asked: Vec<i32> = self.all().flat_map(|a| a.wire.asked()).flatten().collect();
        for pid in &asked {
            self.sql(&format!("SELECT pg_cancel_backend({pid})"))
                .await?;
        }
        Ok(asked.len() as u64)
    }

    /// Takes up what is PENDING, as the first worker would.
    pub async fn dispatch(&mut self) -> Result<(), String> {
        let lanes = self.plan.workers[0].lanes;
        let done = muster::store::dispatch::dispatch(&self.db, lanes, 1, 1, 0, &[]).await;
        done.map(drop).map_err(|e| format!("Dispatch: {e:?}"))
    }

    pub async fn sql(&mut self, statement: &str) -> Result<(), String> {
        let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(&mut self.reader)
            .await;
        done.map(drop).map_err(|e| format!("{statement}: {e}"))
    }

    /// Puts the database's clock on.
    pub async fn put_on(&mut self, time: Duration) -> Result<(), String> {
        let seconds = time.as_secs();
        self.sql(&format!(
            "UPDATE simulated.clock SET ahead = ahead + interval '{seconds} seconds'"
        ))
        .await
    }

    /// Kills the database, and starts it again. Where others need it, all
    /// connections to it are ended instead.
    pub async fn restart(&mut self) -> Result<(), String> {
        self.place.sessions.clear();
        match &mut self.place.cluster {
            Some(cluster) => {
                cluster.kill();
                // Everybody learns that it is away before it is back.
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
                cluster.start("simulation");
                self.signs.leaving.lock().expect("the sessions").clear();
                self.reader = connect(self.open.url()).await;
            }
            None => {
                self.sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE datname = current_database() AND pid <> pg_backend_pid()",
                )
                .await?;
            }
        }
        self.settle(true).await
    }
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.expect("a connection")
}

/// Ends what an earlier history left behind, save the sessions that are kept.
async fn end_others(reader: &mut PgConnection, sessions: &Sessions) {
    loop {
        let left: i64 = sqlx::query_scalar(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'muster'
               AND pid <> pg_backend_pid() AND pid <> ALL($1)",
        )
        .bind(sessions.pids())
        .fetch_one(&mut *reader)
        .await
        .expect("an end of all sessions");
        if left == 0 {
            return;
        }
    }
}

/// Empties the database.
pub async fn clean(reader: &mut PgConnection) {
    let statements = "DELETE FROM import_lanes; DELETE FROM user_import_jobs; DELETE FROM users;
         DELETE FROM rejected_lines; DELETE FROM request_ids; DELETE FROM user_pools;
         UPDATE simulated.clock SET ahead = '0'";
    let done = sqlx::raw_sql(statements).execute(reader).await;
    done.expect("an empty database");
}
