//! Headers.

use super::split;
use crate::csv::header::{Column, Header, HeaderError, HeaderErrorKind};
use crate::csv::rows::{Row, RowSplitter};
use crate::domain::attribute::StandardAttribute;
use crate::domain::pool::{AttributeDataType, CustomAttribute, PoolSchema};
use crate::domain::rules::password_hash::PasswordHashingAlgorithm;

fn schema() -> PoolSchema {
    let custom = |name: &str, required| CustomAttribute {
        name: name.to_owned(),
        data_type: AttributeDataType::String,
        minimum: None,
        maximum: None,
        required,
    };
    PoolSchema {
        custom_attributes: vec![custom("free", false), custom("must", true)],
        required_attributes: vec![StandardAttribute::Locale, StandardAttribute::Email],
        ..PoolSchema::default()
    }
}

fn parse(
    file: &[u8],
    schema: &PoolSchema,
    algorithm: Option<PasswordHashingAlgorithm>,
) -> Result<Header, HeaderError> {
    let mut splitter = RowSplitter::new(16_000);
    splitter.push(file);
    splitter.finish();
    Header::parse(splitter.next_row().as_ref(), schema, algorithm)
}

fn columns(file: &str, schema: &PoolSchema) -> Vec<Column> {
    parse(file.as_bytes(), schema, None)
        .unwrap()
        .columns()
        .to_vec()
}

/// The fault of a header, which is a sentence short enough to be kept with the job.
#[track_caller]
fn fault_of(
    file: &[u8],
    schema: &PoolSchema,
    algorithm: Option<PasswordHashingAlgorithm>,
) -> (HeaderErrorKind, String) {
    let error = parse(file, schema, algorithm).unwrap_err();
    assert!(error.message.chars().count() <= 128, "{}", error.message);
    assert!(error.message.ends_with('.'), "{}", error.message);
    assert_eq!(error.to_string(), error.message);
    (error.kind, error.message)
}

#[track_caller]
fn assert_invalid(file: &str, schema: &PoolSchema, message: &str) {
    let fault = fault_of(file.as_bytes(), schema, None);
    assert_eq!(fault, (HeaderErrorKind::Invalid, message.to_owned()));
}

const ANY: &PoolSchema = &PoolSchema {
    auto_verified_attributes: Vec::new(),
    alias_attributes: Vec::new(),
    username_attributes: Vec::new(),
    custom_attributes: Vec::new(),
    required_attributes: Vec::new(),
    mfa_configuration: crate::domain::pool::MfaConfiguration::Off,
    case_sensitive: false,
};

#[test]
fn the_header_that_a_pool_gives_out_is_good() {
    let schema = schema();
    let names = schema.csv_header();
    let header = parse(names.join(",").as_bytes(), &schema, None).unwrap();
    let mut expected: Vec<_> = StandardAttribute::ALL.map(Column::Standard).to_vec();
    expected.extend([Column::Custom(0), Column::Custom(1)]);
    expected.extend([Column::MfaEnabled, Column::Username]);
    assert_eq!(header.columns(), expected);
    for (index, name) in names.iter().enumerate() {
        assert_eq!(header.name(index), name);
    }
}

#[test]
fn columns_may_stand_in_any_order_and_most_may_be_absent() {
    assert_eq!(columns("cognito:username", ANY), [Column::Username]);
    assert_eq!(
        columns(
            "\u{feff}\n \nmuster:code, email ,\"cognito:username\",password_hash,muster:line\r\nx",
            ANY
        ),
        [
            Column::Report,
            Column::Standard(StandardAttribute::Email),
            Column::Username,
            Column::PasswordHash,
            Column::Report,
        ]
    );
}

#[test]
fn a_file_without_rows_has_no_header() {
    for file in ["", "\u{feff}", "\n \r\n"] {
        assert_invalid(file, ANY, "The file is empty: it has no header.");
    }
}

#[test]
fn unknown_columns_are_named_with_their_position() {
    let unknown = |name: &str| {
        let file = format!("cognito:username,{name},email");
        fault_of(file.as_bytes(), &schema(), None).1
    };
    let forty = "x".repeat(40);
    for name in [
        "emial",
        "Email",
        "custom:other",
        "custom:",
        "free",
        "muster:lines",
        "a-b.c_9",
        &forty,
    ] {
        let message = format!("Column 2 of the header, \"{name}\", is not a column of this pool.");
        assert_eq!(unknown(name), message);
    }
    for empty in ["", "  ", "\"\""] {
        assert_eq!(unknown(empty), "Column 2 of the header has no name.");
    }
}

