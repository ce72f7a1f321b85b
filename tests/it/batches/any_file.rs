//! Random files against a model that takes one row after the other.

use std::time::Duration;

use muster::domain::pool::{AttributeDataType, CustomAttribute};
use muster::domain::rejection::RejectionCode as C;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::file::{Case, File, Pool, Row, case};
use super::{Left, import_with, left, model};
use crate::support::imports::{counted, work};
use crate::support::muster::TestMuster;

/// A pool of a case.
async fn pool(test: &TestMuster, pool: &Pool) -> String {
    let words = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
    test.pool_with(|p| {
        p.auto_verified_attributes = words(&["email", "phone_number"]);
        p.alias_attributes = words(&pool.aliases);
        p.username_attributes = words(&pool.usernames);
        p.case_sensitive = pool.case_sensitive;
        p.custom_attributes = vec![CustomAttribute {
            name: "note".to_owned(),
            data_type: AttributeDataType::String,
            minimum: None,
            maximum: None,
            required: false,
        }];
    })
    .await
}

/// Imports the files of a case, and answers what each left behind.
async fn engine(test: &TestMuster, case: &Case) -> Vec<Left> {
    let pool = pool(test, &case.pool).await;
    let mut all = Vec::new();
    for file in &case.files {
        let import = import_with(test, &pool, file.csv().0, |s| {
            s.lanes = file.lanes;
            s.batch_rows = file.batch_rows;
            s.batch_bytes = file.batch_bytes;
        });
        let mut left = import.await;
        left.users.sort_by(|a, b| a.username.cmp(&b.username));
        all.push(left);
    }
    all
}

/// Imports the files of a case as jobs that wait for one worker. Answers what the
/// last left behind, and counters and reports of the others.
async fn engine_of_waiting_jobs(test: &TestMuster, case: &Case) -> Vec<Left> {
    let pool = pool(test, &case.pool).await;
    let mut jobs = Vec::new();
    for file in &case.files {
        let job = test
            .create_with(&pool, |j| j.max_rejected_percent = Some(100))
            .await
            .expect("a job");
        test.upload(&job, file.csv().0).await.expect("an upload");
        test.start(&job).await.expect("a start");
        test.clock.advance(Duration::from_secs(1));
        jobs.push(job);
    }
    let scheduler = test.scheduler_with(|s| {
        s.lanes = 1;
        s.max_jobs = 1;
    });
    work(&scheduler).await;
    let mut all = Vec::new();
    for job in &jobs {
        let mut left = left(test, job).await;
        left.users.sort_by(|a, b| a.username.cmp(&b.username));
        all.push(left);
    }
    users_of_the_last_alone(&mut all);
    all
}

fn users_of_the_last_alone(all: &mut [Left]) {
    if let Some((_, others)) = all.split_last_mut() {
        others.iter_mut().for_each(|left| left.users.clear());
    }
}

/// As many as fit into some seconds, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 120;

#[test]
fn any_file_ends_as_if_it_were_taken_row_by_row() {
    hold(case(), async |test, case| {
        (engine(test, case).await, model::left(case))
    });
}

#[test]
fn files_that_wait_for_one_worker_end_as_if_they_were_taken_row_by_row() {
    hold(case(), async |test, case| {
        let mut right = model::left(case);
        users_of_the_last_alone(&mut right);
        (engine_of_waiting_jobs(test, case).await, right)
    });
}

/// Tries cases, of which each must come to what is right.
fn hold(
    cases: impl Strategy<Value = Case>,
    found_and_right: impl AsyncFn(&TestMuster, &Case) -> (Vec<Left>, Vec<Left>),
) {
    let runtime = Runtime::new().expect("a runtime");
    let test = runtime.block_on(async { TestMuster::new() });
    let mut config = Config {
        failure_persistence: None,
        max_shrink_iters: 500,
        max_shrink_time: 60_000,
        ..Config::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = CASES;
    }
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(Uuid::new_v4().as_u64_pair().0);
    }
    let seed = config.rng_seed;
    let mut runner = TestRunner::new(config);
    let result = runner.run(&cases, |case| {
        let (found, right) = runtime.block_on(found_and_right(&test, &case));
        prop_assert_eq!(found, right);
        Ok(())
    });
    runtime.block_on(test.db.close());
    match result {
        Ok(()) => {}
        Err(TestError::Fail(why, case)) => {
            panic!("PROPTEST_RNG_SEED={seed} finds this again: {why}\n{case:#?}")
        }
        Err(error) => panic!("PROPTEST_RNG_SEED={seed}: {error}"),
    }
}

