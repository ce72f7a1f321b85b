//! What a job tells of itself on its way.

use futures_util::StreamExt as _;
use muster::domain::job::JobStatus as S;

use crate::support::gate::Gate;
use crate::support::imports::{RETAIN, counted, users_csv};
use crate::support::muster::{TestMuster, admin};

/// A row that waits for another session's user of that name.
const GATE: &str = "INSERT INTO users (user_pool_id, username_key, username, sub,
        user_create_date, import_job_id, import_line)
    SELECT user_pool_id, 'user-0250', 'user-0250', gen_random_uuid(), now(),
        gen_random_uuid(), 2 FROM user_pools";

fn users(numbers: std::ops::Range<usize>) -> String {
    users_csv(numbers.map(|n| format!("user-{n:04}")))
}

#[tokio::test]
async fn the_number_of_rows_is_known_from_the_upload_on_to_the_end_and_beyond() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let job = test.create(&pool).await;
    assert_eq!(test.describe(&job).await.total_rows, None);
    // Blank lines are no rows, a row may have several lines.
    let mut csv = users(0..6);
    csv.push_str("\n\"seven\",seven@example.com,true\n\n\"no\none\",nobody@example.com,true");
    let bytes = csv.len() as u64;
    test.upload(&job, csv).await.expect("an upload");

    let scheduler = test.scheduler();
    let told = async |status, done: (u64, u64)| {
        let now = test.describe(&job).await;
        assert_eq!((now.status, now.total_rows), (status, Some(8)));
        assert_eq!(now.total_bytes, Some(bytes));
        assert_eq!((now.counters.total(), now.processed_bytes), done);
    };
    told(S::Created, (0, 0)).await;
    test.start(&job).await.expect("a start");
    told(S::Pending, (0, 0)).await;
    scheduler.dispatch_tick().await.expect("a dispatch");
    told(S::InProgress, (0, 0)).await;
    for import in scheduler.import_tick().await.expect("a claim") {
        import.await.expect("an import that does not panic");
    }
    told(S::Succeeded, (8, bytes)).await;
    test.clock.advance(RETAIN);
    assert_eq!(scheduler.purge_tick().await.expect("a purge"), 1);
    told(S::Succeeded, (8, bytes)).await;
}

#[tokio::test]
async fn every_batch_moves_the_counters_and_the_bytes_for_all_who_look() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let job = test.started(&pool, users(0..500)).await;
    let mut changes = test
        .muster
        .watch_job(&admin(), &pool, &job.id)
        .await
        .expect("changes");
    let mut next = async || changes.next().await.map(|view| view.expect("the job").job);
    assert_eq!(next().await.expect("a job").status, S::Pending);

    let mut gate = Gate::shut(&test, GATE).await;
    let scheduler = test.scheduler_with(|s| s.lanes = 1);
    scheduler.dispatch_tick().await.expect("a dispatch");
    let begun = scheduler.import_tick().await.expect("a claim");
    // Two batches of a hundred are written, the third is being written.
    gate.waiting(1).await;
    let now = test.describe(&job).await;
    assert_eq!(now.status, S::InProgress);
    assert_eq!(now.counters, counted(200, 0, 0));
    assert_eq!(now.processed_bytes, users(0..200).len() as u64);
    assert_eq!(next().await, Some(now));
    gate.open().await;
    for import in begun {
        import.await.expect("an import that does not panic");
    }
    let ended = test.describe(&job).await;
    assert_eq!(ended.status, S::Succeeded);
    assert_eq!(ended.counters, counted(499, 1, 0));
    assert_eq!(next().await, Some(ended));
    assert_eq!(next().await, None);
}
