//! Connections that the database ends, one kind after the other, while a job
//! runs: every process goes on by itself.

use std::collections::BTreeSet;

use crate::caller::Caller;
use crate::file::Spec;
use crate::look::{Watcher, connect, until};
use crate::outcome::prove;
use crate::roles::Role;
use crate::seeds::{Rng, each, is_long};
use crate::site::Site;
use crate::support::cluster;
use crate::tally::Tally;

const SPEC: Spec = Spec {
    rows: 1_200,
    aliases: false,
};
const FLAGS: [&str; 6] = ["--lease", "15s", "--poll", "20ms", "--batch-rows", "5"];

/// Writes in a transaction: a lane.
const LANE: &str = "backend_xid IS NOT NULL";
/// The health judge's, and the scheduler's that listens.
const EARS: &str = "state = 'idle' AND (query ILIKE 'LISTEN %' OR query ILIKE 'SELECT 1 %')";
/// Waits for the lanes that the drill has locked.
const RENEWAL: &str = "wait_event_type = 'Lock' AND query ILIKE '%SET lease_expires_at%'";
const REST: &str = "state = 'idle' AND query NOT ILIKE 'LISTEN %' AND query NOT ILIKE 'SELECT 1 %'";

#[test]
fn connections_that_the_database_ends_are_made_again_by_every_process() {
    each("connections", (1, 20), drill);
}

async fn drill(seed: u64) -> Tally {
    let mut rng = Rng::new(seed);
    let mut tally = Tally::default();
    let database = cluster::database();
    let url = database.url().to_owned();
    let (server, scheduler) = (Role::new(&url), Role::new(&url));
    let ways = [scheduler.url.clone()];
    let mut site = Site::on(&url, (&server.url, &[]), &ways, &FLAGS).keeping(database);
    site.slow_down(40).await;
    let job = site.begin(SPEC).await;
    let caller = Caller::start(site.client(), &job);
    let mut watcher = site.watch(&job).await;
    let begun = watcher.until_processed(1).await;

    for _ in 0..rng.within(1..4) {
        rng.pause(40).await;
        let victims = scheduler.until_backends(watcher.connection(), LANE).await;
        let one = victims[rng.within(0..victims.len() as u64) as usize];
        end(&mut watcher, &[one], "lane", &mut tally).await;
        goes_on(&mut watcher).await;
    }
    end_a_renewal(&site, &scheduler, &mut watcher, &mut tally).await;
    goes_on(&mut watcher).await;
    ended_and_made_again(&scheduler, &mut watcher, 2, &mut tally).await;
    let rest = scheduler.until_backends(watcher.connection(), REST).await;
    end(&mut watcher, &rest, "scheduler's pool", &mut tally).await;
    goes_on(&mut watcher).await;
    let pool = server.until_backends(watcher.connection(), REST).await;
    end(&mut watcher, &pool, "server's pool", &mut tally).await;
    ended_and_made_again(&server, &mut watcher, 1, &mut tally).await;
    if is_long() {
        for _ in 0..40 {
            rng.pause(60).await;
            let role = if rng.one_in(3) { &server } else { &scheduler };
            let all = role.until_backends(watcher.connection(), "true").await;
            let one = all[rng.within(0..all.len() as u64) as usize];
            end(&mut watcher, &[one], "any", &mut tally).await;
        }
    }
    // One worker has had the job all the time: it went on by itself.
    let now = watcher.look().await;
    assert_eq!(
        (now.status.as_str(), now.token),
        ("IN_PROGRESS", begun.token)
    );

    site.pause_of_batches(0).await;
    assert_eq!(watcher.until_ended().await.status, "SUCCEEDED");
    let refused = caller.end().await;
    tally.figure("calls_told_to_come_again", refused);
    prove(&mut site, &job, SPEC, &mut tally).await;
    site.until_healthy(0).await;
    assert!(site.client().is_ready().await, "the server");
    site.end();
    tally
}

/// Ends connections at the database's side.
async fn end(watcher: &mut Watcher, pids: &[i32], kind: &'static str, tally: &mut Tally) {
    let ended: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM unnest($1::int[]) AS pid WHERE pg_terminate_backend(pid)",
    )
    .bind(pids)
    .fetch_one(watcher.connection())
    .await
    .expect("an end");
    tally.faults(kind, ended as u64);
}

/// More rows come.
async fn goes_on(watcher: &mut Watcher) {
    let now = watcher.look().await.processed();
    let next = watcher.until_processed(now + 50).await;
    assert_eq!(next.status, "IN_PROGRESS", "it was over too soon");
}

/// Ends a program's connections that only listen, and waits for new ones.
async fn ended_and_made_again(role: &Role, watcher: &mut Watcher, ears: usize, tally: &mut Tally) {
    let mut before = BTreeSet::new();
    until("ears", async || {
        let now = role.backends(watcher.connection(), EARS).await;
        before.extend(now.iter().copied());
        (now.len() >= ears).then_some(())
    })
    .await;
    let ended: Vec<i32> = before.iter().copied().collect();
    end(watcher, &ended, "judge or listener", tally).await;
    until("new ears", async || {
        let now = role.backends(watcher.connection(), EARS).await;
        let made = now.iter().filter(|pid| !before.contains(pid));
        (made.count() >= ears).then_some(())
    })
    .await;
}

/// Ends the connection on which the lease is being renewed: it waits for the
/// lanes, which are locked meanwhile.
async fn end_a_renewal(site: &Site, role: &Role, watcher: &mut Watcher, tally: &mut Tally) {
    let mut lock = connect(&site.database).await;
    sqlx::raw_sql("BEGIN; LOCK TABLE import_lanes IN EXCLUSIVE MODE")
        .execute(&mut lock)
        .await
        .expect("the lanes");
    let renewal = role.until_backends(watcher.connection(), RENEWAL).await;
    end(watcher, &renewal, "lease renewal", tally).await;
    sqlx::raw_sql("ROLLBACK")
        .execute(&mut lock)
        .await
        .expect("free lanes");
}
