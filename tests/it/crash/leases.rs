//! Whose clock leases go by, who renews them, and when another may have them.

use std::time::Duration;

use muster::importer::Outcome;
use muster::store::lanes::{self, Checkpoint, Claim, Locked, advance, lock, renew};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{dispatched, undisturbed};
use crate::batches::left;
use crate::support::gate::Gate;
use crate::support::imports::{claim, claim_for, counted, scheduler_settings, work};
use crate::support::muster::TestMuster;

const LEASE: Duration = Duration::from_secs(300);
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_lease_goes_by_the_databases_clock_and_not_by_the_workers() {
    let test = TestMuster::new();
    dispatched(&test).await;
    claim(&test.db).await.expect("the job");
    // A worker whose clock is a year ahead does not take it for run out.
    test.clock.advance(Duration::from_secs(365 * 24 * 3600));
    assert!(
        test.scheduler()
            .import_tick()
            .await
            .expect("a look")
            .is_empty()
    );
    let within = "import_lanes WHERE lease_expires_at
        BETWEEN clock_timestamp() + interval '200 s' AND clock_timestamp() + interval '300 s'";
    assert!(test.rows(within).await > 0, "300 seconds from now");
    test.expire_leases().await;
    assert_eq!(
        test.scheduler().import_tick().await.expect("a look").len(),
        1
    );
}

#[tokio::test]
async fn every_batch_renews_its_lanes_lease() {
    let test = TestMuster::new();
    dispatched(&test).await;
    // It has run out by the time of the first batch, and nobody wants it.
    let worker = claim_for(&test.db, Duration::ZERO).await.expect("the job");
    let alive = "import_lanes WHERE lease_expires_at > clock_timestamp() + interval '200 s'";
    assert_eq!(test.rows(alive).await, 0);
    let never = CancellationToken::new();
    // Its own renewals come after a third of 300 seconds.
    let outcome = test.importer().run(&worker, &never).await;
    assert_eq!(outcome.expect("an import"), Outcome::Done);
    assert_eq!(test.rows(alive).await, worker.lanes.len() as i64);
}

#[tokio::test]
async fn a_worker_without_batches_to_write_keeps_its_lease() {
    let test = TestMuster::new();
    dispatched(&test).await;
    let lease = Duration::from_secs(1);
    let worker = claim_for(&test.db, lease).await.expect("the job");
    test.sql(
        "CREATE TABLE renewals (lane smallint);
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO renewals VALUES (NEW.lane); RETURN NULL;
         END $$;
         CREATE TRIGGER note AFTER UPDATE OF lease_expires_at ON import_lanes
             FOR EACH ROW EXECUTE FUNCTION note()",
    )
    .await
    .expect("a note of each renewal");
    // A batch that takes its time: the lane's row is locked, as it is then.
    let mut slow = test.db.begin("slow").await.expect("a transaction");
    lock(&mut slow, &worker, 0).await.expect("a lane");
    let importer = test.importer_for(lease);
    let held = worker.clone();
    let import = tokio::spawn(async move {
        let never = CancellationToken::new();
        importer.run(&held, &never).await
    });
    let renewed = async {
        while test.rows("renewals WHERE lane = 1").await < 5 {
            assert!(claim(&test.db).await.is_none(), "the lease ran out");
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, renewed)
        .await
        .expect("renewals");
    slow.rollback().await;
    let outcome = import.await.expect("a task").expect("an import");
    assert_eq!(outcome, Outcome::Done);
}

#[tokio::test]
async fn a_lease_is_renewed_past_batches_that_are_being_written() {
    let test = TestMuster::new();
    dispatched(&test).await;
    let worker = claim_for(&test.db, Duration::ZERO).await.expect("the job");
    let lanes = worker.lanes.len() as i64;
    let alive = "import_lanes WHERE lease_expires_at > clock_timestamp()";
    let mut batches = Vec::new();
    for written in 0..=lanes {
        // A longer one each time, to tell it from the one before.
        let lease = LEASE * u32::try_from(written + 1).expect("a number");
        assert!(renew(&test.db, &worker, lease).await.expect("a renewal"));
        let renewed = format!("{alive} + interval '{} s'", lease.as_secs() - 100);
        assert_eq!(test.rows(&renewed).await, lanes - written);
        if written < lanes {
            let lane = u16::try_from(written).expect("a lane");
            let mut batch = test.db.begin("batch").await.expect("a transaction");
            lock(&mut batch, &worker, lane).await.expect("a lane");
            batches.push(batch);
        }
    }
}

#[tokio::test]
async fn a_batch_that_outlasts_the_lease_keeps_the_job_when_it_is_written() {
    let test = TestMuster::new();
    dispatched(&test).await;
    let slow = claim_for(&test.db, Duration::ZERO).await.expect("the job");
    let mut tx = test.db.begin("batch").await.expect("a transaction");
    let Locked::Held { checkpoint, .. } = lock(&mut tx, &slow, 0).await.expect("a lane") else {
        panic!("the lease was lost");
    };
    let mut gate = Gate::shut(&test, "SELECT 1").await;
    let db = test.db.clone();
    let other = tokio::spawn(async move { claim(&db).await });
    gate.waiting(1).await;
    let to = Checkpoint {
        bytes: 77,
        line: 3,
        finished: false,
    };
    advance(&mut tx, &slow, 0, checkpoint, to, counted(1, 0, 0), LEASE)
        .await
        .expect("a batch");
    tx.commit().await.expect("a batch");
    assert!(other.await.expect("a task").is_none(), "it was robbed");
    let mut tx = test.db.begin("batch").await.expect("a transaction");
    let locked = lock(&mut tx, &slow, 0).await.expect("a lane");
    assert!(matches!(locked, Locked::Held { .. }));
}

#[tokio::test]
async fn every_process_is_a_worker_of_its_own_and_every_claim_has_its_own_token() {
    let test = TestMuster::new();
    let mut seen: Vec<String> = Vec::new();
    for _ in 0..3 {
        dispatched(&test).await;
        let scheduler = test.scheduler();
        let gate = Gate::shut(&test, "LOCK TABLE users").await;
        let mut begun = scheduler.import_tick().await.expect("a claim");
        let worker: String = sqlx::query_scalar(
            "SELECT DISTINCT lease_worker::text FROM import_lanes WHERE lease_worker IS NOT NULL",
        )
        .fetch_one(&mut test.connection().await)
        .await
        .expect("one worker");
        assert!(!seen.contains(&worker));
        assert_eq!(format!("{scheduler:?}"), format!("Scheduler({worker})"));
        seen.push(worker);
        gate.open().await;
        begun.pop().expect("one job").await.expect("an import");
        work(&scheduler).await;
    }

    dispatched(&test).await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        let Claim { token, .. } = claim(&test.db).await.expect("the job");
        assert!(!tokens.contains(&token));
        tokens.push(token);
        test.expire_leases().await;
    }
}

