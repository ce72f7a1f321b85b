//! Small jobs of one pool, imported by one transaction; and what is done when
//! that cannot be.

use muster::domain::job::{Counters, JobStatus as S, SUCCEEDED_MESSAGE, TOO_MANY_REJECTED_MESSAGE};
use muster::domain::rejection::RejectionCode as C;
use muster::scheduler::Scheduler;

use super::{at, report};
use crate::support::imports::{TestJob, counted, users_csv, work};
use crate::support::muster::TestMuster;

/// A scheduler that imports one job at a time, over one connection.
fn scheduler(test: &TestMuster) -> Scheduler {
    test.scheduler_with(|s| {
        s.lanes = 1;
        s.max_jobs = 1;
    })
}

/// Jobs of a pool that are PENDING, in this order.
async fn started<C: Into<String>>(
    test: &TestMuster,
    pool: &str,
    files: impl IntoIterator<Item = C>,
) -> Vec<TestJob> {
    let mut jobs = Vec::new();
    for file in files {
        jobs.push(test.started(pool, file.into()).await);
        test.clock.advance(std::time::Duration::from_secs(1));
    }
    jobs
}

/// How many transactions made the users and the ends of the jobs.
async fn transactions(test: &TestMuster) -> i64 {
    sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT xmin::text FROM users
             UNION SELECT xmin::text FROM user_import_jobs) t",
    )
    .fetch_one(&mut test.connection().await)
    .await
    .expect("a count")
}

async fn counters(test: &TestMuster, jobs: &[TestJob]) -> Vec<(S, Counters)> {
    let mut all = Vec::new();
    for job in jobs {
        let job = test.describe(job).await;
        all.push((job.status, job.counters));
    }
    all
}

#[tokio::test]
async fn small_jobs_of_a_pool_are_imported_together() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let mut first = users_csv(["dave", "ann", "DAVE", "eve"]);
    first.push_str("frank,nonsense,true\n");
    let files = [
        first,
        users_csv(["carol", "bob"]),
        users_csv([] as [&str; 0]),
    ];
    let jobs = started(&test, &pool, files.clone()).await;

    let scheduler = scheduler(&test);
    assert_eq!(scheduler.dispatch_tick().await.expect("a dispatch"), 3);
    let begun = scheduler.import_tick().await.expect("claims");
    assert_eq!(begun.len(), 1, "they count as one");
    for import in begun {
        import.await.expect("an import");
    }
    assert_eq!(
        counters(&test, &jobs).await,
        [counted(3, 1, 1), counted(2, 0, 0), counted(0, 0, 0)].map(|c| (S::Succeeded, c))
    );
    assert_eq!(transactions(&test).await, 1);
    assert_eq!(test.rows("import_lanes").await, 0);
    for (job, file) in jobs.iter().zip(&files) {
        let ended = test.describe(job).await;
        assert_eq!(ended.completion_message.as_deref(), Some(SUCCEEDED_MESSAGE));
        assert_eq!(ended.processed_bytes, file.len() as u64);
        assert_eq!(ended.total_rows, Some(ended.counters.total()));
    }
    let ended = test.describe(&jobs[0]).await;
    assert_eq!(
        report(&test, &ended).await,
        [
            at(4, C::DuplicateInFile, "cognito:username"),
            at(6, C::InvalidEmail, "email")
        ]
    );
    // Each user has its own line and job.
    let users = test.users(&pool).await;
    let mut users: Vec<_> = users
        .iter()
        .map(|u| (&*u.username, u.import_line, u.import_job_id))
        .collect();
    users.sort_unstable();
    let (one, two) = (jobs[0].job_id(), jobs[1].job_id());
    assert_eq!(
        users,
        [
            ("ann", 3, one),
            ("bob", 3, two),
            ("carol", 2, two),
            ("dave", 2, one),
            ("eve", 5, one)
        ]
    );
}

#[tokio::test]
async fn each_ends_as_its_own_rows_have_it() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let bad = "cognito:username,email,email_verified\nbob,nonsense,true\n";
    let files = [users_csv(["ann"]), bad.to_owned(), users_csv(["carol"])];
    let jobs = started(&test, &pool, files).await;
    work(&scheduler(&test)).await;
    assert_eq!(
        counters(&test, &jobs).await,
        [
            (S::Succeeded, counted(1, 0, 0)),
            (S::Failed, counted(0, 0, 1)),
            (S::Succeeded, counted(1, 0, 0))
        ]
    );
    let failed = test.describe(&jobs[1]).await;
    let message = failed.completion_message.as_deref();
    assert_eq!(message, Some(TOO_MANY_REJECTED_MESSAGE));
    assert_eq!(transactions(&test).await, 1);
}

#[tokio::test]
async fn a_username_of_two_jobs_is_the_older_ones() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let files = [["ann", "bob"], ["BOB", "carol"], ["dave", "eve"]].map(users_csv);
    let jobs = started(&test, &pool, files).await;
    let scheduler = scheduler(&test);
    assert_eq!(scheduler.dispatch_tick().await.expect("a dispatch"), 3);
    for import in scheduler.import_tick().await.expect("claims") {
        import.await.expect("an import");
    }
    // The oldest had its turn, and nobody holds on to the others.
    let statuses = counters(&test, &jobs).await;
    let statuses: Vec<_> = statuses.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [S::Succeeded, S::InProgress, S::InProgress]);
    let held: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM import_lanes WHERE lease_token IS NOT NULL OR fruitless_claims > 0",
    )
    .fetch_one(&mut test.connection().await)
    .await
    .expect("a count");
    assert_eq!(held, 0);

    work(&scheduler).await;
    assert_eq!(
        counters(&test, &jobs).await,
        [counted(2, 0, 0), counted(1, 1, 0), counted(2, 0, 0)].map(|c| (S::Succeeded, c))
    );
    let ended = test.describe(&jobs[1]).await;
    let skipped = [at(2, C::UserAlreadyExists, "cognito:username")];
    assert_eq!(report(&test, &ended).await, skipped);
}

