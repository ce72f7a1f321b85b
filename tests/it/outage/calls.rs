//! Single calls of the store.

use std::time::Duration;

use muster::domain::ids::UserPoolId;
use muster::store::{Database, DatabaseSettings, Wake, deadline, jobs, pools};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use super::{CONNECTIONS, all_connections, cut_off_at, impatient, is_told_so, settings};
use crate::support::gate::Gate;
use crate::support::imports::users_csv;
use crate::support::muster::TestMuster;
use crate::support::watch::{Watcher, in_time};
use crate::support::wire::Wire;

/// What a connection asks of Postgres before anything else.
async fn asked_for(listens: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let db = Database::open(&DatabaseSettings {
        url: format!("postgres://muster@{address}/muster?sslmode=disable"),
        max_connections: 1,
        acquire_timeout: Duration::from_secs(20),
        statement_timeout: Duration::from_secs(61),
        lock_timeout: Duration::from_secs(7),
    })
    .expect("a database");
    let call = tokio::spawn(async move {
        match listens {
            true => db.listen().await.map(drop),
            false => db.ping().await,
        }
    });
    let (mut connection, _) = in_time(listener.accept()).await.expect("a connection");
    let length = connection.read_u32().await.expect("a length");
    let mut message = vec![0; length as usize - 4];
    connection.read_exact(&mut message).await.expect("a start");
    call.abort();
    String::from_utf8_lossy(&message).into_owned()
}

#[tokio::test]
async fn every_connection_asks_the_database_for_its_limits_and_for_plans_that_last() {
    for listens in [false, true] {
        let asked = asked_for(listens).await;
        for limit in [
            "statement_timeout=61000",
            "lock_timeout=7000",
            "idle_in_transaction_session_timeout=14000",
            "tcp_keepalives_idle=15",
            "tcp_keepalives_interval=5",
            "tcp_keepalives_count=3",
            "tcp_user_timeout=61000",
            "plan_cache_mode=force_generic_plan",
        ] {
            assert!(asked.contains(limit), "{limit} in {asked:?}");
        }
    }
}

#[tokio::test]
async fn a_lock_is_waited_for_no_longer_than_is_set_and_a_statement_runs_no_longer() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let job = test.uploaded(&pool, users_csv(["ann"])).await;
    let key = job.key();
    let db = impatient(test.database_url());
    let gate = Gate::shut(&test, "LOCK TABLE user_import_jobs, user_pools").await;
    // lock_timeout is the shorter one.
    let looked = in_time(jobs::get(&db, &key.user_pool_id, key.job_id)).await;
    let refused = looked.expect_err("a lock");
    let why = std::error::Error::source(&refused).expect("a source");
    assert!(why.to_string().contains("lock timeout"), "{why}");
    gate.open().await;

    // A view in the table's place, that takes its time.
    test.sql(
        "ALTER TABLE user_pools RENAME TO the_pools;
         CREATE VIEW user_pools AS SELECT p.* FROM the_pools p, pg_sleep(20)",
    )
    .await
    .expect("a slow table");
    let looked = in_time(pools::get(&db, &key.user_pool_id)).await;
    let refused = looked.expect_err("a slow statement");
    let why = std::error::Error::source(&refused).expect("a source");
    assert!(why.to_string().contains("statement timeout"), "{why}");
    assert!(is_told_so(async { Err::<(), _>(refused) }).await);
    drop(all_connections(&db, CONNECTIONS).await);
}

#[tokio::test]
async fn a_transaction_that_stands_still_is_ended_by_the_database() {
    let test = TestMuster::new();
    let db = impatient(test.database_url());
    let mut watcher = Watcher::new(test.database_url()).await;
    let mut still = db.begin("still").await.expect("a transaction");
    watcher.until(1, "state = 'idle in transaction'").await;
    watcher.until(0, "state = 'idle in transaction'").await;
    assert!(is_told_so(still.wake(Wake::Started)).await);
    drop(still);
    drop(all_connections(&db, CONNECTIONS).await);
}

#[tokio::test]
async fn when_all_connections_are_taken_a_call_waits_no_longer_than_is_set() {
    let test = TestMuster::new();
    let db = Database::open(&DatabaseSettings {
        // Transactions may stand still for longer than this takes.
        lock_timeout: Duration::from_secs(30),
        acquire_timeout: Duration::from_millis(200),
        ..settings(test.database_url())
    })
    .expect("a database");
    let held = all_connections(&db, CONNECTIONS).await;
    assert!(is_told_so(db.begin("one more")).await);
    assert!(is_told_so(db.ping()).await);
    drop(held);
    drop(all_connections(&db, CONNECTIONS).await);
}

