//! Over how many connections a job is imported.

use std::sync::Arc;

use muster::domain::ids::SystemIds;
use muster::domain::job::JobStatus as S;
use muster::scheduler::{Scheduler, SchedulerSettings};

use crate::support::imports::{scheduler_settings, users_csv, work};
use crate::support::muster::TestMuster;

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
