//! A scheduler that stands still is seen from outside.

use std::time::Duration;

use muster::process::health::{Health, Judge, SCHEDULER};
use tokio_util::sync::CancellationToken;

use super::{impatient, in_time};
use crate::support::gate::Gate;
use crate::support::muster::TestMuster;

#[tokio::test]
async fn a_duty_that_stands_still_turns_health_off_until_it_turns_again() {
    let test = TestMuster::new();
    let scheduler = test.scheduler();
    let health = Health::new(&["", SCHEDULER]).await;
    let judge = Judge {
        // It answers all the time.
        database: impatient(test.database_url()),
        scheduler: Some((scheduler.clone(), Duration::from_secs(3))),
    };
    let shutdown = CancellationToken::new();
    let run = tokio::spawn(scheduler.clone().run(shutdown.clone()));
    let watch = tokio::spawn(judge.watch(health.clone(), shutdown.clone()));
    let mut ready = health.ready();
    in_time(ready.wait_for(|ready| *ready)).await.expect("good");

    // A round of a duty that waits for this lock does not come to its end.
    let gate = Gate::shut(&test, "LOCK TABLE user_import_jobs").await;
    in_time(ready.wait_for(|ready| !*ready)).await.expect("bad");
    let still = scheduler.heartbeats();
    assert!(
        still.iter().any(|(_, age)| *age > Duration::from_secs(3)),
        "{still:?}"
    );
    gate.open().await;
    in_time(ready.wait_for(|ready| *ready)).await.expect("good");

    shutdown.cancel();
    in_time(run).await.expect("a task").expect("an orderly end");
    in_time(watch).await.expect("a task").expect("an end");
}
