//! The rules for one row, in the contract's order.

use super::job::{Job, job};
use crate::csv::fields::Fields;
use crate::csv::header::Header;
use crate::csv::row::RowRules;
use crate::csv::rows::{RowFault, RowSplitter};
use crate::domain::attribute::{StandardAttribute, VerifiableAttribute};
use crate::domain::pool::PoolSchema;
use crate::domain::rejection::RejectionCode as Code;
use crate::domain::rules::password_hash::PasswordHashingAlgorithm;

#[test]
fn a_row_with_a_fault_is_not_looked_into() {
    let columns = job().columns();
    for (fault, code) in [
        (RowFault::UnterminatedQuote, Code::UnterminatedQuote),
        (RowFault::TooLong, Code::RowTooLong),
    ] {
        let found = job().judge(&columns, b"\xFF", Some(fault)).unwrap_err();
        assert_eq!(found, (code, None));
    }
}

#[test]
fn fields_are_as_many_as_columns() {
    let columns = ["cognito:username", "email", "email_verified"].map(str::to_owned);
    let judge = |bytes: &[u8]| job().judge(&columns, bytes, None);
    assert!(judge(b"jane,j@x,true").is_ok());
    // Before the encoding, and before any value.
    for bytes in [&b"jane,j@x"[..], b"jane,j@x,true,", b"\xFF,", b"\0"] {
        assert_eq!(judge(bytes).unwrap_err(), (Code::WrongFieldCount, None));
    }
    let mut splitter = RowSplitter::new(99);
    splitter.push(b"cognito:username\na,b,c\n");
    let schema = PoolSchema::default();
    let header = Header::parse(splitter.next_row().as_ref(), &schema, None).unwrap();
    let rules = RowRules::new(&schema, &header, None);
    let row = splitter.next_row().unwrap();
    let found = rules.check(&row, &mut Fields::new()).unwrap_err();
    assert_eq!((found.line, found.detail), (2, Some(3)));
}

#[test]
fn rows_are_utf_8_without_nul() {
    let columns = ["cognito:username", "email", "email_verified"].map(str::to_owned);
    for bytes in [&b",\xFF,"[..], b"jane,j@x,true\0", b"jane\xC3,j@x,true"] {
        let found = job().judge(&columns, bytes, None).unwrap_err();
        assert_eq!(found, (Code::InvalidEncoding, None));
    }
}

#[test]
fn a_username_is_there_and_valid() {
    job().refuses(
        &[("cognito:username", "")],
        Code::MissingUsername,
        "cognito:username",
    );
    for bad in [" ", "a b", "a\tb", "a\nb", &"x".repeat(129)] {
        job().refuses(
            &[("cognito:username", bad)],
            Code::InvalidUsername,
            "cognito:username",
        );
    }
    let longest = "é".repeat(128);
    assert_eq!(
        job().accepts(&[("cognito:username", &longest)]).username,
        longest
    );
}

#[test]
fn a_username_may_have_to_be_an_address_or_a_number() {
    let kinds = |kinds: &[VerifiableAttribute]| {
        Job::new(|schema| schema.username_attributes = kinds.to_vec())
    };
    let (email, phone) = (VerifiableAttribute::Email, VerifiableAttribute::PhoneNumber);
    for (kinds_of_pool, username, good) in [
        (&[email][..], "x@y", true),
        (&[email], "+15551234", false),
        (&[email], "jane", false),
        (&[phone], "+15551234", true),
        (&[phone], "x@y", false),
        (&[email, phone], "x@y", true),
        (&[phone, email], "+15551234", true),
        (&[email, phone], "jane", false),
        (&[], "jane", true),
    ] {
        let found = kinds(kinds_of_pool).row(&[("cognito:username", username)]);
        let expected = (Code::InvalidUsername, Some("cognito:username".to_owned()));
        assert_eq!(found.err(), (!good).then_some(expected), "{username}");
    }
    // An address is longer than a username may be, but not here.
    let long = format!("{}@y", "x".repeat(127));
    kinds(&[email]).refuses(
        &[("cognito:username", &long)],
        Code::InvalidUsername,
        "cognito:username",
    );
}

