//! The rules that a pool's schema brings, and what a good row becomes.

use std::borrow::Cow;

use super::job::{Job, job};
use crate::domain::attribute::{AliasAttribute, StandardAttribute};
use crate::domain::pool::{AttributeDataType, CustomAttribute, MfaConfiguration};
use crate::domain::rejection::RejectionCode as Code;
use crate::domain::rules::password_hash::PasswordHashingAlgorithm;

pub(super) fn number(name: &str, minimum: i64, maximum: i64) -> CustomAttribute {
    CustomAttribute {
        name: name.to_owned(),
        data_type: AttributeDataType::Number,
        minimum: Some(minimum),
        maximum: Some(maximum),
        required: false,
    }
}

const BCRYPT: &str = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";

#[test]
fn dates_and_times() {
    let user = job().accepts(&[("birthdate", "02/29/2000"), ("updated_at", "0")]);
    assert_eq!(user.birthdate.unwrap().as_str(), "2000-02-29");
    assert_eq!(user.updated_at, Some(0));
    job().refuses(
        &[("birthdate", "02/29/1900")],
        Code::InvalidBirthdate,
        "birthdate",
    );
    job().refuses(
        &[("updated_at", "-1")],
        Code::InvalidUpdatedAt,
        "updated_at",
    );
    let user = job().accepts(&[]);
    assert_eq!((user.birthdate, user.updated_at), (None, None));
}

#[test]
fn text_is_at_most_2048_characters_long() {
    let (longest, longer) = ("é".repeat(2048), "é".repeat(2049));
    let plain = [
        "name",
        "given_name",
        "family_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "zoneinfo",
        "locale",
        "address",
    ];
    for (index, column) in plain.into_iter().enumerate() {
        let attribute = StandardAttribute::from_name(column).unwrap();
        let user = job().accepts(&[(column, &longest)]);
        assert_eq!(user.text(attribute), Some(longest.as_str()));
        job().refuses(&[(column, &longer)], Code::AttributeTooLong, column);
        // Of several the first in Cognito's order.
        for earlier in &plain[..index] {
            let both = [(column, longer.as_str()), (*earlier, longer.as_str())];
            job().refuses(&both, Code::AttributeTooLong, earlier);
        }
    }
}

#[test]
fn required_attributes_are_not_empty() {
    let good = |attribute| match attribute {
        StandardAttribute::Email => "x@y",
        StandardAttribute::PhoneNumber => "+15551234",
        StandardAttribute::EmailVerified => "true",
        StandardAttribute::PhoneNumberVerified => "false",
        StandardAttribute::Birthdate => "01/02/2003",
        StandardAttribute::UpdatedAt => "1",
        _ => "x",
    };
    for attribute in StandardAttribute::ALL {
        let job = Job::new(|schema| {
            schema.auto_verified_attributes.clear();
            schema.required_attributes = vec![attribute];
        });
        let column = attribute.as_str();
        let none = [("email", ""), ("email_verified", ""), (column, "")];
        job.refuses(&none, Code::MissingRequiredAttribute, column);
        job.accepts(&[(column, good(attribute))]);
    }
    let two = Job::new(|schema| {
        schema.required_attributes = vec![StandardAttribute::Locale, StandardAttribute::Name];
    });
    two.refuses(&[], Code::MissingRequiredAttribute, "name");
    two.refuses(&[("name", "x")], Code::MissingRequiredAttribute, "locale");
}

#[test]
fn custom_attributes() {
    let job = Job::new(|schema| {
        let mut required = number("must", 1, 9);
        required.required = true;
        schema.custom_attributes = vec![number("a", 1, 9), required, number("b", 1, 9)];
    });
    let missing = Code::MissingRequiredAttribute;
    job.refuses(&[("custom:must", "")], missing, "custom:must");
    job.refuses(
        &[("custom:must", ""), ("custom:a", "0")],
        missing,
        "custom:must",
    );
    for column in ["custom:a", "custom:must", "custom:b"] {
        let good = [(column, "0"), ("custom:must", "1")];
        job.refuses(&good, Code::InvalidCustomAttribute, column);
    }
    let user = job.accepts(&[("custom:b", "9"), ("custom:must", "1.5")]);
    assert_eq!(user.custom, [(1, "1.5"), (2, "9")]);
}

#[test]
fn the_pool_says_who_may_use_mfa() {
    for (configuration, allowed) in [
        (MfaConfiguration::Off, ["", "false"]),
        (MfaConfiguration::On, ["", "true"]),
    ] {
        let job = Job::new(|schema| schema.mfa_configuration = configuration);
        for value in ["", "true", "false"] {
            let values = [("cognito:mfa_enabled", value)];
            if allowed.contains(&value) {
                job.accepts(&values);
            } else {
                job.refuses(&values, Code::MfaNotAllowed, "cognito:mfa_enabled");
            }
        }
    }
    let job = Job::new(|schema| schema.mfa_configuration = MfaConfiguration::Optional);
    for value in ["", "true", "false"] {
        job.accepts(&[("cognito:mfa_enabled", value)]);
    }
}

