//! What happens in one history: jobs, workers, and a list of operations, all
//! of which mean something in whatever state they find the world.

use std::time::Duration;

use proptest::prelude::*;

use crate::file::{self, Row};

/// Workers side by side. After them comes the server, which callers talk to.
pub const WORKERS: usize = 3;
/// The place of the server among the actors.
pub const SERVER: usize = WORKERS;

/// How far a job is when the list begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ready {
    Planned,
    Created,
    Uploaded,
    Started,
    Dispatched,
}

#[derive(Clone, Debug)]
pub struct JobPlan {
    pub rows: Vec<Row>,
    /// Users that are in the pool before, by name.
    pub there: Vec<u8>,
    /// Whether e-mail addresses name users, too.
    pub aliases: bool,
    pub max_rejected: u8,
    pub ready: Ready,
}

#[derive(Clone, Copy, Debug)]
pub struct WorkerPlan {
    pub lanes: u16,
    pub batch_rows: usize,
    /// Bytes of the file that are read at once.
    pub piece: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    Dispatch,
    Import,
    Finish,
    Expire,
    Rescue,
    Purge,
}

/// What a caller asks of the server, about one of the planned jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Create,
    /// The planned file, or its first half alone.
    Upload {
        half: bool,
    },
    Start,
    Stop,
    Delete,
}

/// A step that is worth going to, by what it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Begin,
    Lock,
    Users,
    Rejections,
    Advance,
    Commit,
}

impl Mark {
    /// Whether a statement is this one.
    pub fn is(self, sql: &str) -> bool {
        match self {
            Self::Begin => sql.starts_with("BEGIN"),
            Self::Lock => {
                sql.contains("FROM import_lanes l") && sql.contains("FOR NO KEY UPDATE OF l")
            }
            Self::Users => sql.contains("COPY users"),
            Self::Rejections => sql.contains("INTO rejected_lines"),
            Self::Advance => sql.contains("SET checkpoint_bytes"),
            Self::Commit => sql.starts_with("COMMIT"),
        }
    }
}

/// One operation. Actors, jobs and connections are counted round.
#[derive(Clone, Copy, Debug)]
pub enum Op {
    /// A round of a duty begins.
    Tick(usize, Duty),
    /// A worker looks for a job, and goes on to its first batch.
    Claim(usize),
    /// The same, once all leases have run out.
    TakeOver(usize),
    /// A call begins.
    Call(Call, usize),
    /// So many steps of an actor, from a connection of its on.
    Step(usize, u8, u8),
    /// Steps of an actor up to before the next one of a kind.
    To(usize, Mark),
    /// Steps of an actor until it has none to take.
    Run(usize),
    /// It dies, and another takes its place.
    Kill(usize),
    /// A worker is told to end, and gives its jobs back.
    Drain(usize),
    /// The call of a connection fails before it took effect.
    CutBefore(usize, u8),
    /// The call of a connection takes effect, and then fails.
    CutAfter(usize, u8),
    /// The session of a connection is ended; its owner learns of it later.
    Sever(usize, u8),
    /// All that waits for a lock waits too long.
    Cancel,
    /// The object that is read next ends too early.
    CutRead {
        actor: usize,
        after: u8,
        silent: bool,
    },
    /// All leases run out.
    LeasesRunOut,
    /// All clocks go on by so many minutes.
    Clock(u8),
    /// Pauses between two tries end.
    Pauses,
    /// It is time to renew leases.
    Renewals,
    /// The database is killed and started again.
    Restart,
}

/// Who shares a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pools {
    /// Each job has a pool of its own.
    Own,
    /// All jobs bring the same users into one pool.
    Rivals,
    /// All jobs bring users into one pool, each its own: they may be imported
    /// together.
    Neighbours,
}

#[derive(Clone, Debug)]
pub struct Plan {
    pub jobs: Vec<JobPlan>,
    pub pools: Pools,
    pub workers: [WorkerPlan; WORKERS],
    /// How long uploads are kept after the end of their job.
    pub retain: Duration,
    /// Claims without a row written, after which a job is given up.
    pub max_fruitless: u32,
    pub ops: Vec<Op>,
}

impl Plan {
    /// The space of names of a job.
    pub fn space(&self, job: usize) -> usize {
        match self.pools {
            Pools::Own | Pools::Neighbours => job,
            Pools::Rivals => 0,
        }
    }

    /// The pool of a job.
    pub fn pool(&self, job: usize) -> usize {
        match self.pools {
            Pools::Own => job,
            Pools::Rivals | Pools::Neighbours => 0,
        }
    }

    pub fn aliases(&self, job: usize) -> bool {
        self.jobs[job].aliases && self.pools == Pools::Own
    }

    pub fn rivals(&self) -> bool {
        self.pools == Pools::Rivals
    }
}

