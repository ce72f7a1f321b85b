//! Every rule for one row, broken once each in one file.

use muster::domain::job::JobStatus;
use muster::domain::pool::{AttributeDataType, CustomAttribute};
use muster::domain::rejection::{Outcome, RejectionCode as C};
use muster::operations::pools::CreatePool;

use super::told;
use crate::support::imports::{users_csv, work};
use crate::support::muster::TestMuster;

const COLUMNS: [&str; 12] = [
    "cognito:username",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "name",
    "nickname",
    "birthdate",
    "updated_at",
    "custom:level",
    "cognito:mfa_enabled",
    "password_hash",
];

/// What no message may repeat.
const VALUE: &str = "zebra";

fn strict(pool: &mut CreatePool) {
    pool.alias_attributes = vec!["email".to_owned()];
    pool.required_attributes = vec!["email".to_owned()];
    pool.custom_attributes = vec![CustomAttribute {
        name: "level".to_owned(),
        data_type: AttributeDataType::Number,
        minimum: Some(1),
        maximum: Some(9),
        required: false,
    }];
}

/// A row that keeps all rules, but for what is changed in it.
fn row(username: &str, changes: &[(&str, &str)]) -> Vec<u8> {
    let fields: Vec<String> = COLUMNS
        .iter()
        .map(|column| match changes.iter().find(|(c, _)| c == column) {
            Some((_, value)) => (*value).to_owned(),
            None => match *column {
                "cognito:username" => username.to_owned(),
                "email" => format!("{username}@example.com"),
                "email_verified" => "true".to_owned(),
                "name" => VALUE.to_owned(),
                _ => String::new(),
            },
        })
        .collect();
    fields.join(",").into_bytes()
}

