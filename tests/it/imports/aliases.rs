//! Pools in which an e-mail address, a phone number or a preferred username
//! names one user only.

use muster::domain::rejection::RejectionCode as C;

use super::{at, report};
use crate::support::imports::{counted, users_csv};
use crate::support::muster::TestMuster;

const HEADER: &str =
    "cognito:username,email,email_verified,phone_number,phone_number_verified,preferred_username\n";

async fn pool(test: &TestMuster, aliases: &[&str]) -> String {
    pool_with(test, aliases, false).await
}

async fn pool_with(test: &TestMuster, aliases: &[&str], case_sensitive: bool) -> String {
    test.pool_with(|p| {
        p.auto_verified_attributes = ["email", "phone_number"].map(str::to_owned).into();
        p.alias_attributes = aliases.iter().map(|a| (*a).to_owned()).collect();
        p.case_sensitive = case_sensitive;
    })
    .await
}

fn file(rows: &[&str]) -> String {
    let mut csv = HEADER.to_owned();
    for row in rows {
        csv.push_str(row);
        csv.push('\n');
    }
    csv
}

#[tokio::test]
async fn a_verified_email_address_names_one_user_in_whatever_case() {
    let test = TestMuster::new();
    let pool = pool(&test, &["email"]).await;
    let csv = file(&[
        "ann,one@example.com,true,+4915100000001,true,",
        "bob,ONE@Example.com,true,+4915100000001,true,",
        "carol,two@example.com,true,+4915100000001,true,",
    ]);
    let job = test.import(&pool, csv).await;
    assert_eq!(job.counters, counted(2, 0, 1));
    assert_eq!(
        report(&test, &job).await,
        [at(3, C::AliasAlreadyExists, "email")]
    );
}

#[tokio::test]
async fn a_value_that_is_not_verified_is_no_alias() {
    let test = TestMuster::new();
    let pool = pool(&test, &["email", "phone_number"]).await;
    let csv = file(&[
        "ann,one@example.com,false,+4915100000001,true,",
        "bob,one@example.com,,+4915100000002,true,",
        "carol,one@example.com,true,+4915100000001,false,",
        "dave,one@example.com,true,,,",
    ]);
    let job = test.import(&pool, csv).await;
    assert_eq!(
        report(&test, &job).await,
        [at(5, C::AliasAlreadyExists, "email")]
    );
}

#[tokio::test]
async fn phone_numbers_and_preferred_usernames_are_aliases_too() {
    let test = TestMuster::new();
    let pool = pool(&test, &["phone_number", "preferred_username"]).await;
    let csv = file(&[
        "ann,same@example.com,true,+4915100000001,true,Annie",
        "bob,same@example.com,true,+4915100000001,true,Bobby",
        "carol,same@example.com,true,+4915100000003,true,ANNIE",
        "dave,same@example.com,true,+4915100000001,true,annie",
        // The names of others are free as long as they are no aliases.
        "erin,same@example.com,true,+4915100000005,true,ann",
    ]);
    let job = test.import(&pool, csv).await;
    assert_eq!(
        report(&test, &job).await,
        [
            at(3, C::AliasAlreadyExists, "phone_number"),
            at(4, C::AliasAlreadyExists, "preferred_username"),
            at(5, C::AliasAlreadyExists, "phone_number"),
        ]
    );
    assert_eq!(test.usernames(&pool).await, ["ann", "erin"]);
}

#[tokio::test]
async fn a_case_sensitive_pool_tells_aliases_apart_by_case() {
    let test = TestMuster::new();
    let pool = pool_with(&test, &["email", "preferred_username"], true).await;
    let csv = file(&[
        "ann,one@example.com,true,,,annie",
        "bob,One@example.com,true,,,Annie",
        "carol,one@example.com,true,,,ANNIE",
    ]);
    let job = test.import(&pool, csv).await;
    assert_eq!(
        report(&test, &job).await,
        [at(4, C::AliasAlreadyExists, "email")]
    );
}

#[tokio::test]
async fn an_alias_that_is_taken_counts_before_a_username_that_is_taken() {
    let test = TestMuster::new();
    let pool = pool(&test, &["email"]).await;
    let csv = file(&[
        "ann,ann@example.com,true,,,",
        "bob,bob@example.com,true,,,",
        // In the file: another's alias, its own alias, and no alias.
        "bob,ann@example.com,true,,,",
        "bob,bob@example.com,true,,,",
        "bob,new@example.com,true,,,",
    ]);
    let job = test.import(&pool, csv).await;
    assert_eq!(job.counters, counted(2, 2, 1));
    let username = "cognito:username";
    assert_eq!(
        report(&test, &job).await,
        [
            at(4, C::AliasAlreadyExists, "email"),
            at(5, C::DuplicateInFile, username),
            at(6, C::DuplicateInFile, username),
        ]
    );
    // And the same against the users of an earlier job.
    let csv = file(&[
        "bob,ann@example.com,true,,,",
        "bob,bob@example.com,true,,,",
        "carol,carol@example.com,true,,,",
    ]);
    let job = test.import(&pool, csv).await;
    assert_eq!(
        report(&test, &job).await,
        [
            at(2, C::AliasAlreadyExists, "email"),
            at(3, C::UserAlreadyExists, username),
        ]
    );
}

#[tokio::test]
async fn a_rejected_row_holds_neither_its_alias_nor_its_username() {
    let test = TestMuster::new();
    let pool = pool(&test, &["email", "phone_number"]).await;
    let csv = file(&[
        "ann,ann@example.com,true,,,",
        // Keeps bob from neither its username nor its phone number.
        "bob,ann@example.com,true,+4915100000002,true,",
        "bob,bob@example.com,true,+4915100000002,true,",
        "carol,carol@example.com,true,+4915100000002,true,",
    ]);
    let job = test.import(&pool, csv).await;
    assert_eq!(
        report(&test, &job).await,
        [
            at(3, C::AliasAlreadyExists, "email"),
            at(5, C::AliasAlreadyExists, "phone_number"),
        ]
    );
    assert_eq!(test.usernames(&pool).await, ["ann", "bob"]);
    assert_eq!(test.users(&pool).await[1].import_line, 4);
}

#[tokio::test]
async fn values_may_repeat_in_a_pool_without_aliases_and_in_another_pool() {
    let test = TestMuster::new();
    let csv = file(&[
        "ann,same@example.com,true,+4915100000001,true,annie",
        "bob,same@example.com,true,+4915100000001,true,annie",
    ]);
    let without = pool(&test, &[]).await;
    let job = test.import(&without, csv).await;
    assert_eq!(job.counters, counted(2, 0, 0));
    for _ in 0..2 {
        let with = pool(&test, &["email"]).await;
        let job = test.import(&with, users_csv(["ann"])).await;
        assert_eq!(job.counters, counted(1, 0, 0));
    }
}

#[tokio::test]
async fn a_pool_with_aliases_is_written_by_one_lane() {
    let test = TestMuster::new();
    let scheduler = test.scheduler_with(|s| s.lanes = 3);
    for (aliases, lanes) in [(&["email"][..], 1), (&[], 3)] {
        let pool = pool(&test, aliases).await;
        test.started(&pool, users_csv(["ann"])).await;
        assert_eq!(scheduler.dispatch_tick().await.expect("a tick"), 1);
        let count = format!("import_lanes WHERE user_pool_id = '{pool}'");
        assert_eq!(test.rows(&count).await, lanes);
    }
}
