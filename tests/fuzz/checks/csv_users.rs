//! The rules for one row: which row is a user, and what is said of the others.

use muster::csv::fields::Fields;
use muster::csv::header::Header;
use muster::csv::row::{NewUser, RowRules};
use muster::csv::rows::RowSplitter;
use muster::domain::attribute::{AliasAttribute, StandardAttribute, VerifiableAttribute};
use muster::domain::rejection::{Rejection, RejectionCode as Code};

use super::row_model::{Job, Values, count};
use super::schema;

/// Two bytes choose the pool, one the job's algorithm and the row limit; the
/// rest is the file, its header included.
pub fn check(data: &[u8]) {
    let [who, what, job, file @ ..] = data else {
        return;
    };
    let schema = schema::schema([*who, *what]);
    let algorithm = schema::algorithm(*job);
    let mut splitter = RowSplitter::new(if job & 0x80 == 0 { 16_000 } else { 300 });
    splitter.push(file);
    splitter.finish();
    let Ok(header) = Header::parse(splitter.next_row().as_ref(), &schema, algorithm) else {
        return;
    };
    let names: Vec<String> = (0..header.columns().len())
        .map(|i| header.name(i).to_owned())
        .collect();
    let job = Job {
        schema: &schema,
        names: &names,
        algorithm,
    };
    let rules = RowRules::new(&schema, &header, algorithm);
    let mut room = Fields::new();
    while let Some(row) = splitter.next_row() {
        let found = rules.check(&row, &mut room);
        match (found, job.judge(&row)) {
            (Ok(user), Ok(values)) => {
                assert_eq!(
                    (user.line, user.start, user.end),
                    (row.line, row.start, row.end)
                );
                is_of(&job, &user, &values);
            }
            (Err(rejection), Err(expected)) => {
                let column = rejection.column.as_deref().map(str::to_owned);
                assert_eq!((rejection.code, column), expected);
                assert_eq!(rejection.line, row.line);
                let fields = count(row.bytes) as u64;
                let detail = (rejection.code == Code::WrongFieldCount).then_some(fields);
                assert_eq!(rejection.detail, detail);
                told(&job, &rejection);
            }
            (Ok(_), Err(expected)) => panic!("a user, in spite of {expected:?}"),
            (Err(rejection), Ok(_)) => panic!("a good row: {rejection:?}"),
        }
    }
}

/// A rejection names a rule and a column of the pool, and no value.
fn told(job: &Job<'_>, rejection: &Rejection) {
    let mut columns = job.schema.csv_header();
    columns.push("password_hash".to_owned());
    let named = rejection.column.as_deref();
    assert!(named.is_none_or(|named| columns.iter().any(|column| column == named)));
    // It is made of these and of a number that was looked at.
    assert!(rejection.message().is_ascii());
}

/// A user is what the row says, and nothing else.
fn is_of(job: &Job<'_>, user: &NewUser<'_>, values: &Values) {
    let value = |column: &str| values.get(column).map(String::as_str);
    let truth = |column: &str| value(column).map(|v| v.eq_ignore_ascii_case("true"));
    let key = |text: &str| -> String {
        if job.schema.case_sensitive {
            return text.to_owned();
        }
        let lower = |c: char| c.to_lowercase().next().expect("a character");
        text.chars().map(lower).collect()
    };
    assert_eq!(Some(user.username), value("cognito:username"));
    assert_eq!(user.username_key, key(user.username));
    let contact = |kind| job.contact(values, kind).map(String::as_str);
    let (email, phone_number) = (
        contact(VerifiableAttribute::Email),
        contact(VerifiableAttribute::PhoneNumber),
    );
    for attribute in StandardAttribute::ALL {
        let expected = match attribute {
            StandardAttribute::Email => email,
            StandardAttribute::PhoneNumber => phone_number,
            StandardAttribute::EmailVerified
            | StandardAttribute::PhoneNumberVerified
            | StandardAttribute::Birthdate
            | StandardAttribute::UpdatedAt => None,
            other => value(other.as_str()),
        };
        assert_eq!(user.text(attribute), expected, "{attribute:?}");
    }
    assert_eq!(user.email_verified, truth("email_verified"));
    assert_eq!(user.phone_number_verified, truth("phone_number_verified"));
    assert_eq!(user.mfa_enabled, truth("cognito:mfa_enabled"));
    let birthdate = user.birthdate.map(|date| date.to_string());
    let swapped = value("birthdate").map(|d| format!("{}-{}-{}", &d[6..], &d[..2], &d[3..5]));
    assert_eq!(birthdate, swapped);
    let updated_at = value("updated_at").map(|v| v.parse().expect("seconds"));
    assert_eq!(user.updated_at, updated_at);
    assert_eq!(user.password_hash, value("password_hash"));
    let custom: Vec<(usize, &str)> = job
        .schema
        .custom_attributes
        .iter()
        .enumerate()
        .filter_map(|(i, attribute)| Some((i, value(&attribute.column())?)))
        .collect();
    assert_eq!(user.custom, custom);
    let bound = |alias, value: Option<&str>| {
        let has = job.schema.alias_attributes.contains(&alias);
        value.filter(|_| has).map(str::to_owned)
    };
    let verified = |flag, value: Option<&str>| {
        value
            .filter(|_| truth(flag) == Some(true))
            .map(str::to_owned)
    };
    let verified_email = verified("email_verified", email);
    assert_eq!(
        user.email_alias.as_deref().map(str::to_owned),
        bound(AliasAttribute::Email, verified_email.as_deref()).map(|v| key(&v))
    );
    let verified_phone = verified("phone_number_verified", phone_number);
    assert_eq!(
        user.phone_number_alias.map(str::to_owned),
        bound(AliasAttribute::PhoneNumber, verified_phone.as_deref())
    );
    let preferred = value("preferred_username");
    assert_eq!(
        user.preferred_username_alias.as_deref().map(str::to_owned),
        bound(AliasAttribute::PreferredUsername, preferred).map(|v| key(&v))
    );
}
