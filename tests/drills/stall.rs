//! A scheduler that stands still past its lease (SIGSTOP, a paused machine)
//! and then goes on as if nothing had happened.

use std::time::Instant;

use nix::sys::signal::Signal;
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::file::Spec;
use crate::look::{Look, Watcher, connect, until};
use crate::outcome::prove;
use crate::roles::Role;
use crate::seeds::{Rng, each};
use crate::site::Site;
use crate::support::cluster;
use crate::tally::Tally;

const SPEC: Spec = Spec {
    rows: 1_500,
    aliases: false,
};
/// A lease that is long enough for a look at a job whose worker stands still,
/// and one lane, so that there are instants without an open transaction.
const FLAGS: [&str; 8] = [
    "--lease",
    "5s",
    "--poll",
    "20ms",
    "--batch-rows",
    "5",
    "--import-lanes",
    "1",
];

#[test]
fn a_scheduler_that_stood_still_past_its_lease_writes_nothing_more_and_stays_healthy() {
    each("stall", (2, 15), drill);
}

/// When the two stand still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// The successor has claimed the job and written nothing yet: the lease's
    /// token alone tells the two apart.
    BeforeTheFirstBatch,
    AfterABatch,
    /// The stale one has a transaction open, which Postgres ends in a while.
    InATransaction,
}

impl Moment {
    const fn of(seed: u64) -> Self {
        match seed % 3 {
            0 => Self::BeforeTheFirstBatch,
            1 => Self::AfterABatch,
            _ => Self::InATransaction,
        }
    }
}

async fn drill(seed: u64) -> Tally {
    let mut rng = Rng::new(seed);
    let mut tally = Tally::default();
    let database = cluster::database();
    let url = database.url().to_owned();
    let roles = [Role::new(&url), Role::new(&url)];
    let ways = [roles[0].url.clone(), roles[1].url.clone()];
    let mut site = Site::on(&url, (&url, &[]), &ways, &FLAGS).keeping(database);
    site.slow_down(3).await;
    let job = site.begin(SPEC).await;
    let mut watcher = site.watch(&job).await;
    watcher.until_processed(rng.within(10..300) as i64).await;

    let stalled = site.holder().expect("a worker");
    let other = 1 - stalled;
    let moment = Moment::of(seed);
    let open = moment == Moment::InATransaction;
    let since = loop {
        rng.pause(6).await;
        let since = Instant::now();
        site.schedulers[stalled].signal(Signal::SIGSTOP);
        if roles[stalled].until_quiet(watcher.connection()).await == open {
            break since;
        }
        site.schedulers[stalled].signal(Signal::SIGCONT);
    };
    let before = watcher.look().await;
    assert_eq!(before.status, "IN_PROGRESS");
    tally.fault(match open {
        true => "stopped in a transaction",
        false => "stopped between transactions",
    });
    // Whoever claims a job looks at its pool before it writes.
    let gate = match moment {
        Moment::BeforeTheFirstBatch => Some(closed_pools(&url).await),
        _ => None,
    };
    if gate.is_some() {
        let claimed = |look: &Look| look.token != before.token;
        watcher.until("a successor", claimed).await;
    } else {
        let (next, took) = watcher.until_taken_over(&before, since).await;
        assert_eq!(next.status, "IN_PROGRESS", "it was over too soon");
        if open {
            tally.figure("takeover_of_open_transaction_ms", took.as_millis() as u64);
        } else {
            tally.takeover(took);
        }
    }

    // The successor stands still as well, so that whatever is written now is
    // written by the stale one.
    site.schedulers[other].signal(Signal::SIGSTOP);
    tally.fault("successor stopped");
    drop(gate);
    roles[other].until_quiet(watcher.connection()).await;
    let (stood, lanes) = (watcher.look().await, lanes(&mut watcher).await);
    let lease: OffsetDateTime =
        sqlx::query_scalar("SELECT min(lease_expires_at) FROM import_lanes")
            .fetch_one(watcher.connection())
            .await
            .expect("a lease");
    site.schedulers[stalled].signal(Signal::SIGCONT);
    until("a scheduler that sees that it is late", async || {
        site.schedulers[stalled].has_let_go().then_some(())
    })
    .await;
    let now = (watcher.look().await, self::lanes(&mut watcher).await);
    let lives: bool = sqlx::query_scalar("SELECT clock_timestamp() < $1")
        .bind(lease)
        .fetch_one(watcher.connection())
        .await
        .expect("the time");
    // On a machine that is very busy that lease may run out, too.
    if lives {
        assert_eq!(now, (stood, lanes), "the stale one wrote");
    }
    site.schedulers[other].signal(Signal::SIGCONT);

    let ended: Look = watcher.until_ended().await;
    assert_eq!(ended.status, "SUCCEEDED");
    prove(&mut site, &job, SPEC, &mut tally).await;
    site.until_healthy(stalled).await;
    site.until_healthy(other).await;
    site.end();
    tally
}

/// A connection that keeps everybody from the pools until it is dropped.
async fn closed_pools(database: &str) -> PgConnection {
    let mut gate = connect(database).await;
    sqlx::raw_sql("BEGIN; LOCK TABLE user_pools IN ACCESS EXCLUSIVE MODE")
        .execute(&mut gate)
        .await
        .expect("the pools");
    gate
}

/// The lanes, to the last detail.
async fn lanes(watcher: &mut Watcher) -> Vec<serde_json::Value> {
    sqlx::query_scalar("SELECT to_jsonb(l) FROM import_lanes l ORDER BY lane")
        .fetch_all(watcher.connection())
        .await
        .expect("the lanes")
}