#[test]
fn a_username_fills_the_attribute_that_it_is() {
    let by = |kind| Job::new(|schema| schema.username_attributes = vec![kind]);
    let by_email = by(VerifiableAttribute::Email);
    let user = by_email.accepts(&[("cognito:username", "X@y"), ("email", "")]);
    assert_eq!(user.text(StandardAttribute::Email), Some("X@y"));
    assert_eq!(user.text(StandardAttribute::PhoneNumber), None);
    let user = by_email.accepts(&[("cognito:username", "X@y"), ("email", "z@y")]);
    assert_eq!(user.text(StandardAttribute::Email), Some("z@y"));
    // A column that is there is judged all the same.
    let bad = [("cognito:username", "X@y"), ("email", "z")];
    by_email.refuses(&bad, Code::InvalidEmail, "email");
    // The file need not have the column.
    let columns = ["cognito:username", "email_verified"].map(str::to_owned);
    let user = by_email.judge(&columns, b"X@y,true", None).unwrap();
    assert_eq!(user.text(StandardAttribute::Email), Some("X@y"));
    let user = by(VerifiableAttribute::PhoneNumber).accepts(&[
        ("cognito:username", "+15551234"),
        ("phone_number_verified", "true"),
    ]);
    assert_eq!(user.text(StandardAttribute::PhoneNumber), Some("+15551234"));
    // What fills an attribute satisfies the pool that requires it.
    let mut required = by(VerifiableAttribute::Email);
    required.schema.required_attributes = vec![StandardAttribute::Email];
    required.accepts(&[("cognito:username", "X@y"), ("email", "")]);
    // In another pool nothing is filled in.
    let plain = [("cognito:username", "X@y"), ("email", "")];
    job().refuses(&plain, Code::VerifiedWithoutValue, "email_verified");
}

#[test]
fn contacts_are_valid() {
    job().refuses(&[("email", "jane")], Code::InvalidEmail, "email");
    let number = |value| [("phone_number", value)];
    job().refuses(
        &number("15551234"),
        Code::InvalidPhoneNumber,
        "phone_number",
    );
    let user = job().accepts(&number("+15551234"));
    assert_eq!(user.text(StandardAttribute::PhoneNumber), Some("+15551234"));
    assert_eq!(
        user.text(StandardAttribute::Email),
        Some("jane@example.com")
    );
}

#[test]
fn booleans_are_true_false_or_empty() {
    let job = Job::new(|schema| {
        schema.auto_verified_attributes.clear();
        schema.mfa_configuration = crate::domain::pool::MfaConfiguration::Optional;
    });
    for column in [
        "email_verified",
        "phone_number_verified",
        "cognito:mfa_enabled",
    ] {
        for bad in ["yes", "1", " true"] {
            job.refuses(&[(column, bad)], Code::InvalidBoolean, column);
        }
        for (value, expected) in [("", None), ("FALSE", Some(false)), ("True", Some(true))] {
            let user = job.accepts(&[("phone_number", "+15551234"), (column, value)]);
            let found = match column {
                "email_verified" => user.email_verified,
                "phone_number_verified" => user.phone_number_verified,
                _ => user.mfa_enabled,
            };
            assert_eq!(found, expected, "{column} {value}");
        }
    }
}

#[test]
fn what_is_verified_has_a_value() {
    job().refuses(
        &[("email", "")],
        Code::VerifiedWithoutValue,
        "email_verified",
    );
    let phone = ("phone_number_verified", "true");
    job().refuses(
        &[phone],
        Code::VerifiedWithoutValue,
        "phone_number_verified",
    );
    job().accepts(&[phone, ("phone_number", "+15551234")]);
    job().accepts(&[("phone_number_verified", "false")]);
}

