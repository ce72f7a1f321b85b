//! A batch boundary at every row of a small file.

use super::{Left, import, plant_users};
use crate::support::imports::counted;
use crate::support::muster::TestMuster;

/// Duplicates near and far, rows that break rules, users that are there
/// already, rows of several lines, blank lines.
const FILE: &str = "cognito:username,email,email_verified,phone_number,phone_number_verified,address\n\
    ann,ann@example.com,true,,,\n\
    bob,bob@example.com,true,,,\n\
    ANN,ann2@example.com,true,,,\n\
    carol,nonsense,true,,,\n\
    there-1,t1@example.com,true,,,\n\
    dave,dave@example.com,true,,,\"one\ntwo\nthree\"\n\
    erin,erin@example.com,false,,,\n\
    \n\
    frank,,,+4915100000001,true,\n\
    dave,dave2@example.com,true,,,\"four\nfive\"\n\
    too,few\n\
    grace,BOB@example.com,true,,,\n\
    heidi,heidi@example.com,true,,,\"with, comma\"\n\
    There-2,t2@example.com,true,,,\n\
    ivan,ivan@example.com,true,0123,,\n\
    judy,judy@example.com,true,,,\n\
    judy,judy@example.com,true,,,\n\
    Judy,judy@example.com,true,,,\n\
    \n\
    \n\
    ken,ken@example.com,true,+4915100000001,true,\n\
    lea,lea@example.com,true,,,\n\
    bob,bob3@example.com,true,,,\n\
    there-1,again@example.com,true,,,\n\
    mia,mia@example.com,maybe,,,\n\
    zoe,zoe@example.com,true,,,\"six\n\
    seven\"";
const ROWS: usize = 23;

async fn pool(test: &TestMuster, aliases: &[&str]) -> String {
    let pool = test
        .pool_with(|p| {
            p.auto_verified_attributes = ["email", "phone_number"].map(str::to_owned).into();
            p.alias_attributes = aliases.iter().map(|a| (*a).to_owned()).collect();
        })
        .await;
    let there = ["there-1", "there-2"].map(|name| (name.to_owned(), None));
    plant_users(test, &pool, &there).await;
    pool
}

async fn the_same_at_every_boundary(aliases: &[&str], lanes: u16) -> Left {
    let test = TestMuster::new();
    let whole = import(&test, &pool(&test, aliases).await, FILE, 1_000, 1).await;
    assert_eq!(whole.counters.total(), ROWS as u64);
    // One more than there are rows: the end of the file alone makes a batch.
    for rows in 1..=ROWS + 1 {
        let found = import(&test, &pool(&test, aliases).await, FILE, rows, lanes).await;
        assert_eq!(found, whole, "batches of {rows} rows, {lanes} lanes");
    }
    whole
}

#[tokio::test]
async fn one_lane_leaves_the_same_whatever_its_batches() {
    let left = the_same_at_every_boundary(&[], 1).await;
    assert_eq!(left.counters, counted(10, 8, 5));
}

#[tokio::test]
async fn two_lanes_leave_the_same_whatever_their_batches() {
    the_same_at_every_boundary(&[], 2).await;
}

#[tokio::test]
async fn three_lanes_leave_the_same_whatever_their_batches() {
    the_same_at_every_boundary(&[], 3).await;
}

#[tokio::test]
async fn a_pool_with_aliases_leaves_the_same_whatever_its_batches() {
    let left = the_same_at_every_boundary(&["email", "phone_number"], 3).await;
    // Two of the rows want an alias of another user.
    assert_eq!(left.counters, counted(8, 8, 7));
}

#[tokio::test]
async fn batches_that_are_cut_by_their_bytes_leave_the_same() {
    let test = TestMuster::new();
    let whole = import(&test, &pool(&test, &[]).await, FILE, 1_000, 2).await;
    for bytes in [1, 100, 300] {
        let pool = pool(&test, &[]).await;
        let job = test
            .create_with(&pool, |j| j.max_rejected_percent = Some(100))
            .await
            .expect("a job");
        test.upload(&job, FILE).await.expect("an upload");
        test.start(&job).await.expect("a start");
        let scheduler = test.scheduler_with(|s| s.batch_bytes = bytes);
        crate::support::imports::work(&scheduler).await;
        assert_eq!(super::left(&test, &job).await, whole, "{bytes} bytes");
    }
}

/// Many of one span go together, and a few by themselves.
#[tokio::test]
async fn many_rejections_at_once_leave_the_same_as_a_few_at_a_time() {
    let test = TestMuster::new();
    let (header, rows) = FILE.split_once('\n').expect("a header");
    // With a line break at its end, each row of it is one.
    let csv = format!("{header}\n{}", format!("{rows}\n").repeat(60));
    let at_once = import(&test, &pool(&test, &[]).await, &csv, 50_000, 1).await;
    assert!(at_once.rejections.len() > 1_000);
    let by_and_by = import(&test, &pool(&test, &[]).await, &csv, 100, 1).await;
    assert_eq!(at_once, by_and_by);
}
