//! A bad network between muster and its database: slow, cut off, silent.

use std::time::{Duration, Instant};

use crate::caller::Caller;
use crate::client::Job;
use crate::file::Spec;
use crate::look::{Watcher, until};
use crate::outcome::prove;
use crate::proxy::{Proxy, Weather};
use crate::seeds::{Rng, each, is_long};
use crate::site::Site;
use crate::support::cluster;
use crate::tally::Tally;

const SPEC: Spec = Spec {
    rows: 600,
    aliases: false,
};

/// A server and one scheduler behind proxies, and schedulers with a way of
/// their own.
struct Far {
    site: Site,
    server: Proxy,
    scheduler: Proxy,
    job: Job,
    watcher: Watcher,
}

impl Far {
    /// Begins a job, with each batch slowed down.
    async fn begin(seed: u64, near: usize, flags: &[&str], millis: u32) -> Self {
        let database = cluster::database();
        let url = database.url().to_owned();
        let server = Proxy::start(&url, seed).await;
        let scheduler = Proxy::start(&url, seed + 1).await;
        let mut ways = vec![scheduler.url.clone()];
        ways.extend((0..near).map(|_| url.clone()));
        let to_server = (server.url.as_str(), &["--request-timeout", "5s"][..]);
        let mut site = Site::on(&url, to_server, &ways, flags).keeping(database);
        site.slow_down(millis).await;
        let job = site.begin(SPEC).await;
        let watcher = site.watch(&job).await;
        Self {
            site,
            server,
            scheduler,
            job,
            watcher,
        }
    }

    fn set(&self, weather: &Weather) {
        self.server.set(weather.clone());
        self.scheduler.set(weather.clone());
    }

    /// Nothing waits for ever: the worker of before gives its job up.
    async fn until_let_go(&self) {
        until("a scheduler that lets go", async || {
            self.site.schedulers[0].has_let_go().then_some(())
        })
        .await;
    }

    /// The job comes to its end, and the processes have lived to see it.
    async fn end(mut self, caller: Caller, tally: &mut Tally) {
        self.site.pause_of_batches(0).await;
        assert_eq!(self.watcher.until_ended().await.status, "SUCCEEDED");
        let refused = caller.end().await;
        tally.figure("calls_told_to_come_again", refused);
        self.set(&Weather::Fair);
        for scheduler in 0..self.site.schedulers.len() {
            self.site.until_healthy(scheduler).await;
        }
        let client = self.site.client();
        until("a server that is ready", async || {
            client.is_ready().await.then_some(())
        })
        .await;
        prove(&mut self.site, &self.job, SPEC, tally).await;
        self.site.end();
    }
}

#[test]
fn a_slow_network_slows_an_import_down_and_no_more() {
    each("slow network", (1, 40), async |seed| {
        let mut rng = Rng::new(seed);
        let mut tally = Tally::default();
        let flags = ["--lease", "2s", "--poll", "50ms", "--batch-rows", "10"];
        let mut far = Far::begin(seed, 0, &flags, 0).await;
        let caller = Caller::start(far.site.client(), &far.job);
        let by = Duration::from_millis(rng.within(1..8));
        far.set(&Weather::Slow(by));
        tally.fault("network slowed down");
        far.watcher.until_ended().await;
        far.end(caller, &mut tally).await;
        tally
    });
}

#[test]
fn connections_that_are_cut_off_at_any_byte_lose_and_double_nothing() {
    each("cut connections", (1, 10), async |seed| {
        let mut rng = Rng::new(seed);
        let mut tally = Tally::default();
        let flags = ["--lease", "2s", "--poll", "20ms", "--batch-rows", "5"];
        let mut far = Far::begin(seed, 0, &flags, 2).await;
        let caller = Caller::start(far.site.client(), &far.job);
        far.set(&Weather::Cuts(rng.within(20_000..80_000)));
        far.server.cut_all();
        far.scheduler.cut_all();
        far.watcher.until_ended().await;
        tally.faults("connection cut", far.server.cut() + far.scheduler.cut());
        far.end(caller, &mut tally).await;
        tally
    });
}

#[test]
fn a_network_that_is_silent_for_less_than_a_lease_costs_that_time_and_no_more() {
    each("silent network", (1, 20), async |seed| {
        let mut rng = Rng::new(seed);
        let mut tally = Tally::default();
        let flags = ["--lease", "30s", "--poll", "50ms", "--batch-rows", "5"];
        let mut far = Far::begin(seed, 0, &flags, 10).await;
        let caller = Caller::start(far.site.client(), &far.job);
        let before = far
            .watcher
            .until_processed(rng.within(20..200) as i64)
            .await;
        far.set(&Weather::Hole);
        tally.fault("network silent");
        let client = far.site.client();
        until("a server that is not ready", async || {
            (!client.is_ready().await).then_some(())
        })
        .await;
        far.set(&Weather::Fair);
        let next = far.watcher.until_processed(before.processed() + 100).await;
        assert_eq!(next.token, before.token, "the same worker goes on");
        far.end(caller, &mut tally).await;
        tally
    });
}

#[test]
fn a_scheduler_behind_a_silent_network_is_replaced_and_writes_nothing_when_it_is_over() {
    // Postgres takes 20 s to end a transaction that stands still.
    if !is_long() {
        return;
    }
    each("silent past the lease", (1, 20), async |seed| {
        let mut rng = Rng::new(seed);
        let mut tally = Tally::default();
        let flags = ["--lease", "2s", "--poll", "20ms", "--batch-rows", "5"];
        let mut far = Far::begin(seed, 0, &flags, 10).await;
        let caller = Caller::start(far.site.client(), &far.job);
        far.watcher
            .until_processed(rng.within(20..200) as i64)
            .await;
        rng.pause(20).await;
        let since = Instant::now();
        far.scheduler.set(Weather::Hole);
        tally.fault("network silent past a lease");
        far.site.add_scheduler(&flags);
        let before = far.watcher.look().await;
        let (_, took) = far.watcher.until_taken_over(&before, since).await;
        tally.figure("takeover_of_open_transaction_ms", took.as_millis() as u64);
        far.set(&Weather::Fair);
        far.until_let_go().await;
        far.end(caller, &mut tally).await;
        tally
    });
}

#[test]
fn connections_that_are_forgotten_on_the_way_are_given_up_without_a_restart() {
    // The bounds of a call are those of the longest statement.
    if !is_long() {
        return;
    }
    each("forgotten connections", (1, 50), async |seed| {
        let mut rng = Rng::new(seed);
        let mut tally = Tally::default();
        let flags = ["--lease", "5s", "--poll", "50ms", "--batch-rows", "5"];
        let mut far = Far::begin(seed, 0, &flags, 10).await;
        let caller = Caller::start(far.site.client(), &far.job);
        far.watcher
            .until_processed(rng.within(20..200) as i64)
            .await;
        rng.pause(20).await;
        let now = far.watcher.look().await.processed();
        tally.faults(
            "connection forgotten",
            far.server.made() + far.scheduler.made(),
        );
        far.server.forget();
        far.scheduler.forget();
        let since = Instant::now();
        far.watcher.until_processed(now + 50).await;
        tally.figure("recovered_ms", since.elapsed().as_millis() as u64);
        // Nothing waits for ever. The worker may keep its job: the lease is
        // renewed over a new connection meanwhile.
        until("a scheduler that gives its batch up", async || {
            far.site.schedulers[0].has_given_a_batch_up().then_some(())
        })
        .await;
        far.end(caller, &mut tally).await;
        tally
    });
}