#[tokio::test]
async fn a_call_on_a_connection_that_went_silent_ends_and_takes_no_place_in_the_pool() {
    let test = TestMuster::new();
    let wire = Wire::new(test.database_url());
    let db = impatient(wire.url());
    let mut held = all_connections(&db, CONNECTIONS).await;
    wire.fall_silent();
    let mut woken = held.pop().expect("a transaction");
    let committed = held.pop().expect("a transaction");
    let rolled_back = held.pop().expect("a transaction");
    let (woken, committed, (), ()) = in_time(async {
        tokio::join!(
            is_told_so(woken.wake(Wake::Started)),
            is_told_so(committed.commit()),
            rolled_back.rollback(),
            async { drop(held) },
        )
    })
    .await;
    assert!(woken && committed);
    // As long as the way is broken, whoever asks is told so.
    let told = tokio::join!(
        is_told_so(db.ping()),
        is_told_so(db.begin("silent")),
        is_told_so(db.listen())
    );
    assert_eq!(told, (true, true, true));
    wire.mend();
    drop(all_connections(&db, CONNECTIONS).await);
}

#[tokio::test]
async fn connections_that_died_idle_cost_no_call() {
    let test = TestMuster::new();
    let wire = Wire::new(test.database_url());
    let db = impatient(wire.url());
    let mut watcher = Watcher::new(test.database_url()).await;
    for break_it in [Wire::fall_silent, Wire::cut] {
        drop(all_connections(&db, CONNECTIONS).await);
        watcher.until(0, "state <> 'idle'").await;
        let before = wire.accepted();
        break_it(&wire);
        wire.mend();
        for _ in 0..CONNECTIONS {
            in_time(db.ping()).await.expect("another connection");
        }
        assert!(wire.accepted() > before);
    }
}

#[tokio::test]
async fn what_the_database_forgets_with_a_transaction_it_is_told_again() {
    let test = TestMuster::new();
    let pool = UserPoolId::parse(&test.pool().await).expect("an id");
    let second = Duration::from_secs(1);
    let db = Database::open(&DatabaseSettings {
        max_connections: 1,
        statement_timeout: 20 * second,
        ..settings(test.database_url())
    })
    .expect("a database");
    // Pools are to be seen only by who may take as long as usual.
    test.sql(
        "ALTER TABLE user_pools RENAME TO the_pools;
         CREATE VIEW user_pools AS SELECT * FROM the_pools
             WHERE current_setting('statement_timeout') = '20s'",
    )
    .await
    .expect("a view");
    for dropped in [false, true] {
        let soon = tokio::time::Instant::now() + 5 * second;
        let hurried = deadline::scope(soon, pools::get(&db, &pool)).await;
        assert_eq!(hurried.expect("a look"), None);
        let tx = db.begin("undone").await.expect("a transaction");
        if dropped {
            drop(tx);
        } else {
            tx.rollback().await;
        }
        let seen = pools::get(&db, &pool).await.expect("a look");
        assert!(seen.is_some(), "dropped: {dropped}");
    }
}

#[tokio::test]
async fn calls_work_again_when_a_database_that_refused_them_is_back() {
    let test = TestMuster::new();
    let wire = Wire::new(test.database_url());
    let db = impatient(wire.url());
    db.ping().await.expect("a database");
    wire.cut();
    for _ in 0..10 {
        assert!(is_told_so(db.ping()).await);
        assert!(is_told_so(db.begin("cut")).await);
    }
    wire.mend();
    in_time(db.ping()).await.expect("a database");
    drop(all_connections(&db, CONNECTIONS).await);
}

#[tokio::test]
async fn a_transaction_that_is_dropped_at_any_point_leaves_none_open() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let job = test.uploaded(&pool, users_csv(["ann"])).await;
    let key = job.key();
    let db = impatient(test.database_url());
    let mut watcher = Watcher::new(test.database_url()).await;
    let (mut cut_off, mut done) = (0, 0);
    // Cut off at each point once and again: how often a call has to wait for its
    // answer is the machine's to say.
    for polls in (1..=20).cycle() {
        // Several at once, so that connections change hands.
        for _ in 0..3 {
            let whole = async {
                let mut tx = db.begin("dropped").await?;
                jobs::lock(&mut tx, &key.user_pool_id, key.job_id).await?;
                tx.wake(Wake::Started).await?;
                tx.commit().await
            };
            match in_time(cut_off_at(polls, whole)).await {
                Some(ended) => {
                    ended.expect("a transaction");
                    done += 1;
                }
                None => cut_off += 1,
            }
            // What comes next on the connection has its own answer.
            let next = in_time(jobs::get(&db, &key.user_pool_id, key.job_id)).await;
            assert_eq!(next.expect("a look").expect("the job").job_id, key.job_id);
        }
        if done >= 30 && cut_off > 10 {
            break;
        }
    }
    watcher.until(0, "state <> 'idle'").await;
    drop(all_connections(&db, CONNECTIONS).await);
    let sessions = watcher.sessions("backend_type = 'client backend'").await;
    assert!(
        sessions <= i64::from(CONNECTIONS) + 8,
        "{sessions} sessions"
    );
}
