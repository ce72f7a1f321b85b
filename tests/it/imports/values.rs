//! What is kept of a row that is imported.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use muster::domain::clock::Clock as _;
use muster::domain::pool::{AttributeDataType, CustomAttribute};
use muster::domain::user::UserStatus;

use crate::support::imports::{counted, users_csv};
use crate::support::muster::{TestMuster, admin};

fn custom(name: &str, data_type: AttributeDataType) -> CustomAttribute {
    CustomAttribute {
        name: name.to_owned(),
        data_type,
        minimum: None,
        maximum: None,
        required: false,
    }
}

#[tokio::test]
async fn every_column_of_the_header_is_kept_under_its_name() {
    let test = TestMuster::new();
    let pool = test
        .pool_with(|p| {
            p.mfa_configuration = muster::domain::pool::MfaConfiguration::Optional;
            p.custom_attributes = vec![
                custom("badge", AttributeDataType::String),
                custom("level", AttributeDataType::Number),
                custom("staff", AttributeDataType::Boolean),
                custom("since", AttributeDataType::DateTime),
            ];
        })
        .await;
    let values: Vec<(&str, &str, &str)> = vec![
        // Column, as it stands in the file, as it is kept.
        ("cognito:username", "Ann.Example", ""),
        ("cognito:mfa_enabled", "TRUE", "true"),
        ("name", "\"Example, Ann\"", "Example, Ann"),
        ("given_name", "  Ann  ", "Ann"),
        ("family_name", "Example", "Example"),
        ("middle_name", "\"A \"\"B\"\" C\"", "A \"B\" C"),
        ("nickname", "Annie", "Annie"),
        ("preferred_username", "annie", "annie"),
        (
            "profile",
            "https://example.com/ann",
            "https://example.com/ann",
        ),
        (
            "picture",
            "https://example.com/ann.png",
            "https://example.com/ann.png",
        ),
        ("website", "https://example.org", "https://example.org"),
        ("email", "Ann@example.com", "Ann@example.com"),
        ("email_verified", "True", "true"),
        ("gender", "=SUM(A1)", "=SUM(A1)"),
        ("birthdate", "02/29/2000", "2000-02-29"),
        ("zoneinfo", "Europe/Berlin", "Europe/Berlin"),
        ("locale", "de_DE", "de_DE"),
        ("phone_number", "+4915100000001", "+4915100000001"),
        ("phone_number_verified", "false", "false"),
        (
            "address",
            "\"Hauptstraße 1\n12345 Ort\"",
            "Hauptstraße 1\n12345 Ort",
        ),
        ("updated_at", "1700000000", "1700000000"),
        ("custom:badge", r"a\,b", "a,b"),
        ("custom:level", "-7.5", "-7.5"),
        ("custom:staff", "false", "false"),
        (
            "custom:since",
            "2024-02-29T23:59:59Z",
            "2024-02-29T23:59:59Z",
        ),
    ];
    let names: BTreeSet<&str> = values.iter().map(|(name, ..)| *name).collect();
    let header = test.muster.csv_header(&admin(), &pool).await;
    let header = header.expect("a header");
    assert_eq!(names, header.iter().map(String::as_str).collect());

    let columns: Vec<&str> = values.iter().map(|(name, ..)| *name).collect();
    let fields: Vec<&str> = values.iter().map(|(_, value, _)| *value).collect();
    let csv = format!("{}\n{}\n", columns.join(","), fields.join(","));
    let job = test.import(&pool, csv).await;
    assert_eq!(job.counters, counted(1, 0, 0));

    let user = test
        .muster
        .describe_user(&admin(), &pool, "ann.example")
        .await
        .expect("the user");
    assert_eq!(user.username, "Ann.Example");
    let kept: BTreeMap<String, String> = values[1..]
        .iter()
        .map(|(name, _, kept)| ((*name).to_owned(), (*kept).to_owned()))
        .collect();
    assert_eq!(user.attributes, kept);
}

#[tokio::test]
async fn an_imported_user_is_enabled_without_password_and_knows_its_job_and_line() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    test.clock.advance(Duration::from_secs(3600));
    let job = test.import(&pool, users_csv(["ann", "bob"])).await;
    let users = test.users(&pool).await;
    let mut subs = BTreeSet::new();
    for (line, user) in (2..).zip(users) {
        assert_eq!(user.user_status, UserStatus::ResetRequired);
        assert!(user.enabled);
        assert_eq!(user.user_create_date, test.clock.now());
        assert_eq!(user.import_job_id, job.job_id);
        assert_eq!(user.import_line, line);
        assert_eq!(user.sub.get_version_num(), 4);
        assert!(subs.insert(user.sub), "a sub that is there twice");
    }
    assert_eq!(subs.len(), 2);
}

#[tokio::test]
async fn empty_and_absent_columns_leave_no_attribute() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let csv = "name,cognito:username,nickname,email,email_verified\n,ann,  ,ann@example.com,true\n";
    test.import(&pool, csv).await;
    let users = test.users(&pool).await;
    let names: Vec<&str> = users[0].attributes.keys().map(String::as_str).collect();
    assert_eq!(names, ["email", "email_verified"]);
}

#[tokio::test]
async fn lines_count_as_an_editor_counts_them() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    // A byte order mark, CRLF, blank lines, a row of three lines, no end.
    let csv = "\u{feff}cognito:username,email,email_verified,address\r\n\
               \r\n\
               ann,ann@example.com,true,\"one\r\ntwo\r\nthree\"\r\n\
               \r\n\
               bob,bob@example.com,true,\r\n\
               carol,nonsense,true,\r\n\
               dave,dave@example.com,true,";
    let job = test.import(&pool, csv).await;
    assert_eq!(job.counters, counted(3, 0, 1));
    let users = test.users(&pool).await;
    let lines: Vec<u64> = users.iter().map(|u| u.import_line).collect();
    assert_eq!(lines, [3, 7, 9], "ann, bob, dave");
    assert_eq!(test.rejections(&job).await[0].line, 8);
    assert_eq!(users[0].attributes["address"], "one\r\ntwo\r\nthree");
}
