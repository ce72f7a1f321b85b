//! Over how many connections a job is imported.

use std::sync::Arc;

use muster::domain::ids::SystemIds;
use muster::domain::job::JobStatus as S;
use muster::scheduler::{Scheduler, SchedulerSettings};

use crate::support::gate::Gate;
use crate::support::imports::{counted, scheduler_settings, users_csv, work};
use crate::support::muster::TestMuster;
use crate::support::watch::in_time;

/// How many lanes dispatch makes for a job over a file.
async fn lanes_of(test: &TestMuster, pool: &str, csv: &str) -> i64 {
    let job = test.started(pool, csv.to_owned()).await;
    let scheduler = Scheduler::new(
        test.db.clone(),
        test.objects.clone(),
        test.clock.clone(),
        Arc::new(SystemIds),
        SchedulerSettings {
            lanes: 3,
            lane_bytes: 1_000,
            ..scheduler_settings()
        },
    );
    assert_eq!(scheduler.dispatch_tick().await.expect("a dispatch"), 1);
    let lanes = test.rows("import_lanes").await;
    work(&scheduler).await;
    assert_eq!(test.status(&job).await, S::Succeeded);
    lanes
}

#[tokio::test]
async fn a_file_has_as_many_lanes_as_it_is_large_up_to_the_most() {
    let test = TestMuster::new();
    let mut csv = users_csv([] as [&str; 0]);
    let mut found = Vec::new();
    for (n, bytes) in [500, 1_500, 2_500, 9_000].into_iter().enumerate() {
        while csv.len() < bytes {
            let more = users_csv([&format!("user-{n}-{}", csv.len())[..]]);
            csv.push_str(more.split_once('\n').expect("a header").1);
        }
        assert!(csv.len() < bytes + 400);
        found.push(lanes_of(&test, &test.pool().await, &csv).await);
    }
    assert_eq!(found, [1, 2, 3, 3]);
    let aliases = test
        .pool_with(|pool| pool.alias_attributes = vec!["email".to_owned()])
        .await;
    assert_eq!(lanes_of(&test, &aliases, &csv).await, 1);
}

/// Which of two lanes a username goes to: FNV-1a, folded.
fn lane_of(name: &str) -> u64 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (hash ^ (hash >> 32)) % 2
}

#[tokio::test]
async fn a_lane_gets_what_there_is_for_it_while_the_reader_waits_for_another() {
    const BATCH: usize = 11;
    let test = TestMuster::new();
    let names: Vec<String> = (0..200).map(|n| format!("user-{n:04}")).collect();
    // Of the first user's lane one batch is being written and one is full: so
    // far the reader comes, and all that is the other lane's can be written.
    let stuck = lane_of(&names[0]);
    let of_stuck = (0..names.len()).filter(|n| lane_of(&names[*n]) == stuck);
    let read = of_stuck.clone().nth(2 * BATCH - 1).expect("two batches");
    let others = read + 1 - 2 * BATCH;
    assert_ne!(others % BATCH, 0, "its last batch is not full");

    let pool = test.pool().await;
    let job = test.started(&pool, users_csv(&names)).await;
    let first = "INSERT INTO users (user_pool_id, username_key, username, sub,
            user_create_date, import_job_id, import_line)
        SELECT user_pool_id, 'user-0000', 'user-0000', gen_random_uuid(), now(),
            gen_random_uuid(), 2 FROM user_pools";
    let mut gate = Gate::shut(&test, first).await;
    let scheduler = test.scheduler_with(|s| {
        s.lanes = 2;
        s.lane_bytes = 1;
        s.batch_rows = BATCH;
    });
    scheduler.dispatch_tick().await.expect("a dispatch");
    let begun = scheduler.import_tick().await.expect("a claim");
    gate.waiting(1).await;
    in_time(async {
        while test.describe(&job).await.counters.total() < others as u64 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(test.describe(&job).await.counters.total(), others as u64);
    gate.open().await;
    for import in begun {
        import.await.expect("an import that does not panic");
    }
    let ended = test.describe(&job).await;
    assert_eq!(ended.status, S::Succeeded);
    assert_eq!(ended.counters, counted(199, 1, 0));
}