#[test]
fn password_hashes() {
    let mut job = job();
    assert_eq!(
        job.accepts(&[("password_hash", BCRYPT)]).password_hash,
        Some(BCRYPT)
    );
    assert_eq!(job.accepts(&[]).password_hash, None);
    let refuses = |job: &Job, hash: &str, code| {
        job.refuses(&[("password_hash", hash)], code, "password_hash");
    };
    let costly = BCRYPT.replace("$10$", "$13$");
    refuses(&job, "secret", Code::InvalidPasswordHash);
    refuses(&job, &costly, Code::PasswordHashTooCostly);
    job.algorithm = Some(PasswordHashingAlgorithm::Bcrypt);
    job.accepts(&[("password_hash", BCRYPT)]);
    job.accepts(&[]);
    refuses(&job, &costly, Code::PasswordHashTooCostly);
    job.algorithm = Some(PasswordHashingAlgorithm::Scrypt);
    refuses(&job, BCRYPT, Code::InvalidPasswordHash);
}

#[test]
fn usernames_are_compared_by_their_key_and_kept_as_given() {
    let mut job = job();
    let user = job.accepts(&[("cognito:username", "JANE\u{130}")]);
    assert_eq!(
        (user.username, user.username_key.as_ref()),
        ("JANE\u{130}", "janei")
    );
    let lower = job.accepts(&[]).username_key;
    assert!(matches!(lower, Cow::Borrowed("jane")));
    job.schema.case_sensitive = true;
    let user = job.accepts(&[("cognito:username", "JANE")]);
    assert_eq!(user.username_key, "JANE");
}

#[test]
fn verified_values_and_preferred_usernames_are_aliases() {
    let values = [
        ("email", "Jane@X"),
        ("email_verified", "true"),
        ("phone_number", "+15551234"),
        ("phone_number_verified", "true"),
        ("preferred_username", "JD"),
    ];
    let all = [
        AliasAttribute::Email,
        AliasAttribute::PhoneNumber,
        AliasAttribute::PreferredUsername,
    ];
    let aliases = |job: &Job, values: &[(&str, &str)]| {
        let user = job.accepts(values);
        [
            user.email_alias,
            user.phone_number_alias.map(Cow::Borrowed),
            user.preferred_username_alias,
        ]
        .map(|alias| alias.unwrap_or_default().into_owned())
    };
    let mut job = Job::new(|schema| schema.alias_attributes = all.to_vec());
    assert_eq!(aliases(&job, &values), ["jane@x", "+15551234", "jd"]);
    job.schema.case_sensitive = true;
    assert_eq!(aliases(&job, &values), ["Jane@X", "+15551234", "JD"]);
    for (index, alias) in all.into_iter().enumerate() {
        job.schema.alias_attributes = vec![alias];
        let found = aliases(&job, &values);
        for (other, value) in found.iter().enumerate() {
            assert_eq!(value.is_empty(), other != index);
        }
    }
    // Unverified, or empty.
    job.schema.alias_attributes = all.to_vec();
    job.schema.auto_verified_attributes.clear();
    for flag in ["", "false"] {
        let mut values = values;
        values[1].1 = flag;
        values[3].1 = flag;
        values[4].1 = "";
        assert_eq!(aliases(&job, &values), ["", "", ""]);
    }
}

#[test]
fn a_username_that_fills_the_email_is_an_alias_too() {
    let job = Job::new(|schema| {
        schema.alias_attributes = vec![AliasAttribute::Email];
        schema.username_attributes = vec![crate::domain::attribute::VerifiableAttribute::Email];
    });
    let user = job.accepts(&[("cognito:username", "X@y"), ("email", "")]);
    assert_eq!(user.email_alias.as_deref(), Some("x@y"));
}

#[test]
fn empty_values_are_none_and_positions_are_kept() {
    let user = job().accepts(&[("name", ""), ("nickname", " ")]);
    assert_eq!(user.text(StandardAttribute::Name), None);
    assert_eq!(
        user.text(StandardAttribute::Nickname),
        Some(" "),
        "it was quoted"
    );
    assert_eq!((user.line, user.start, user.end), (7, 100, 200));
    for attribute in [
        StandardAttribute::EmailVerified,
        StandardAttribute::PhoneNumberVerified,
        StandardAttribute::Birthdate,
        StandardAttribute::UpdatedAt,
    ] {
        assert_eq!(user.text(attribute), None);
    }
    assert!(user.custom.is_empty() && user.custom.capacity() == 0);
    assert_eq!(user.email_alias, None);
}