#[tokio::test]
async fn a_user_who_is_there_is_skipped_and_for_a_while_none_is_tried_together() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let scheduler = scheduler(&test);
    let twice = || ["ann", "bob"].map(|name| users_csv([name]));
    started(&test, &pool, twice()).await;
    work(&scheduler).await;
    assert_eq!(transactions(&test).await, 1);
    let again = started(&test, &pool, twice()).await;
    work(&scheduler).await;
    assert_eq!(
        counters(&test, &again).await,
        [(S::Failed, counted(0, 1, 0)); 2]
    );
    let before = transactions(&test).await;
    started(
        &test,
        &pool,
        ["carol", "dave"].map(|name| users_csv([name])),
    )
    .await;
    work(&scheduler).await;
    // A batch and an end each.
    assert_eq!(transactions(&test).await, before + 4);
}

#[tokio::test]
async fn a_file_that_cannot_be_imported_is_no_obstacle_to_the_others() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let many = (0..4).map(|n| format!("many-{n}"));
    let files = [users_csv(many), users_csv(["ann"]), users_csv(["bob"])];
    let jobs = started(&test, &pool, files).await;
    let scheduler = test.scheduler_with(|s| {
        s.lanes = 1;
        s.max_jobs = 1;
        s.max_rows = 3;
    });
    work(&scheduler).await;
    let one = (S::Succeeded, counted(1, 0, 0));
    let none = (S::Failed, counted(0, 0, 0));
    assert_eq!(counters(&test, &jobs).await, [none, one, one]);
    // That of the two, and that of the one.
    assert_eq!(transactions(&test).await, 2);
}

#[tokio::test]
async fn no_more_are_tried_together_than_a_batch_may_have_rows() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let names: Vec<_> = (0..6).map(|n| format!("user-{n}")).collect();
    let jobs = started(&test, &pool, names.chunks(2).map(users_csv)).await;
    let scheduler = test.scheduler_with(|s| {
        s.lanes = 1;
        s.max_jobs = 1;
        s.batch_rows = 5;
    });
    work(&scheduler).await;
    let two = (S::Succeeded, counted(2, 0, 0));
    assert_eq!(counters(&test, &jobs).await, [two; 3]);
    // Two of the jobs; the batch of the third, and its end.
    assert_eq!(transactions(&test).await, 3);
}

#[tokio::test]
async fn what_is_large_or_elsewhere_or_has_aliases_is_imported_by_itself() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let large = users_csv((0..=9_000).map(|n| format!("large-{n}")));
    assert!(large.len() > 300_000);
    let aliases = test
        .pool_with(|pool| pool.alias_attributes = vec!["email".to_owned()])
        .await;
    let elsewhere = test.pool().await;
    let mut jobs = started(&test, &pool, [users_csv(["bob"]), large]).await;
    jobs.extend(started(&test, &elsewhere, [users_csv(["bob"])]).await);
    jobs.extend(started(&test, &aliases, ["bob", "carol"].map(|n| users_csv([n]))).await);
    let scheduler = test.scheduler_with(|s| {
        s.lanes = 1;
        s.max_jobs = 5;
        s.batch_rows = 20_000;
    });
    assert_eq!(scheduler.dispatch_tick().await.expect("a dispatch"), 5);
    let begun = scheduler.import_tick().await.expect("claims");
    assert_eq!(begun.len(), 5);
    for import in begun {
        import.await.expect("an import");
    }
    work(&scheduler).await;
    let statuses: Vec<_> = counters(&test, &jobs).await;
    let one = (S::Succeeded, counted(1, 0, 0));
    assert_eq!(
        statuses,
        [one, (S::Succeeded, counted(9_001, 0, 0)), one, one, one]
    );
}

#[tokio::test]
async fn a_dispatch_takes_up_small_ones_with_an_older_small_one_of_their_pool_alone() {
    let test = TestMuster::with(|s| s.max_jobs_per_pool = 100);
    let (pool, other) = (test.pool().await, test.pool().await);
    let older = started(&test, &pool, ["ann"].map(|n| users_csv([n]))).await;
    let elsewhere = started(&test, &other, ["ann"].map(|n| users_csv([n]))).await;
    let names: Vec<_> = (0..20).map(|n| format!("user-{n}")).collect();
    let more = started(&test, &pool, names.iter().map(|n| users_csv([n]))).await;
    assert_eq!(scheduler(&test).dispatch_tick().await.expect("a tick"), 16);
    assert_eq!(test.status(&older[0]).await, S::InProgress);
    assert_eq!(test.status(&elsewhere[0]).await, S::Pending);
    for (n, job) in more.iter().enumerate() {
        let expected = if n < 15 { S::InProgress } else { S::Pending };
        assert_eq!(test.status(job).await, expected, "job {n}");
    }
    // A job of several lanes is imported by itself.
    let many = test.scheduler_with(|s| s.max_jobs = 1);
    assert_eq!(many.dispatch_tick().await.expect("a tick"), 1);
}