/// Code and column.
type Fault = (C, Option<&'static str>);

/// The rows of the file from line 2 on, each with what is wrong with it.
fn rows() -> Vec<(Vec<u8>, Option<Fault>)> {
    let of = |code, column, changes: &[(&str, &str)]| {
        let username = format!("{VALUE}-{}", changes[0].0.replace(':', "-"));
        (row(&username, changes), Some((code, Some(column))))
    };
    let long = VALUE.repeat(2048 / VALUE.len() + 1);
    let longer = VALUE.repeat(16_000 / VALUE.len() + 1);
    vec![
        (row("good", &[]), None),
        (
            b"zebra,zebra@example.com,true".to_vec(),
            Some((C::WrongFieldCount, None)),
        ),
        (
            [&row("zebra", &[])[..], b"\xFF"].concat(),
            Some((C::InvalidEncoding, None)),
        ),
        (
            row("zebra", &[("name", &longer)]),
            Some((C::RowTooLong, None)),
        ),
        of(
            C::MissingUsername,
            "cognito:username",
            &[("cognito:username", "")],
        ),
        of(
            C::InvalidUsername,
            "cognito:username",
            &[("cognito:username", "zebra zebra")],
        ),
        of(C::InvalidEmail, "email", &[("email", "zebra")]),
        of(
            C::InvalidPhoneNumber,
            "phone_number",
            &[("phone_number", "0049zebra")],
        ),
        of(
            C::InvalidBoolean,
            "email_verified",
            &[("email_verified", "zebra")],
        ),
        of(
            C::VerifiedWithoutValue,
            "phone_number_verified",
            &[("phone_number_verified", "true")],
        ),
        of(
            C::NoVerifiedAttribute,
            "email_verified",
            &[("email_verified", "false")],
        ),
        of(
            C::InvalidBirthdate,
            "birthdate",
            &[("birthdate", "02/30/2000")],
        ),
        of(C::InvalidUpdatedAt, "updated_at", &[("updated_at", "-1")]),
        of(C::AttributeTooLong, "nickname", &[("nickname", &long)]),
        of(
            C::MissingRequiredAttribute,
            "email",
            &[
                ("email", ""),
                ("email_verified", ""),
                ("phone_number", "+491701234567"),
                ("phone_number_verified", "true"),
            ],
        ),
        of(
            C::InvalidCustomAttribute,
            "custom:level",
            &[("custom:level", "10")],
        ),
        of(
            C::MfaNotAllowed,
            "cognito:mfa_enabled",
            &[("cognito:mfa_enabled", "true")],
        ),
        of(
            C::InvalidPasswordHash,
            "password_hash",
            &[("password_hash", "zebra")],
        ),
        of(
            C::PasswordHashTooCostly,
            "password_hash",
            &[("password_hash", &format!("$2b$13${}", "a".repeat(53)))],
        ),
        of(
            C::AliasAlreadyExists,
            "email",
            &[("email", "GOOD@example.com")],
        ),
        (
            row("THERE", &[("email", "zebra@example.com")]),
            Some((C::UserAlreadyExists, Some("cognito:username"))),
        ),
        (
            row("Good", &[("email", "other@example.com")]),
            Some((C::DuplicateInFile, Some("cognito:username"))),
        ),
        // No quote comes after it, so that it costs its own line only.
        (
            row("zebra", &[("name", "\"zebra")]),
            Some((C::UnterminatedQuote, None)),
        ),
        (row("last", &[]), None),
    ]
}

#[tokio::test]
async fn every_rule_is_reported_with_its_code_line_and_column() {
    let test = TestMuster::new();
    let pool = test
        .pool_with(|p| {
            strict(p);
            p.auto_verified_attributes.push("phone_number".to_owned());
        })
        .await;
    test.import(&pool, users_csv(["there"])).await;

    let mut file = COLUMNS.join(",").into_bytes();
    let mut expected = Vec::new();
    for (line, (row, fault)) in (2..).zip(rows()) {
        file.push(b'\n');
        file.extend(row);
        if let Some((code, column)) = fault {
            expected.push((line, code, column.map(str::to_owned)));
        }
    }
    let job = test
        .create_with(&pool, |j| j.max_rejected_percent = Some(100))
        .await
        .expect("a job");
    let received = test.upload(&job, file).await.expect("an upload");
    assert_eq!(received.rows, rows().len() as u64);
    test.start(&job).await.expect("a start");
    work(&test.scheduler()).await;

    let job = test.describe(&job).await;
    assert_eq!(job.status, JobStatus::Succeeded);
    let rejections = test.rejections(&job).await;
    for rejection in &rejections {
        let message = rejection.message();
        assert!(!message.contains(VALUE), "{message}");
        let details = [C::WrongFieldCount, C::DuplicateInFile];
        assert_eq!(
            rejection.detail.is_some(),
            details.contains(&rejection.code)
        );
    }
    let codes: Vec<C> = rejections.iter().map(|r| r.code).collect();
    for code in C::ALL {
        assert!(codes.contains(&code), "{code} is not in the file");
    }
    let skipped = codes.iter().filter(|c| c.outcome() == Outcome::Skipped);
    assert_eq!(job.counters.skipped, skipped.count() as u64);
    assert_eq!(job.counters.imported, 2);
    assert_eq!(job.counters.total(), received.rows);
    let reported: Vec<_> = rejections.into_iter().map(told).collect();
    assert_eq!(reported, expected);
    assert_eq!(test.usernames(&pool).await, ["good", "last", "there"]);
}

#[tokio::test]
async fn of_several_faults_in_a_row_the_first_of_the_contracts_order_is_reported() {
    let test = TestMuster::new();
    let pool = test.pool_with(strict).await;
    test.import(&pool, users_csv(["there"])).await;
    // Each row breaks the rule of the next one, too.
    let faults = [
        ("cognito:username", "no good", C::InvalidUsername),
        ("email", "no good", C::InvalidEmail),
        ("phone_number", "no good", C::InvalidPhoneNumber),
        ("email_verified", "no good", C::InvalidBoolean),
        ("birthdate", "no good", C::InvalidBirthdate),
        ("updated_at", "no good", C::InvalidUpdatedAt),
        ("custom:level", "no good", C::InvalidCustomAttribute),
        ("cognito:mfa_enabled", "true", C::MfaNotAllowed),
        ("password_hash", "no good", C::InvalidPasswordHash),
    ];
    let mut file = COLUMNS.join(",").into_bytes();
    for first in 0..faults.len() {
        let broken: Vec<_> = faults[first..].iter().map(|(c, v, _)| (*c, *v)).collect();
        file.push(b'\n');
        file.extend(row("there", &broken));
    }
    let job = test.import(&pool, file).await;
    let codes: Vec<C> = test.rejections(&job).await.iter().map(|r| r.code).collect();
    assert_eq!(codes, faults.map(|(_, _, code)| code));
}