fn job() -> impl Strategy<Value = JobPlan> {
    let ready = prop_oneof![
        1 => Just(Ready::Planned),
        1 => Just(Ready::Created),
        1 => Just(Ready::Uploaded),
        2 => Just(Ready::Started),
        6 => Just(Ready::Dispatched),
    ];
    let there = prop::collection::btree_set(0..file::NAMES, 0..4);
    let aliases = prop::bool::weighted(0.15);
    let max_rejected = prop_oneof![4 => Just(100u8), 1 => Just(30)];
    (file::rows(), there, aliases, max_rejected, ready).prop_map(
        |(rows, there, aliases, max_rejected, ready)| JobPlan {
            rows,
            there: there.into_iter().collect(),
            aliases,
            max_rejected,
            ready,
        },
    )
}

fn duty() -> impl Strategy<Value = Duty> {
    prop_oneof![
        3 => Just(Duty::Dispatch),
        6 => Just(Duty::Import),
        2 => Just(Duty::Finish),
        1 => Just(Duty::Expire),
        1 => Just(Duty::Rescue),
        1 => Just(Duty::Purge),
    ]
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        2 => Just(Call::Create),
        3 => prop::bool::weighted(0.2).prop_map(|half| Call::Upload { half }),
        3 => Just(Call::Start),
        1 => Just(Call::Stop),
        1 => Just(Call::Delete),
    ]
}

fn mark() -> impl Strategy<Value = Mark> {
    prop_oneof![
        1 => Just(Mark::Begin),
        2 => Just(Mark::Lock),
        2 => Just(Mark::Users),
        1 => Just(Mark::Rejections),
        2 => Just(Mark::Advance),
        4 => Just(Mark::Commit),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let actor = || prop_oneof![6 => 0..WORKERS, 1 => Just(SERVER)];
    let which = || 0..4u8;
    let worker = || 0..WORKERS;
    prop_oneof![
        80 => (worker(), duty()).prop_map(|(worker, duty)| Op::Tick(worker, duty)),
        90 => worker().prop_map(Op::Claim),
        80 => worker().prop_map(Op::TakeOver),
        50 => (call(), 0..3usize).prop_map(|(call, job)| Op::Call(call, job)),
        150 => (actor(), which(), 1..16u8).prop_map(|(a, which, n)| Op::Step(a, which, n)),
        150 => (actor(), mark()).prop_map(|(a, mark)| Op::To(a, mark)),
        30 => actor().prop_map(Op::Run),
        60 => actor().prop_map(Op::Kill),
        20 => worker().prop_map(Op::Drain),
        50 => (actor(), which()).prop_map(|(a, which)| Op::CutBefore(a, which)),
        60 => (actor(), which()).prop_map(|(a, which)| Op::CutAfter(a, which)),
        30 => (actor(), which()).prop_map(|(a, which)| Op::Sever(a, which)),
        40 => Just(Op::Cancel),
        30 => (actor(), any::<u8>(), any::<bool>())
            .prop_map(|(actor, after, silent)| Op::CutRead { actor, after, silent }),
        10 => Just(Op::LeasesRunOut),
        15 => (1..180u8).prop_map(Op::Clock),
        60 => Just(Op::Pauses),
        20 => Just(Op::Renewals),
        3 => Just(Op::Restart),
    ]
}

/// Any history, of up to so many operations.
pub fn plan(longest: usize) -> impl Strategy<Value = Plan> {
    let batch_rows = prop_oneof![3 => 1..8usize, 1 => Just(100)];
    let worker =
        (1..=3u16, batch_rows, 5..200usize).prop_map(|(lanes, batch_rows, piece)| WorkerPlan {
            lanes,
            batch_rows,
            piece,
        });
    let pools = prop_oneof![
        4 => Just(Pools::Own),
        3 => Just(Pools::Rivals),
        4 => Just(Pools::Neighbours),
    ];
    let retain = prop_oneof![Just(Duration::ZERO), Just(Duration::from_secs(4 * 3600))];
    (
        prop::collection::vec(job(), 1..4),
        pools,
        [worker.clone(), worker.clone(), worker],
        retain,
        prop_oneof![3 => Just(1_000u32), 1 => Just(3)],
        prop::collection::vec(op(), 1..=longest),
    )
        .prop_map(
            |(mut jobs, pools, mut workers, retain, max_fruitless, ops)| {
                if pools == Pools::Neighbours {
                    // What keeps jobs from being imported together is in the
                    // other histories.
                    for job in &mut jobs {
                        job.there.clear();
                        job.ready = Ready::Dispatched;
                    }
                    for worker in &mut workers {
                        (worker.lanes, worker.batch_rows) = (1, 100);
                    }
                }
                Plan {
                    jobs,
                    pools,
                    workers,
                    retain,
                    max_fruitless,
                    ops,
                }
            },
        )
}
