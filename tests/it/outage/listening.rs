//! The connection that hears Start and Stop.

use tokio_util::sync::CancellationToken;

use super::{impatient, is_told_so};
use crate::support::imports::scheduler_settings;
use crate::support::muster::TestMuster;
use crate::support::watch::{Watcher, in_time};
use crate::support::wire::Wire;
use muster::scheduler::Scheduler;
use muster::store::Wake;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn a_wake_that_comes_during_a_probe_is_heard() {
    let test = TestMuster::new();
    let mut listener = test.db.listen().await.expect("a listener");
    for _ in 0..3 {
        let mut tx = test.db.begin("wake").await.expect("a transaction");
        tx.wake(Wake::Started).await.expect("a wake");
        tx.commit().await.expect("a commit");
        listener.probe().await.expect("a sign of life");
        let woken = in_time(listener.woken()).await.expect("a wake");
        assert_eq!(woken, Some(Wake::Started));
    }
}

#[tokio::test]
async fn a_listener_whose_connection_is_gone_says_so() {
    let test = TestMuster::new();
    for break_it in [Wire::cut, Wire::fall_silent] {
        let wire = Wire::new(test.database_url());
        let db = impatient(wire.url());
        let mut listener = db.listen().await.expect("a listener");
        listener.probe().await.expect("a sign of life");
        break_it(&wire);
        assert!(is_told_so(listener.probe()).await);
        wire.mend();
        let mut listener = in_time(db.listen()).await.expect("another");
        in_time(listener.probe()).await.expect("a sign of life");
    }
}

#[tokio::test]
async fn a_scheduler_notices_that_nobody_talks_to_it_any_more_and_listens_again() {
    let test = TestMuster::new();
    let wire = Wire::new(test.database_url());
    let mut settings = scheduler_settings();
    settings.poll = Duration::from_millis(10);
    let scheduler = Scheduler::new(
        impatient(wire.url()),
        test.objects.clone(),
        test.clock.clone(),
        Arc::new(muster::domain::ids::SystemIds),
        settings,
    );
    let shutdown = CancellationToken::new();
    let run = tokio::spawn(scheduler.run(shutdown.clone()));
    let mut watcher = Watcher::new(test.database_url()).await;
    let listening = "query LIKE 'LISTEN%'";
    watcher.until(1, listening).await;
    let broken: String = sqlx::query_scalar("SELECT clock_timestamp()::text")
        .fetch_one(&mut watcher.0)
        .await
        .expect("the time");
    wire.fall_silent();
    wire.mend();
    let again = format!("{listening} AND backend_start > '{broken}'");
    watcher.until(1, &again).await;
    shutdown.cancel();
    in_time(run).await.expect("a task").expect("an orderly end");
}