/// A row with an address that is verified.
fn row(username: &str, email: &str) -> Row {
    let mut values = vec![username, email, "true"];
    values.resize(super::file::COLUMNS.len(), "");
    Row {
        values: values.into_iter().map(str::to_owned).collect(),
        quoted: false,
        blanks: 0,
    }
}

fn file(rows: Vec<Row>, lanes: u16, batch_rows: usize) -> File {
    File {
        rows,
        crlf: false,
        lanes,
        batch_rows,
        batch_bytes: 1 << 20,
    }
}

async fn check(pool: Pool, files: Vec<File>) -> Vec<Left> {
    let test = TestMuster::new();
    let case = Case { pool, files };
    let found = engine(&test, &case).await;
    assert_eq!(found, model::left(&case));
    found
}

fn with_alias() -> Pool {
    Pool {
        aliases: vec!["email"],
        ..Pool::default()
    }
}

// Cases that the engine got wrong when it was broken on purpose.

#[tokio::test]
async fn rows_collide_then_none_does_for_long_and_then_they_collide_again() {
    let there = || ["ann", "bob", "ann"].map(|name| row(name, "a@example.com"));
    let new = (0..40).map(|n| row(&format!("new-{n}"), "n@example.com"));
    let rows = there().into_iter().chain(new).chain(there()).collect();
    let first = file(there().into(), 1, 64);
    let left = check(Pool::default(), vec![first, file(rows, 1, 2)]).await;
    assert_eq!(left[1].counters, counted(40, 6, 0));
}

#[tokio::test]
async fn the_first_of_rows_that_differ_in_case_wins_on_every_lane() {
    let names = ["zoë", "ZOË", "ann", "Ann", "жанна", "ЖАННА", "bob", "bOB"];
    let rows: Vec<_> = names.map(|name| row(name, "a@example.com")).into();
    for (case_sensitive, imported) in [(false, 4), (true, 8)] {
        let pool = Pool {
            case_sensitive,
            ..Pool::default()
        };
        let left = check(pool, vec![file(rows.clone(), 4, 64)]).await;
        assert_eq!(left[0].counters.imported, imported);
    }
}

#[tokio::test]
async fn an_alias_that_a_rejected_row_wanted_is_free_for_a_later_one() {
    let rows = vec![
        row("ann", "a@example.com"),
        row("Ann", "b@example.com"),
        row("bob", "b@example.com"),
    ];
    let left = check(with_alias(), vec![file(rows, 1, 64)]).await;
    assert_eq!(left[0].rejections[0].code, C::DuplicateInFile);
    assert_eq!(left[0].counters, counted(2, 1, 0));
}

#[tokio::test]
async fn the_first_of_two_usernames_that_want_one_alias_gets_it() {
    let rows = vec![row("zoë", "a@example.com"), row("ann", "A@example.com")];
    let left = check(with_alias(), vec![file(rows, 4, 64)]).await;
    assert_eq!(left[0].users[0].username, "zoë");
    assert_eq!(left[0].counters, counted(1, 0, 1));
}

#[tokio::test]
async fn a_row_that_breaks_a_rule_is_no_obstacle_to_a_later_one() {
    let rows = vec![
        row("ann", "nonsense"),
        row("ANN", "a@example.com"),
        row("ann", "b@example.com"),
    ];
    let left = check(Pool::default(), vec![file(rows, 3, 1)]).await;
    assert_eq!(left[0].rejections[1].detail, Some(3));
    assert_eq!(left[0].counters, counted(1, 1, 1));
}

#[tokio::test]
async fn an_alias_of_another_user_is_told_before_a_username_that_is_there() {
    let rows = vec![
        row("ann", "a@example.com"),
        row("bob", "b@example.com"),
        row("bob", "a@example.com"),
    ];
    let left = check(with_alias(), vec![file(rows, 1, 64)]).await;
    assert_eq!(left[0].rejections[0].code, C::AliasAlreadyExists);
}

#[tokio::test]
async fn every_row_keeps_its_own_values_when_its_batch_is_sorted() {
    let mut rows = vec![row("zoë", "z@example.com"), row("ann", "a@example.com")];
    for (row, note) in rows.iter_mut().zip(["the last", "the first"]) {
        note.clone_into(&mut row.values[8]);
    }
    let left = check(Pool::default(), vec![file(rows, 1, 64)]).await;
    assert_eq!(left[0].users[0].attributes["custom:note"], "the first");
}