#[tokio::test]
async fn a_dead_workers_job_is_taken_over_by_itself_and_not_before_its_lease_has_run_out() {
    let test = TestMuster::new();
    let expected = undisturbed(&test).await;
    test.sql(
        "CREATE TABLE takeovers (late interval);
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO takeovers VALUES (clock_timestamp() - OLD.lease_expires_at);
             RETURN NULL;
         END $$;
         CREATE TRIGGER note AFTER UPDATE OF lease_token ON import_lanes FOR EACH ROW
             WHEN (OLD.lease_token <> NEW.lease_token) EXECUTE FUNCTION note()",
    )
    .await
    .expect("a note of each takeover");
    let job = dispatched(&test).await;
    // A worker that dies at once, and another process that knows nothing of it.
    claim_for(&test.db, Duration::from_secs(1))
        .await
        .expect("the job");
    let shutdown = CancellationToken::new();
    let run = tokio::spawn(test.scheduler().run(shutdown.clone()));
    tokio::time::timeout(PATIENCE, async {
        while test.rows("import_lanes").await > 0 {
            assert!(!run.is_finished());
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("a takeover");
    shutdown.cancel();
    run.await.expect("a task").expect("an orderly end");
    assert_eq!(left(&test, &job).await, expected);
    assert!(test.rows("takeovers").await > 0);
    assert_eq!(test.rows("takeovers WHERE late < '0'").await, 0);
}

#[tokio::test]
async fn a_takeover_is_a_claim_of_what_another_worker_has_let_run_out() {
    let test = TestMuster::new();
    dispatched(&test).await;
    let settings = scheduler_settings();
    let claim_as = async |worker| {
        let token = Uuid::new_v4();
        let claim = lanes::claim(
            &test.db,
            worker,
            token,
            settings.lease,
            settings.max_fruitless + 3,
        );
        claim.await.expect("a look").expect("the job")
    };
    let [one, other] = [Uuid::new_v4(), Uuid::new_v4()];
    assert!(!claim_as(one).await.taken_over, "nobody had it");
    test.expire_leases().await;
    assert!(!claim_as(one).await.taken_over, "it was its own");
    test.expire_leases().await;
    let taken = claim_as(other).await;
    assert!(taken.taken_over);
    lanes::release(&test.db, &taken).await.expect("a release");
    assert!(!claim_as(one).await.taken_over, "it was given back");
}
