//! The same files, read by another reader of RFC 4180.

use proptest::collection::vec;
use proptest::prelude::*;

use super::split;
use crate::csv::fields::{Fields, encode_field};

type Records = Vec<Vec<String>>;

fn ours(file: &[u8]) -> Records {
    let mut fields = Fields::new();
    split(1000, file)
        .iter()
        .map(|row| {
            assert_eq!(row.fault, None);
            let values = fields.split(&row.bytes).values().unwrap();
            values.iter().map(str::to_owned).collect()
        })
        .collect()
}

fn theirs(file: &[u8]) -> Records {
    ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(file)
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

fn written(records: &Records, style: ::csv::QuoteStyle, crlf: bool) -> Vec<u8> {
    let mut writer = ::csv::WriterBuilder::new()
        .flexible(true)
        .quote_style(style)
        .terminator(if crlf {
            ::csv::Terminator::CRLF
        } else {
            ::csv::Terminator::Any(b'\n')
        })
        .from_writer(Vec::new());
    for record in records {
        writer.write_record(record).unwrap();
    }
    writer.into_inner().unwrap()
}

/// A value without what RFC 4180 leaves alone and Cognito does not: spaces
/// around it, and backslashes.
fn value() -> impl Strategy<Value = String> {
    "[a-cé,\"\n\r ]{0,6}|[a-z]{0,3}".prop_map(|v| v.trim_matches(' ').to_owned())
}

fn records() -> impl Strategy<Value = Records> {
    vec(vec(value(), 1..5), 1..6)
}

proptest! {
    #![proptest_config(super::cases(600))]

    #[test]
    fn we_read_what_another_wrote(
        records in records(),
        always in any::<bool>(),
        crlf in any::<bool>(),
    ) {
        let style = if always { ::csv::QuoteStyle::Always } else { ::csv::QuoteStyle::Necessary };
        let file = written(&records, style, crlf);
        prop_assert_eq!(ours(&file), theirs(&file));
        prop_assert_eq!(ours(&file), records);
    }

    #[test]
    fn another_reads_what_we_encode(records in vec(vec("[a,\"\n\r\\\\ ]{0,6}", 2..5), 1..6)) {
        let lines: Vec<String> = records
            .iter()
            .map(|r| r.iter().map(|v| encode_field(v)).collect::<Vec<_>>().join(","))
            .collect();
        let file = lines.join("\n");
        prop_assert_eq!(theirs(file.as_bytes()), records.clone());
        prop_assert_eq!(ours(file.as_bytes()), records);
    }
}