/// Row 1 of a file without header is a user.
#[test]
fn what_does_not_look_like_a_name_is_not_repeated() {
    let long = "x".repeat(41);
    for value in [
        "jane@example.com",
        "Jane Doe",
        "+1555",
        "é",
        "\"a\nb\"",
        "\" email\"",
        &long,
    ] {
        let file = format!("{value},true");
        let message = "Column 1 of the header is not a column of this pool.";
        assert_invalid(&file, ANY, message);
    }
}

#[test]
fn no_column_stands_twice() {
    for name in [
        "cognito:username",
        "email",
        "muster:line",
        "password_hash",
        "custom:free",
    ] {
        let file = format!("{name},name,\"{name}\"");
        let message = format!("Column 3 of the header repeats column 1, \"{name}\".");
        assert_invalid(&file, &schema(), &message);
    }
    assert_eq!(
        columns(
            "cognito:username,muster:line,muster:code,muster:message",
            ANY
        )
        .len(),
        4
    );
}

#[test]
fn the_username_is_always_required() {
    let message = "The header on line 2 has no column \"cognito:username\".";
    assert_invalid("\nemail", &schema(), message);
    assert_invalid("\ncognito:mfa_enabled", ANY, message);
}

#[test]
fn columns_of_required_attributes_are_required() {
    let missing = |file: &str| fault_of(file.as_bytes(), &schema(), None).1;
    for (file, name) in [
        ("cognito:username", "email"),
        ("cognito:username,email", "locale"),
        ("cognito:username,email,locale", "custom:must"),
    ] {
        assert_eq!(
            missing(file),
            format!("The header on line 1 has no column \"{name}\", which the pool requires.")
        );
    }
    assert_eq!(
        columns("cognito:username,email,locale,custom:must", &schema()).len(),
        4
    );
}

#[test]
fn a_job_that_names_an_algorithm_needs_hashes() {
    for algorithm in PasswordHashingAlgorithm::ALL {
        assert_eq!(
            fault_of(b"cognito:username", ANY, Some(algorithm)),
            (
                HeaderErrorKind::MissingPasswordHash,
                "The header on line 1 has no column \"password_hash\", but the job names an algorithm.".to_owned()
            )
        );
        assert!(parse(b"password_hash,cognito:username", ANY, Some(algorithm)).is_ok());
    }
}

#[test]
fn a_header_has_a_rows_limits() {
    let long = format!("cognito:username,{}", "x".repeat(16_000));
    assert_invalid(
        &long,
        ANY,
        "The header on line 1 is longer than the row limit.",
    );
    assert_invalid(
        "\ncognito:username,\"email\nx,y\n",
        ANY,
        "The header on line 2 has a quoted field that is not closed.",
    );
}

#[test]
fn a_header_that_is_not_utf_8() {
    let (kind, message) = fault_of(b"cognito:username,pr\xE9nom", ANY, None);
    assert_eq!(kind, HeaderErrorKind::Encoding);
    assert_eq!(
        message,
        "The header on line 1 is not valid UTF-8, or holds a NUL character."
    );
    assert_eq!(fault_of(b"cognito:username,\0", ANY, None), (kind, message));
}

#[test]
fn a_header_in_utf_16_is_told_so() {
    let text = "cognito:username,email\r\njane,";
    let little = |c: u16| c.to_le_bytes();
    let big = |c: u16| c.to_be_bytes();
    for mark in ["", "\u{feff}"] {
        let file = format!("{mark}{text}");
        for bytes in [
            file.encode_utf16().flat_map(little).collect::<Vec<u8>>(),
            file.encode_utf16().flat_map(big).collect(),
        ] {
            let (kind, message) = fault_of(&bytes, ANY, None);
            assert_eq!(kind, HeaderErrorKind::Encoding);
            assert_eq!(
                message,
                "The file seems to be UTF-16: save it as UTF-8 and upload it again."
            );
        }
    }
}

#[test]
fn ten_thousand_columns() {
    let file = vec!["x"; 10_000].join(",");
    let message = "Column 1 of the header, \"x\", is not a column of this pool.";
    assert_invalid(&file[..15_999], ANY, message);
    let row = &split(99_999, file.as_bytes())[0];
    let row = Row {
        line: u64::MAX,
        start: 0,
        end: 0,
        bytes: &row.bytes,
        cut: false,
        fault: None,
    };
    assert!(Header::parse(Some(&row), ANY, None).is_err());
}
