//! A scheduler whose next look of its own is an hour away: whatever there is to
//! do, somebody wakes it for.

use std::time::Duration;

use muster::domain::job::JobStatus as S;
use muster::store::lanes::release;
use tokio::task::{JoinHandle, yield_now};
use tokio_util::sync::CancellationToken;

use crate::support::gate::Gate;
use crate::support::imports::{TestJob, claim, users_csv};
use crate::support::muster::TestMuster;
use crate::support::watch::{Watcher, in_time};

/// A scheduler that runs.
struct Sleeper {
    running: JoinHandle<()>,
    shutdown: CancellationToken,
}

impl Sleeper {
    /// Runs it, with room for one job; returns once it hears what is said.
    async fn run(test: &TestMuster) -> Self {
        let scheduler = test.scheduler_with(|settings| {
            settings.poll = Duration::from_secs(3_600);
            settings.max_jobs = 1;
        });
        let shutdown = CancellationToken::new();
        let until = shutdown.clone();
        let running = tokio::spawn(async move {
            scheduler.run(until).await.expect("an orderly end");
        });
        let mut watcher = Watcher::new(test.database_url()).await;
        watcher.until(1, "query LIKE 'LISTEN%'").await;
        Self { running, shutdown }
    }

    async fn end(self) {
        self.shutdown.cancel();
        in_time(self.running).await.expect("a task");
    }
}

/// Returns once a job has a status.
async fn becomes(test: &TestMuster, job: &TestJob, status: S) {
    in_time(async {
        while test.status(job).await != status {
            yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn jobs_follow_one_another_and_a_queued_one_is_stopped_meanwhile() {
    let test = TestMuster::new();
    let sleeper = Sleeper::run(&test).await;
    let mut gate = Gate::shut(&test, "LOCK TABLE users IN EXCLUSIVE MODE").await;
    let pool = test.pool().await;
    let first = test.started(&pool, users_csv(["ann"])).await;
    becomes(&test, &first, S::InProgress).await;
    gate.crowded().await;
    let second = test.started(&pool, users_csv(["bob"])).await;
    let third = test.started(&pool, users_csv(["carol"])).await;
    let last = test.started(&pool, users_csv(["dave"])).await;
    test.stop(&third).await.expect("a stop");
    becomes(&test, &third, S::Stopped).await;
    assert_eq!(test.status(&second).await, S::Pending);
    gate.open().await;
    for job in [first, second, last] {
        becomes(&test, &job, S::Succeeded).await;
    }
    assert_eq!(test.usernames(&pool).await, ["ann", "bob", "dave"]);
    sleeper.end().await;
}

#[tokio::test]
async fn what_another_worker_gives_back_is_gone_on_with_or_stopped() {
    let test = TestMuster::new();
    let mut held = Vec::new();
    for _ in 0..3 {
        let job = test
            .started(&test.pool().await, users_csv(["ann", "bob"]))
            .await;
        let taken = test.scheduler().dispatch_tick().await;
        assert_eq!(taken.expect("a dispatch"), 1);
        let claim = claim(&test.db).await.expect("the job");
        held.push((job, claim));
    }
    let sleeper = Sleeper::run(&test).await;
    test.stop(&held[1].0).await.expect("a stop");
    let ends = [S::Succeeded, S::Stopped, S::Succeeded];
    // All at once, and the scheduler has room for one.
    for (_, claim) in &held {
        release(&test.db, claim).await.expect("a release");
    }
    for ((job, _), end) in held.iter().zip(ends) {
        becomes(&test, job, end).await;
    }
    sleeper.end().await;
}

#[tokio::test]
async fn a_word_of_another_version_wakes_for_everything() {
    let test = TestMuster::new();
    let mut listener = test.db.listen().await.expect("a listener");
    test.sql("SELECT pg_notify('muster_jobs', '')")
        .await
        .expect("a word");
    let woken = in_time(listener.woken()).await;
    assert_eq!(woken.expect("a wake"), None);
}
