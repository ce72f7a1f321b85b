//! A worker that is shut down, or that dies, between any two batches and in
//! the midst of each.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use muster::domain::clock::Clock;
use muster::domain::ids::SystemIds;
use muster::domain::job::JobStatus as S;
use muster::importer::Outcome;
use muster::scheduler::Scheduler;
use muster::store::lanes::release;
use time::OffsetDateTime;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::{dispatched, undisturbed};
use crate::batches::left;
use crate::support::imports::{claim, scheduler_settings, work};
use crate::support::muster::{ManualClock, TestMuster};

/// Strikes when it is looked at for the nth time: a batch looks once, when it
/// has its lane locked and has not written its rows yet.
pub(super) struct Striking<F> {
    left: AtomicUsize,
    strike: F,
}

impl<F: Fn() + Send + Sync + 'static> Striking<F> {
    pub(super) fn at(nth: usize, strike: F) -> Arc<Self> {
        Arc::new(Self {
            left: AtomicUsize::new(nth),
            strike,
        })
    }
}

impl<F: Fn() + Send + Sync + 'static> Clock for Striking<F> {
    fn now(&self) -> OffsetDateTime {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            (self.strike)();
        }
        ManualClock::START
    }
}

/// More than there are batches with users in them.
const STRIKES: usize = 9;

#[tokio::test]
async fn a_worker_that_is_shut_down_during_any_batch_hands_the_job_over_whole() {
    let test = TestMuster::new();
    let expected = undisturbed(&test).await;
    let mut handed_over = 0;
    for nth in 1..=STRIKES {
        let job = dispatched(&test).await;
        let shutdown = CancellationToken::new();
        let strike = shutdown.clone();
        let clock = Striking::at(nth, move || strike.cancel());
        let first = claim(&test.db).await.expect("the job");
        let outcome = test
            .importer_with(test.db.clone(), clock, 1)
            .run(&first, &shutdown)
            .await
            .expect("an import");
        if outcome == Outcome::CalledOff {
            handed_over += 1;
            let counters = test.describe(&job).await.counters;
            assert!(counters.imported > 0, "the batch that went on is written");
            assert!(counters.total() <= expected.counters.total());
        } else {
            assert_eq!(outcome, Outcome::Done);
        }
        release(&test.db, &first).await.expect("a release");
        work(&test.scheduler()).await;
        assert_eq!(left(&test, &job).await, expected, "shut down at {nth}");
    }
    assert!(handed_over >= 5, "{handed_over} times");
}

#[tokio::test]
async fn a_worker_that_dies_in_the_midst_of_any_batch_loses_and_doubles_nothing() {
    let test = TestMuster::new();
    let expected = undisturbed(&test).await;
    let mut died = 0;
    for nth in 1..=STRIKES {
        let job = dispatched(&test).await;
        let death: Arc<std::sync::OnceLock<AbortHandle>> = Arc::default();
        let strike = death.clone();
        let clock = Striking::at(nth, move || {
            strike.get().expect("an import").abort();
        });
        let first = claim(&test.db).await.expect("the job");
        let importer = test.importer_with(test.db.clone(), clock, 1);
        // On this runtime it does not begin before it is awaited.
        let import = tokio::spawn(async move {
            let never = CancellationToken::new();
            importer.run(&first, &never).await
        });
        death.set(import.abort_handle()).expect("one import");
        match import.await {
            Ok(outcome) => assert_eq!(outcome.expect("an import"), Outcome::Done),
            Err(error) => {
                assert!(error.is_cancelled(), "{error}");
                died += 1;
                // Nobody may have the job before its lease has run out.
                assert!(claim(&test.db).await.is_none());
            }
        }
        // A COMMIT that was on its way may still arrive, and renew its lease.
        let open = "pg_stat_activity WHERE datname = current_database()
            AND xact_start IS NOT NULL AND pid <> pg_backend_pid()";
        while test.rows(open).await > 0 {
            tokio::task::yield_now().await;
        }
        test.expire_leases().await;
        work(&test.scheduler()).await;
        assert_eq!(left(&test, &job).await, expected, "died at {nth}");
    }
    assert!(died >= 5, "{died} times");
}

#[tokio::test]
async fn a_scheduler_that_is_shut_down_gives_its_jobs_back_at_once() {
    let test = TestMuster::new();
    let expected = undisturbed(&test).await;
    for nth in [1, 4, 8, 12] {
        let job = test.started(&test.pool().await, super::FILE).await;
        let shutdown = CancellationToken::new();
        let strike = shutdown.clone();
        let scheduler = Scheduler::new(
            test.db.clone(),
            test.objects.clone(),
            Striking::at(nth, move || strike.cancel()),
            Arc::new(SystemIds),
            muster::scheduler::SchedulerSettings {
                batch_rows: 1,
                ..scheduler_settings()
            },
        );
        scheduler.run(shutdown).await.expect("an orderly end");

        let held = "import_lanes WHERE lease_token IS NOT NULL OR fruitless_claims > 0";
        assert_eq!(test.rows(held).await, 0, "leases that were kept");
        let status = test.status(&job).await;
        assert!([S::Pending, S::InProgress, S::Succeeded].contains(&status));
        work(&test.scheduler()).await;
        assert_eq!(left(&test, &job).await, expected, "shut down at {nth}");
    }
}