#[test]
fn one_of_the_auto_verified_attributes_is_verified() {
    let (email, phone) = (VerifiableAttribute::Email, VerifiableAttribute::PhoneNumber);
    let of = |kinds: &[VerifiableAttribute]| {
        Job::new(|schema| schema.auto_verified_attributes = kinds.to_vec())
    };
    let only_phone = [
        ("email_verified", "false"),
        ("phone_number", "+15551234"),
        ("phone_number_verified", "true"),
    ];
    let none = [("email_verified", "")];
    of(&[email]).refuses(&only_phone, Code::NoVerifiedAttribute, "email_verified");
    of(&[email]).refuses(&none, Code::NoVerifiedAttribute, "email_verified");
    of(&[phone]).accepts(&only_phone);
    of(&[email, phone]).accepts(&only_phone);
    of(&[phone, email]).refuses(&none, Code::NoVerifiedAttribute, "phone_number_verified");
    of(&[phone]).refuses(&[], Code::NoVerifiedAttribute, "phone_number_verified");
    of(&[]).accepts(&none);
}

/// A row that breaks every rule, mended one rule after the other.
#[test]
fn the_first_fault_in_the_contracts_order_is_reported() {
    let mut job = Job::new(|schema| {
        schema.required_attributes = vec![StandardAttribute::Gender];
        schema.custom_attributes = vec![super::row_schema::number("n", 1, 9)];
    });
    let long = "x".repeat(2049);
    let steps: [(&str, &str, Code, &str); 16] = [
        (
            "cognito:username",
            "",
            Code::MissingUsername,
            "cognito:username",
        ),
        (
            "cognito:username",
            "a b",
            Code::InvalidUsername,
            "cognito:username",
        ),
        ("email", "x", Code::InvalidEmail, "email"),
        (
            "phone_number",
            "x",
            Code::InvalidPhoneNumber,
            "phone_number",
        ),
        (
            "email_verified",
            "x",
            Code::InvalidBoolean,
            "email_verified",
        ),
        (
            "phone_number_verified",
            "x",
            Code::InvalidBoolean,
            "phone_number_verified",
        ),
        (
            "cognito:mfa_enabled",
            "x",
            Code::InvalidBoolean,
            "cognito:mfa_enabled",
        ),
        (
            "phone_number_verified",
            "true",
            Code::VerifiedWithoutValue,
            "phone_number_verified",
        ),
        (
            "email_verified",
            "false",
            Code::NoVerifiedAttribute,
            "email_verified",
        ),
        ("birthdate", "x", Code::InvalidBirthdate, "birthdate"),
        ("updated_at", "x", Code::InvalidUpdatedAt, "updated_at"),
        ("name", &long, Code::AttributeTooLong, "name"),
        ("gender", "", Code::MissingRequiredAttribute, "gender"),
        ("custom:n", "0", Code::InvalidCustomAttribute, "custom:n"),
        (
            "cognito:mfa_enabled",
            "true",
            Code::MfaNotAllowed,
            "cognito:mfa_enabled",
        ),
        (
            "password_hash",
            "x",
            Code::InvalidPasswordHash,
            "password_hash",
        ),
    ];
    job.algorithm = Some(PasswordHashingAlgorithm::Bcrypt);
    for first in 0..=steps.len() {
        // The rules before `first` are kept: good values, for the columns that
        // no later step breaks. Among steps of one column the earlier goes first.
        let mut values: Vec<(&str, &str)> = Vec::new();
        for (column, bad, ..) in &steps[first..] {
            if !values.iter().any(|(name, _)| name == column) {
                values.push((column, bad));
            }
        }
        for (column, good) in [
            ("cognito:username", "jane"),
            ("email", "j@x"),
            ("email_verified", "true"),
            ("phone_number", ""),
            ("phone_number_verified", ""),
            ("gender", "x"),
            ("custom:n", "1"),
        ] {
            if !values.iter().any(|(name, _)| *name == column) {
                values.push((column, good));
            }
        }
        match steps.get(first) {
            Some(&(_, _, code, column)) => job.refuses(&values, code, column),
            None => drop(job.accepts(&values)),
        }
    }
}
