//! Many callers and schedulers on the same jobs at once: each job is counted,
//! taken up and claimed once.

use std::time::Duration;

use muster::domain::error::{ErrorKind, Reason};
use muster::domain::job::JobStatus as S;
use muster::importer::Outcome;
use muster::store::lanes::{Claim, release};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::support::gate::Gate;
use crate::support::imports::{claim, counted, scheduler_settings, users_csv};
use crate::support::muster::{TestMuster, admin, open};

#[tokio::test]
async fn creates_at_once_fill_the_quota_exactly() {
    let test = TestMuster::with(|s| s.max_jobs_per_pool = 5);
    let pool = test.pool().await;
    for _ in 0..3 {
        test.create(&pool).await;
    }
    let mut gate = Gate::shut(&test, "SELECT 1 FROM user_pools FOR UPDATE").await;
    let mut calls = JoinSet::new();
    for _ in 0..4 {
        let (muster, user_pool_id) = (test.muster.clone(), pool.clone());
        calls.spawn(async move {
            let request = muster::operations::jobs::CreateJob {
                user_pool_id,
                job_name: "made up".to_owned(),
                ..Default::default()
            };
            muster.create_job(&admin(), request).await
        });
    }
    gate.waiting(4).await;
    gate.open().await;

    let mut made = 0;
    for answer in calls.join_all().await {
        match answer {
            Ok(_) => made += 1,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::QuotaExceeded);
                assert_eq!(error.reason(), Reason::TooManyJobs);
            }
        }
    }
    assert_eq!(made, 2);
    assert_eq!(test.rows("user_import_jobs").await, 5);
}

#[tokio::test]
async fn a_deleted_job_makes_room_for_one_more_and_only_one() {
    let test = TestMuster::with(|s| s.max_jobs_per_pool = 2);
    let pool = test.pool().await;
    let first = test.create(&pool).await;
    test.create(&pool).await;
    let mut full = Vec::new();
    for _ in 0..2 {
        let deleted = test.muster.delete_job(&admin(), &pool, &first.id).await;
        full.push(deleted.is_err());
        full.push(test.create_with(&pool, |_| ()).await.is_err());
    }
    assert_eq!(full, [false, false, true, true], "deleted, created, twice");
}

