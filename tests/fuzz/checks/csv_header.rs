//! The header: what makes a file unusable, and what is said about it.

use std::collections::BTreeSet;

use muster::csv::fields::Fields;
use muster::csv::header::{Column, Header, HeaderErrorKind};
use muster::csv::rows::{MAX_ROW_CHARS, Row, RowSplitter};
use muster::domain::pool::PoolSchema;

use super::schema;

/// All that is ever said about a header, digits as `#`, a name in quotes as `*`.
const MESSAGES: [&str; 12] = [
    "The file is empty: it has no header.",
    "The file seems to be UTF-#: save it as UTF-# and upload it again.",
    "The header on line # has a quoted field that is not closed.",
    "The header on line # is longer than the row limit.",
    "The header on line # is not valid UTF-#, or holds a NUL character.",
    "The header on line # has no column *.",
    "The header on line # has no column *, which the pool requires.",
    "The header on line # has no column *, but the job names an algorithm.",
    "Column # of the header, *, is not a column of this pool.",
    "Column # of the header has no name.",
    "Column # of the header is not a column of this pool.",
    "Column # of the header repeats column #, *.",
];

/// Two bytes choose the pool, one the job's algorithm; the rest is the file.
pub fn check(data: &[u8]) {
    let [who, what, algorithm, file @ ..] = data else {
        return;
    };
    let schema = schema::schema([*who, *what]);
    let algorithm = schema::algorithm(*algorithm);
    let mut splitter = RowSplitter::new(MAX_ROW_CHARS);
    splitter.push(file);
    splitter.finish();
    let row = splitter.next_row();
    let expected = row.as_ref().and_then(|row| names(row, &schema));
    let usable = |names: &Vec<String>| {
        let has = |name: &str| names.iter().any(|n| n == name);
        has("cognito:username")
            && (algorithm.is_none() || has("password_hash"))
            && schema.required_attributes.iter().all(|a| has(a.as_str()))
            && schema
                .custom_attributes
                .iter()
                .all(|a| !a.required || has(&a.column()))
    };
    match Header::parse(row.as_ref(), &schema, algorithm) {
        Ok(header) => {
            let expected = expected.filter(usable).expect("a header that is no good");
            let found: Vec<&str> = (0..header.columns().len())
                .map(|i| header.name(i))
                .collect();
            assert_eq!(found, expected);
            for (name, column) in found.iter().zip(header.columns()) {
                assert_eq!(*name, spelt(*column, &schema, name));
            }
        }
        Err(error) => {
            assert_eq!(expected.filter(usable), None, "{error}");
            told(&error.message);
            let hash = error.message.ends_with("but the job names an algorithm.");
            assert_eq!(error.kind == HeaderErrorKind::MissingPasswordHash, hash);
        }
    }
}

/// The names in a row that are all known to the pool, each there once.
fn names(row: &Row<'_>, schema: &PoolSchema) -> Option<Vec<String>> {
    let mut known: BTreeSet<String> = schema.csv_header().into_iter().collect();
    for more in [
        "password_hash",
        "muster:line",
        "muster:code",
        "muster:message",
    ] {
        known.insert(more.to_owned());
    }
    let mut fields = Fields::new();
    let names: Vec<String> = fields
        .split(row.bytes)
        .values()
        .ok()
        .filter(|_| row.fault.is_none())?
        .iter()
        .map(str::to_owned)
        .collect();
    names.iter().all(|name| known.remove(name)).then_some(names)
}

/// The name of a column by what it is said to hold.
fn spelt(column: Column, schema: &PoolSchema, name: &str) -> String {
    match column {
        Column::Username => "cognito:username".to_owned(),
        Column::MfaEnabled => "cognito:mfa_enabled".to_owned(),
        Column::PasswordHash => "password_hash".to_owned(),
        Column::Standard(attribute) => attribute.as_str().to_owned(),
        Column::Custom(place) => schema.custom_attributes[place].column(),
        Column::Report => name.to_owned(),
    }
}

/// A file without a header has a user's data in its first row: of that nothing
/// is repeated but what looks like a column's name.
fn told(message: &str) {
    assert!(message.chars().count() <= 128, "{message}");
    let mut shape = String::new();
    let mut parts = message.split('"');
    shape.extend(parts.next());
    if let Some(name) = parts.next() {
        let like_a_name = (1..=40).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_:.-".contains(&b));
        assert!(like_a_name, "repeated: {message}");
        shape.push('*');
        shape.extend(parts.next());
        assert_eq!(parts.next(), None, "{message}");
    }
    let mut digits = false;
    shape.retain(|c| {
        let again = digits && c.is_ascii_digit();
        digits = c.is_ascii_digit();
        !again
    });
    let shape = shape.replace(|c: char| c.is_ascii_digit(), "#");
    assert!(MESSAGES.contains(&shape.as_str()), "{message}");
}
