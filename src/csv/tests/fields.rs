//! Fields.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::csv::fields::{Fields, NotText, encode_field};

fn values(row: &str) -> Vec<String> {
    let mut fields = Fields::new();
    let values = fields.split(row.as_bytes()).values().unwrap();
    values.iter().map(str::to_owned).collect()
}

#[test]
fn values_are_decoded() {
    for (row, expected) in [
        ("", &[""][..]),
        (",", &["", ""]),
        ("a,b,", &["a", "b", ""]),
        ("  a b  ,  ,\tc", &["a b", "", "\tc"]),
        ("\u{a0}a\u{a0}", &["\u{a0}a\u{a0}"]),
        // A backslash makes a comma literal, and is itself before anything else.
        ("a\\,b,c", &["a,b", "c"]),
        ("\\,", &[","]),
        ("a\\\\,b", &["a\\,b"]),
        ("a\\b\\,\\", &["a\\b,\\"]),
        ("\\,,\\,\\,", &[",", ",,"]),
        ("a\\ ,b", &["a\\", "b"]),
        (" a\\, ,b", &["a,", "b"]),
        ("a,\\", &["a", "\\"]),
        // Quoted.
        ("\"\"", &[""]),
        ("\" a \",\"b,c\"", &[" a ", "b,c"]),
        ("\"a\"\"b\"", &["a\"b"]),
        ("\"\"\"\"", &["\""]),
        ("\"\"\"\"\"\",x", &["\"\"", "x"]),
        ("\"a\nb\r\n\"", &["a\nb\r\n"]),
        ("\"a\\,b\\\",c", &["a\\,b\\", "c"]),
        // What follows the closing quote is unquoted text.
        ("\"a\"b,c", &["ab", "c"]),
        ("\"a\" ,c", &["a ", "c"]),
        ("\"a\"\\,\"b\",c", &["a,\"b\"", "c"]),
        ("\"a,\"b\"\",c", &["a,b\"\"", "c"]),
        // A quote elsewhere is itself.
        ("a\"b\",c", &["a\"b\"", "c"]),
        (" \"a\", \"b", &["\"a\"", "\"b"]),
        ("é\\,é,\"é\"\"é\"", &["é,é", "é\"é"]),
        // No row of a splitter without fault, but still no panic.
        ("a,\"b,c", &["a", "b,c"]),
        ("\"", &[""]),
        ("\"a\"\"", &["a\""]),
    ] {
        assert_eq!(values(row), expected, "{row}");
    }
}

#[test]
fn raw_fields_are_as_they_stand_in_the_row() {
    let row = " a ,\"b,\"\"c\"x,d\\,e,,";
    let mut fields = Fields::new();
    let split = fields.split(row.as_bytes());
    let raw: Vec<_> = (0..split.len()).map(|i| split.raw(i)).collect();
    assert_eq!(raw.join(&b','), row.as_bytes());
    assert_eq!(raw.len(), 5);
    assert_eq!(raw[1], b"\"b,\"\"c\"x");
    let values = split.values().unwrap();
    assert_eq!(values.raw(2), "d\\,e");
    assert_eq!(values.get(1), "b,\"cx");
}

#[test]
fn fields_are_counted_before_they_are_text() {
    let mut fields = Fields::new();
    for (row, count) in [(&b"a,\xFF,\"b,c\""[..], 3), (b"\0,", 2), (b"\xC3,\xA9", 2)] {
        let split = fields.split(row);
        assert_eq!(split.len(), count);
        assert_eq!(split.values().err(), Some(NotText));
    }
    // The room is used again.
    assert_eq!(fields.split(b"a").values().unwrap().get(0), "a");
}

#[test]
fn only_what_needs_quotes_gets_them() {
    for plain in ["", "a", "a b", "a\\b", "\\a", "é", "=1+1", "\ta"] {
        assert_eq!(encode_field(plain), plain);
    }
    for (value, encoded) in [
        ("a,b", "\"a,b\""),
        ("\"", "\"\"\"\""),
        ("a\nb", "\"a\nb\""),
        ("a\r", "\"a\r\""),
        (" a", "\" a\""),
        ("a ", "\"a \""),
        ("a\\", "\"a\\\""),
        ("\u{feff}a", "\"\u{feff}a\""),
    ] {
        assert_eq!(encode_field(value), encoded);
    }
}

proptest! {
    #![proptest_config(super::cases(1500))]

    #[test]
    fn values_that_are_encoded_come_back(row in vec("[a\", \\\\\n\ré]{0,5}|.{0,8}", 1..6)) {
        let row: Vec<String> = row.into_iter().map(|v| v.replace('\0', "")).collect();
        let encoded: Vec<_> = row.iter().map(|v| encode_field(v)).collect();
        let line = encoded.join(",");
        prop_assert_eq!(values(&line), row.clone());
        // In a file too; only a blank line would be no row.
        let file = format!("{line}\n{line}\r\n");
        let rows = super::split(1000, file.as_bytes());
        prop_assert_eq!(rows.len(), if line.is_empty() { 0 } else { 2 });
        for found in rows {
            prop_assert_eq!(String::from_utf8(found.bytes).unwrap(), line.clone());
        }
    }

    #[test]
    fn no_bytes_are_lost_or_feared(row in vec(proptest::sample::select(b"a\",\\ \n\xC3\xA9\0".to_vec()), 0..30)) {
        let mut fields = Fields::new();
        let split = fields.split(&row);
        let raw: Vec<_> = (0..split.len()).map(|i| split.raw(i)).collect();
        prop_assert_eq!(raw.join(&b','), row.clone());
        let text = std::str::from_utf8(&row).is_ok() && !row.contains(&0);
        prop_assert_eq!(split.values().is_ok(), text);
    }
}
