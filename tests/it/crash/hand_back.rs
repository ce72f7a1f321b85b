//! A worker that is shut down, or gets nowhere, while the database or the
//! object store is away.

use std::sync::Arc;
use std::time::Duration;

use muster::domain::error::ErrorKind;
use muster::domain::ids::SystemIds;
use muster::domain::job::JobStatus as S;
use muster::scheduler::{Scheduler, SchedulerSettings};
use muster::store::{Database, DatabaseSettings};
use tokio_util::sync::CancellationToken;

use super::hand_over::Striking;
use super::{dispatched, undisturbed};
use crate::batches::left;
use crate::support::imports::{scheduler_settings, work};
use crate::support::muster::TestMuster;
use crate::support::wire::Wire;

/// Each try over a silent wire takes seconds; a busy machine adds to it.
const PATIENCE: Duration = Duration::from_secs(240);
const HELD: &str = "import_lanes WHERE lease_token IS NOT NULL";

fn impatient(url: &str) -> Database {
    Database::open(&DatabaseSettings {
        url: url.to_owned(),
        max_connections: 8,
        acquire_timeout: Duration::from_secs(1),
        statement_timeout: Duration::from_secs(1),
        lock_timeout: Duration::from_millis(500),
    })
    .expect("a database")
}

/// Claims the job; on a busy machine a new connection may take longer than the
/// scheduler has patience for.
async fn begin(scheduler: &Scheduler) {
    let claimed = async {
        loop {
            match scheduler.import_tick().await {
                Ok(begun) => return begun,
                Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable),
            }
        }
    };
    let begun = tokio::time::timeout(PATIENCE, claimed).await;
    assert_eq!(begun.expect("a claim").len(), 1);
}

/// The way to the database breaks in the midst of a batch, at the same time as
/// the worker is shut down; it is mended when the worker has tried for a while.
async fn the_job_is_given_back_after(break_it: fn(&Wire)) {
    let test = TestMuster::new();
    let expected = undisturbed(&test).await;
    for nth in [1, 4] {
        let job = dispatched(&test).await;
        let wire = Arc::new(Wire::new(test.database_url()));
        let struck = CancellationToken::new();
        let (broken, strike) = (wire.clone(), struck.clone());
        let scheduler = Scheduler::new(
            impatient(wire.url()),
            test.objects.clone(),
            Striking::at(nth, move || {
                break_it(&broken);
                strike.cancel();
            }),
            Arc::new(SystemIds),
            SchedulerSettings {
                batch_rows: 1,
                ..scheduler_settings()
            },
        );
        begin(&scheduler).await;
        tokio::time::timeout(PATIENCE, async {
            struck.cancelled().await;
            // A shutdown that has come already: nothing new is begun.
            let run = tokio::spawn(scheduler.run(struck));
            let before = wire.accepted();
            while wire.accepted() < before + 3 {
                tokio::task::yield_now().await;
            }
            assert!(!run.is_finished(), "it gave up");
            assert!(test.rows(HELD).await > 0, "nobody could give it back");
            wire.mend();
            run.await.expect("a task").expect("an orderly end");
        })
        .await
        .expect("a worker that comes to its end");

        assert_eq!(test.rows(HELD).await, 0, "the lease was kept");
        let counted = "import_lanes WHERE fruitless_claims > 0";
        assert_eq!(test.rows(counted).await, 0, "it was held against the job");
        work(&test.scheduler()).await;
        assert_eq!(left(&test, &job).await, expected, "broken at {nth}");
    }
}

#[tokio::test]
async fn a_worker_that_is_shut_down_while_the_database_refuses_gives_its_job_back_later() {
    the_job_is_given_back_after(Wire::cut).await;
}

#[tokio::test]
async fn a_worker_that_is_shut_down_while_the_database_is_silent_gives_its_job_back_later() {
    the_job_is_given_back_after(Wire::fall_silent).await;
}

#[tokio::test]
async fn a_worker_goes_on_by_itself_when_the_database_is_back() {
    let test = TestMuster::new();
    let expected = undisturbed(&test).await;
    for break_it in [Wire::cut, Wire::fall_silent] {
        let job = dispatched(&test).await;
        let wire = Arc::new(Wire::new(test.database_url()));
        let broken = wire.clone();
        let clock = Striking::at(3, move || {
            break_it(&broken);
            broken.mend();
        });
        let scheduler = Scheduler::new(
            impatient(wire.url()),
            test.objects.clone(),
            clock,
            Arc::new(SystemIds),
            SchedulerSettings {
                batch_rows: 1,
                ..scheduler_settings()
            },
        );
        // One claim, by one worker, to the end.
        tokio::time::timeout(PATIENCE, work(&scheduler))
            .await
            .expect("an import");
        assert_eq!(left(&test, &job).await, expected);
    }
}

#[tokio::test]
async fn an_object_store_that_is_away_is_not_held_against_the_job() {
    let test = TestMuster::new();
    let job = dispatched(&test).await;
    let (uploads, away) = (test.path("uploads"), test.path("away"));
    std::fs::rename(&uploads, &away).expect("a store that is away");
    std::fs::write(&uploads, "").expect("something in its place");
    let scheduler = test.scheduler();
    for lost in 0..=2 * scheduler_settings().max_fruitless {
        for import in scheduler.import_tick().await.expect("a claim") {
            import.await.expect("an import");
        }
        assert!(test.rows(HELD).await > 0, "the lease is the pause");
        test.expire_leases().await;
        assert_eq!(scheduler.rescue_tick().await.expect("a rescue"), 0);
        assert_eq!(test.status(&job).await, S::InProgress, "{lost} lost");
    }
    std::fs::remove_file(&uploads).expect("room");
    std::fs::rename(&away, &uploads).expect("a store");
    work(&scheduler).await;
    assert_eq!(test.status(&job).await, S::Succeeded);
}