#[tokio::test]
async fn a_scheduler_takes_up_the_oldest_jobs_and_no_more_than_it_has_room_for() {
    let test = TestMuster::new();
    let mut jobs = Vec::new();
    for _ in 0..8 {
        let pool = test.pool().await;
        jobs.push(test.started(&pool, users_csv(["ann"])).await);
        test.clock.advance(Duration::from_secs(1));
    }
    let scheduler = test.scheduler_with(|s| s.max_jobs = 3);
    assert_eq!(scheduler.dispatch_tick().await.expect("a tick"), 3);
    for (n, job) in jobs.iter().enumerate() {
        let expected = if n < 3 { S::InProgress } else { S::Pending };
        assert_eq!(test.status(job).await, expected, "job {n}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schedulers_that_dispatch_at_once_take_each_job_up_once() {
    const JOBS: u64 = 12;
    let test = TestMuster::with(|s| s.max_jobs_per_pool = 20);
    let pool = test.pool().await;
    for _ in 0..JOBS {
        test.started(&pool, users_csv(["ann"])).await;
    }
    let mut ticks = JoinSet::new();
    for _ in 0..4 {
        let scheduler = test.scheduler_with(|s| s.max_jobs = 5);
        ticks.spawn(async move { scheduler.dispatch_tick().await.expect("a tick") });
    }
    let taken: u64 = ticks.join_all().await.iter().sum();
    let last = test.scheduler_with(|s| s.max_jobs = 20);
    let taken = taken + last.dispatch_tick().await.expect("a tick");
    assert_eq!(taken, JOBS);
    // A second dispatch of a job would have made lanes that are there already.
    let lanes = i64::from(scheduler_settings().lanes);
    assert_eq!(test.rows("import_lanes").await, JOBS as i64 * lanes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schedulers_that_import_at_once_import_each_job_once() {
    const JOBS: usize = 8;
    let test = TestMuster::new();
    let mut jobs = Vec::new();
    for _ in 0..JOBS {
        let pool = test.pool().await;
        jobs.push(test.started(&pool, users_csv(["ann", "bob"])).await);
    }
    let all = test.scheduler_with(|s| s.max_jobs = JOBS);
    assert_eq!(all.dispatch_tick().await.expect("a tick"), JOBS as u64);
    let mut ticks = JoinSet::new();
    for _ in 0..4 {
        let scheduler = test.scheduler_with(|s| s.max_jobs = JOBS);
        ticks.spawn(async move {
            let begun = scheduler.import_tick().await.expect("claims");
            let claims = begun.len();
            for import in begun {
                import.await.expect("an import");
            }
            claims
        });
    }
    let claims: usize = ticks.join_all().await.iter().sum();
    assert_eq!(claims, JOBS);
    for job in &jobs {
        let job = test.describe(job).await;
        assert_eq!(job.status, S::Succeeded);
        assert_eq!(job.counters, counted(2, 0, 0));
    }
}

#[tokio::test]
async fn a_claim_that_looked_before_another_claimed_takes_nothing() {
    let test = TestMuster::new();
    let (gate, late) = held_up_claim(&test).await;
    let other = claim(&test.db).await.expect("the job");
    gate.open().await;

    assert!(late.await.expect("a task").is_none());
    let mine: i64 = sqlx::query_scalar("SELECT count(*) FROM import_lanes WHERE lease_token = $1")
        .bind(other.token)
        .fetch_one(&mut test.connection().await)
        .await
        .expect("the lanes");
    assert_eq!(mine, test.rows("import_lanes").await);
}

#[tokio::test]
async fn a_claim_that_looked_before_another_imported_it_all_takes_nothing() {
    let test = TestMuster::new();
    let (gate, late) = held_up_claim(&test).await;
    let other = claim(&test.db).await.expect("the job");
    let never = CancellationToken::new();
    let outcome = test.importer().run(&other, &never).await;
    assert_eq!(outcome.expect("an import"), Outcome::Done);
    release(&test.db, &other).await.expect("a release");
    gate.open().await;

    assert!(
        late.await.expect("a task").is_none(),
        "nothing is left to do"
    );
    let held = "import_lanes WHERE lease_token IS NOT NULL OR fruitless_claims > 0";
    assert_eq!(test.rows(held).await, 0);
}

/// A job that nobody has claimed, and a claim that is held up between its look
/// at the leases and its locks: whatever asks for the time waits at the gate.
async fn held_up_claim(test: &TestMuster) -> (Gate, JoinHandle<Option<Claim>>) {
    test.started(&test.pool().await, users_csv(["ann"])).await;
    let dispatched = test.scheduler().dispatch_tick().await;
    assert_eq!(dispatched.expect("a tick"), 1);
    // All that the others may need; one that is opened later waits as well.
    let mut before = Vec::new();
    for _ in 0..8 {
        before.push(test.db.begin("before").await.expect("a connection"));
    }
    for one in before {
        one.rollback().await;
    }
    test.sql(
        "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
         AS 'SELECT pg_advisory_xact_lock_shared(1); SELECT pg_catalog.clock_timestamp()';
         DO $$ BEGIN EXECUTE format(
             'ALTER DATABASE %I SET search_path = public, pg_catalog', current_database());
         END $$",
    )
    .await
    .expect("a clock with a gate");
    // Connections that are there already do not know of it.
    let late = open(test.database_url());
    let mut gate = Gate::shut(test, "SELECT pg_advisory_xact_lock(1)").await;
    let late = tokio::spawn(async move { claim(&late).await });
    gate.waiting(1).await;
    (gate, late)
}
