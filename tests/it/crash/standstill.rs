//! A worker that stands still in the midst of a COPY, with its connection
//! alive: no timeout of PostgreSQL's ends that.

use std::time::Duration;

use muster::domain::job::JobStatus as S;
use muster::scheduler::Scheduler;
use muster::store::{Database, DatabaseSettings};
use sqlx::{Connection as _, PgConnection};

use super::{dispatched, undisturbed};
use crate::batches::left;
use crate::support::imports::{claim, scheduler_settings, work};
use crate::support::muster::TestMuster;

const PATIENCE: Duration = Duration::from_secs(60);

/// A scheduler for which a statement may take so long.
fn scheduler(test: &TestMuster, statement_timeout: Duration) -> Scheduler {
    let db = Database::open(&DatabaseSettings {
        url: test.database_url().to_owned(),
        max_connections: 2,
        acquire_timeout: PATIENCE,
        statement_timeout,
        lock_timeout: PATIENCE,
    });
    Scheduler::new(
        db.expect("a database"),
        test.objects.clone(),
        test.clock.clone(),
        std::sync::Arc::new(muster::domain::ids::SystemIds),
        scheduler_settings(),
    )
}

const STUCK: &str = "pg_stat_activity WHERE datname = current_database()
    AND state = 'active' AND wait_event = 'ClientRead' AND query LIKE 'COPY users %'";

#[tokio::test]
async fn a_worker_that_stands_still_in_a_copy_does_not_keep_its_job() {
    let test = TestMuster::new();
    let expected = undisturbed(&test).await;
    let job = dispatched(&test).await;
    claim(&test.db).await.expect("the job");

    // A batch as far as its COPY, of which nothing more comes.
    let mut worker = PgConnection::connect(test.database_url())
        .await
        .expect("a connection");
    sqlx::raw_sql(
        "SET statement_timeout = '1s'; BEGIN; SELECT lane FROM import_lanes FOR NO KEY UPDATE",
    )
    .execute(&mut worker)
    .await
    .expect("the lanes");
    let copy = worker
        .copy_in_raw("COPY users (user_pool_id) FROM STDIN")
        .await
        .expect("a COPY");

    // Whoever has the time of a statement left is let be.
    let patient = scheduler(&test, Duration::from_secs(3600));
    assert_eq!(patient.rescue_tick().await.expect("a round"), 0);
    assert_eq!(test.rows(STUCK).await, 1, "it was ended too soon");

    let rescuer = scheduler(&test, Duration::from_millis(1_500));
    tokio::time::timeout(PATIENCE, async {
        while test.rows(STUCK).await > 0 {
            rescuer.rescue_tick().await.expect("a round");
        }
    })
    .await
    .expect("an end of the session");
    drop(copy);

    test.expire_leases().await;
    work(&test.scheduler()).await;
    assert_eq!(test.status(&job).await, S::Succeeded);
    assert_eq!(left(&test, &job).await, expected);
}
