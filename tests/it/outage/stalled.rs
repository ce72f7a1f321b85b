//! A scheduler that stands still is seen from outside.

use std::time::Duration;

use muster::process::config::Flag;
use muster::process::health::{Health, Heart, Judge, LIVENESS, SCHEDULER};
use muster::process::health_port::HealthPort;
use tokio_util::sync::CancellationToken;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::impatient;
use crate::support::gate::Gate;
use crate::support::muster::TestMuster;
use crate::support::watch::in_time;

#[tokio::test]
async fn a_duty_that_stands_still_turns_health_off_until_it_turns_again() {
    let test = TestMuster::new();
    let scheduler = test.scheduler();
    let health = Health::new(&["", SCHEDULER]).await;
    let judge = Judge {
        // It answers all the time.
        database: impatient(test.database_url()),
        heart: Some(Heart {
            scheduler: scheduler.clone(),
            stalled_after: Duration::from_secs(3),
            dead_after: Duration::from_secs(3_600),
        }),
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

#[tokio::test]
async fn a_duty_that_stands_still_for_very_long_is_death_and_being_busy_is_not() {
    let test = TestMuster::new();
    let scheduler = test.scheduler();
    let health = Health::new(&["", SCHEDULER]).await;
    let loopback = "127.0.0.1:0".parse().expect("an address");
    let port = HealthPort::open(Flag::SCHEDULER_ADDR, loopback, &health)
        .await
        .expect("a port");
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{}", port.address))
        .expect("an address")
        .connect()
        .await
        .expect("a connection");
    let mut watch = HealthClient::new(channel)
        .watch(HealthCheckRequest {
            service: LIVENESS.to_owned(),
        })
        .await
        .expect("a stream")
        .into_inner();
    let judge = Judge {
        database: impatient(test.database_url()),
        heart: Some(Heart {
            scheduler: scheduler.clone(),
            stalled_after: Duration::from_secs(3_600),
            dead_after: Duration::from_secs(3),
        }),
    };
    let shutdown = CancellationToken::new();
    let run = tokio::spawn(scheduler.run(shutdown.clone()));
    let judging = tokio::spawn(judge.watch(health.clone(), shutdown.clone()));
    let mut ready = health.ready();
    in_time(ready.wait_for(|ready| *ready)).await.expect("good");
    let mut said = async || {
        in_time(watch.message())
            .await
            .expect("a word")
            .map(|w| w.status)
    };
    assert_eq!(said().await, Some(1));

    let gate = Gate::shut(&test, "LOCK TABLE user_import_jobs").await;
    assert_eq!(said().await, Some(2));
    assert!(*ready.borrow());
    gate.open().await;
    assert_eq!(said().await, Some(1));

    shutdown.cancel();
    in_time(run).await.expect("a task").expect("an orderly end");
    in_time(judging).await.expect("a task").expect("an end");
}
