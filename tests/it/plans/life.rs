//! What a pool goes through, in a database that is crowded.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use muster::domain::job::JobStatus;
use muster::domain::rejection::RejectionCode as C;
use muster::operations::Page;
use sqlx::PgConnection;

use super::crowd::{ALIASES, BIG, SMALL, run};
use crate::support::imports::{counted, work};
use crate::support::muster::{TestMuster, admin};

/// Ends what the crowd has queued: nobody has uploaded those files.
pub async fn end_the_queue(connection: &mut PgConnection) {
    for statement in [
        "DELETE FROM import_lanes",
        "UPDATE user_import_jobs SET status = 'SUCCEEDED', completion_date = start_date,
             completion_message = 'done'
         WHERE status IN ('PENDING', 'IN_PROGRESS', 'STOPPING')",
        "DELETE FROM uploads_to_sweep WHERE expires_at < timestamptz '2026-03-01 12:00+00'",
    ] {
        run(connection, statement.to_owned()).await;
    }
}

/// One turn of each duty.
pub async fn tick(test: &TestMuster) {
    let scheduler = test.scheduler();
    work(&scheduler).await;
    scheduler.expire_tick().await.expect("an expiry");
    scheduler.rescue_tick().await.expect("a rescue");
    scheduler.purge_tick().await.expect("a purge");
    scheduler.measure_tick().await.expect("a count");
}

/// Imports, looks at everything, and deletes a pool.
pub async fn live(test: &TestMuster) {
    import(test, BIG.pool, &[], [300, 150, 0]).await;
    import(test, ALIASES.pool, &[C::AliasAlreadyExists], [300, 150, 50]).await;
    let (muster, caller) = (&test.muster, admin());
    let pool = muster.describe_pool_with_users(&caller, BIG.pool).await;
    assert!(pool.expect("the pool").1 > 1_000);
    let found = muster
        .find_user(&caller, ALIASES.pool, "mail-100@example.com")
        .await;
    assert_eq!(found.expect("a user").username, "user-0000100");
    muster
        .delete_pool(&caller, SMALL.pool)
        .await
        .expect("a pool that is not busy");
    tick(test).await;
    assert!(muster.describe_pool(&caller, SMALL.pool).await.is_err());
}

/// Imports new users, users that are there, and users with aliases of others.
async fn import(test: &TestMuster, pool: &str, codes: &[C], [new, there, taken]: [u64; 3]) {
    let mut csv = "cognito:username,email,email_verified\n".to_owned();
    for n in 1..=new {
        csv.push_str(&format!("new-{n},new-{n}@example.com,true\n"));
    }
    for n in 1..=there {
        csv.push_str(&format!("user-{n:07},there-{n}@example.com,true\n"));
    }
    for n in 1..=taken {
        csv.push_str(&format!("other-{n},mail-{n}@example.com,true\n"));
    }
    let job = test.started(pool, csv).await;
    let (muster, caller) = (&test.muster, admin());
    let mut changes = muster
        .watch_job(&caller, pool, &job.id)
        .await
        .expect("changes");
    let first = changes
        .next()
        .await
        .expect("a first answer")
        .expect("the job");
    assert_eq!(first.job.total_rows, Some(new + there + taken));
    work(&test.scheduler()).await;

    let ended = test.describe(&job).await;
    assert_eq!(ended.status, JobStatus::Succeeded);
    assert_eq!(ended.counters, counted(new, there, taken));
    let rejected = test.rejections(&ended).await;
    let mut by_code = BTreeMap::<&str, u64>::new();
    for row in rejected {
        *by_code.entry(row.code.as_str()).or_default() += 1;
    }
    let mut expected = BTreeMap::from([(C::UserAlreadyExists.as_str(), there)]);
    expected.extend(codes.iter().map(|code| (code.as_str(), taken)));
    assert_eq!(by_code, expected);

    let mut page = Page::default();
    for _ in 0..3 {
        let (jobs, next) = muster.list_jobs(&caller, pool, &page).await.expect("jobs");
        assert!(!jobs.is_empty());
        page.token = next;
    }
    let mut page = Page::default();
    for _ in 0..3 {
        let (users, next) = muster
            .list_users(&caller, pool, &page)
            .await
            .expect("users");
        assert_eq!(users.len(), 20);
        page.token = next;
    }
    muster
        .list_pools(&caller, &Page::default())
        .await
        .expect("pools");
    muster
        .delete_job(&caller, pool, &job.id)
        .await
        .expect("an end");
}

/// Of each table: how often it was read from end to end, and how many entries
/// of its indexes were looked at.
pub async fn looks(connection: &mut PgConnection) -> BTreeMap<String, (i64, i64)> {
    run(connection, "SELECT pg_stat_force_next_flush()".to_owned()).await;
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT t.relname::text, t.seq_scan, sum(i.idx_tup_read)::bigint
         FROM pg_stat_user_tables t JOIN pg_stat_user_indexes i USING (relid)
         GROUP BY t.relname, t.seq_scan",
    )
    .fetch_all(connection)
    .await
    .expect("the counts");
    rows.into_iter()
        .map(|(table, all, entries)| (table, (all, entries)))
        .collect()
}

/// Waits until all other sessions have ended, and so have said what they did.
pub async fn alone(connection: &mut PgConnection) {
    let ended = async {
        loop {
            let left: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .fetch_one(&mut *connection)
            .await
            .expect("the sessions");
            if left == 0 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), ended)
        .await
        .expect("no session but one");
}
