//! PostgreSQL stops at once in mid-import, and comes back.

use std::time::Instant;

use muster::dev::postgres::{Cluster, Options, StopMode};
use tonic_health::pb::health_check_response::ServingStatus;

use crate::caller::Caller;
use crate::file::Spec;
use crate::look::until;
use crate::outcome::prove;
use crate::program::Program;
use crate::seeds::{Rng, each, is_long};
use crate::site::Site;
use crate::support::process::{MUSTER, command, open_folder};
use crate::tally::Tally;

const SPEC: Spec = Spec {
    rows: 600,
    aliases: false,
};
const FLAGS: [&str; 6] = ["--lease", "3s", "--poll", "20ms", "--batch-rows", "5"];

#[test]
fn a_database_that_crashes_and_comes_back_costs_no_process_and_no_row() {
    each("outage", (1, 40), drill);
}

async fn drill(seed: u64) -> Tally {
    let mut rng = Rng::new(seed);
    let mut tally = Tally::default();
    let folder = open_folder();
    let mut cluster = Cluster::start(Options::durable(folder.path())).await;
    let url = cluster.as_ref().expect("PostgreSQL").url("muster");
    Program::run(
        command(MUSTER)
            .arg("migrate")
            .env("MUSTER_DATABASE_URL", &url),
    );
    let ways = [url.clone(), url.clone()];
    let mut site = Site::on(&url, (&url, &[]), &ways, &FLAGS);
    site.slow_down(10).await;
    let job = site.begin(SPEC).await;
    let caller = Caller::start(site.client(), &job);

    let mut watcher = site.watch(&job).await;
    let mut before = watcher.until_processed(rng.within(10..150) as i64).await;
    for _ in 0..if is_long() { 2 } else { 1 } {
        rng.pause(30).await;
        let stopped = cluster.expect("PostgreSQL").stop(StopMode::Immediate);
        stopped.await.expect("a stop");
        tally.fault("database crashed");
        tokio::join!(not_ready(&mut site), caller.until_refused());
        cluster = Cluster::start(Options::durable(folder.path())).await;
        let back = Instant::now();
        assert_eq!(cluster.as_ref().expect("PostgreSQL").url("muster"), url);
        watcher = site.watch(&job).await;
        let now = watcher.look().await;
        assert!(before.processed() <= now.processed(), "{before:?} {now:?}");
        before = watcher.until_processed(now.processed() + 50).await;
        tally.figure("went_on_ms", back.elapsed().as_millis() as u64);
        ready_again(&mut site).await;
    }
    site.pause_of_batches(0).await;
    assert_eq!(watcher.until_ended().await.status, "SUCCEEDED");
    let refused = caller.end().await;
    tally.figure("calls_told_to_come_again", refused);
    prove(&mut site, &job, SPEC, &mut tally).await;
    site.end();
    let stopped = cluster.expect("PostgreSQL").stop(StopMode::Fast).await;
    stopped.expect("a stop");
    tally
}

/// Readiness goes off everywhere.
async fn not_ready(site: &mut Site) {
    let client = site.client();
    until("a server that is not ready", async || {
        (!client.is_ready().await).then_some(())
    })
    .await;
    for scheduler in &mut site.schedulers {
        let address = scheduler.address("health");
        until("a scheduler that is not well", async || {
            let health = Program::health(&address).await;
            (health == Some(ServingStatus::NotServing)).then_some(())
        })
        .await;
    }
}

async fn ready_again(site: &mut Site) {
    let client = site.client();
    until("a server that is ready", async || {
        client.is_ready().await.then_some(())
    })
    .await;
    for scheduler in 0..site.schedulers.len() {
        site.until_healthy(scheduler).await;
    }
}
