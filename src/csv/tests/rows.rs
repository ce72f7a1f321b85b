//! Rows, by example.

use super::{OwnRow, rows_of, split};
use crate::csv::rows::RowFault::{TooLong, UnterminatedQuote};
use crate::csv::rows::{MAX_ROW_CHARS, RowFault, RowSplitter};

fn brief(rows: &[OwnRow]) -> Vec<(u64, &str, Option<RowFault>)> {
    rows.iter()
        .map(|r| (r.line, std::str::from_utf8(&r.bytes).unwrap(), r.fault))
        .collect()
}

#[track_caller]
fn assert_rows(max: usize, file: &str, expected: &[(u64, &str, Option<RowFault>)]) {
    assert_eq!(brief(&split(max, file.as_bytes())), expected, "{file:?}");
}

#[test]
fn lines_end_in_lf_or_crlf_and_the_last_may_have_neither() {
    assert_rows(
        99,
        "a,b\nc\r\nd",
        &[(1, "a,b", None), (2, "c", None), (3, "d", None)],
    );
    assert_rows(99, "a\r\n", &[(1, "a", None)]);
    assert_rows(99, "", &[]);
}

#[test]
fn a_carriage_return_is_data_unless_a_line_feed_or_the_end_follows() {
    assert_rows(
        99,
        "a\rb\r\r\nc\r\r",
        &[(1, "a\rb\r", None), (2, "c\r", None)],
    );
    assert_rows(99, "a\r", &[(1, "a", None)]);
    assert_rows(99, "\r", &[]);
}

#[test]
fn positions_are_bytes_of_the_file() {
    let rows = split(99, "é\r\n\n\"x\ny\"\nz".as_bytes());
    let positions: Vec<_> = rows.iter().map(|r| (r.line, r.start, r.end)).collect();
    assert_eq!(positions, [(1, 0, 4), (3, 5, 11), (5, 11, 12)]);
}

#[test]
fn blank_lines_are_no_rows_but_count_as_lines() {
    assert_rows(
        99,
        "\n  \r\na\n \n\nb\n   ",
        &[(3, "a", None), (6, "b", None)],
    );
    assert_rows(
        99,
        "\t\n\"\"\n,\n",
        &[(1, "\t", None), (2, "\"\"", None), (3, ",", None)],
    );
}

#[test]
fn a_byte_order_mark_is_passed_over_at_the_start_only() {
    let rows = split(99, b"\xEF\xBB\xBF\"a\nb\"\n\xEF\xBB\xBFc\n");
    assert_eq!(
        brief(&rows),
        [(1, "\"a\nb\"", None), (3, "\u{feff}c", None)]
    );
    assert_eq!(rows[0].start, 3);
    assert_rows(99, "\u{feff}", &[]);
    assert_eq!(split(99, b"\xEF\xBB")[0].bytes, b"\xEF\xBB");
    let later = rows_of(RowSplitter::resume(99, 10, 2), ["\u{feff}a".as_bytes()]);
    assert_eq!(brief(&later), [(2, "\u{feff}a", None)]);
}

#[test]
fn the_held_beginning_of_a_long_first_row_is_no_byte_order_mark() {
    let file = b"\xEFx\xBB\xBF\nab";
    let whole = rows_of(RowSplitter::new(1), [&file[..]]);
    assert_eq!(whole.len(), 2);
    // The x is dropped before the next bytes come.
    let pieces = rows_of(RowSplitter::new(1), [&file[..2], &file[2..]]);
    assert_eq!(pieces, whole);
}

#[test]
fn a_quoted_field_may_hold_line_breaks() {
    assert_rows(
        99,
        "\"a\n\"\"\r\nb\",c\nd,\"\n\"\ne",
        &[
            (1, "\"a\n\"\"\r\nb\",c", None),
            (4, "d,\"\n\"", None),
            (6, "e", None),
        ],
    );
}

#[test]
fn a_quote_opens_a_field_only_where_a_field_begins() {
    for line in [
        "a\"b",
        " \"b",
        "a,b\"",
        "a\\,\"b",
        "\\,\"b",
        "\"a\"\"b\"\"\" \"c",
        "\"a\"b\"c",
        "\"a\"\\,\"c",
    ] {
        let file = format!("{line}\nnext");
        assert_rows(99, &file, &[(1, line, None), (2, "next", None)]);
    }
    // The backslash is inside the quotes, and so escapes nothing.
    assert_rows(
        99,
        "\"a\\\",\"\n\"\nb",
        &[(1, "\"a\\\",\"\n\"", None), (3, "b", None)],
    );
    // Only the byte before the comma counts.
    assert_rows(
        99,
        "a\\\\,\"b\nc",
        &[(1, "a\\\\,\"b", None), (2, "c", None)],
    );
}

#[test]
fn an_open_quote_costs_one_line_not_the_file() {
    assert_rows(
        99,
        "a,\"b\r\nc\n\nd,e\nf",
        &[
            (1, "a,\"b", Some(UnterminatedQuote)),
            (2, "c", None),
            (4, "d,e", None),
            (5, "f", None),
        ],
    );
    assert_rows(
        8,
        "\"b\nc\nd\ne\nf\ng\"\n",
        &[
            (1, "\"b", Some(UnterminatedQuote)),
            (2, "c", None),
            (3, "d", None),
            (4, "e", None),
            (5, "f", None),
            (6, "g\"", None),
        ],
    );
    assert_rows(
        99,
        "a\n\"",
        &[(1, "a", None), (2, "\"", Some(UnterminatedQuote))],
    );
}

#[test]
fn an_open_quote_without_line_break_within_the_limit_ends_at_the_next() {
    assert_rows(
        4,
        "\"bcdefghi\nj\n",
        &[(1, "\"bcd", Some(UnterminatedQuote)), (2, "j", None)],
    );
}

#[test]
fn the_first_line_break_may_be_in_an_earlier_field() {
    assert_rows(
        9,
        "\"a\nb\",\"c\nd\ne\"\nf\n",
        &[
            (1, "\"a", Some(UnterminatedQuote)),
            (2, "b\",\"c", Some(UnterminatedQuote)),
            (3, "d", None),
            (4, "e\"", None),
            (5, "f", None),
        ],
    );
}

#[test]
fn the_limit_counts_characters_without_the_line_ending() {
    for ending in ["\n", "\r\n", "", "\r"] {
        for character in ["a", "é", "€", "\u{1f600}"] {
            let (fits, over) = (character.repeat(5), character.repeat(6));
            let next = if ending.ends_with('\n') { "b" } else { "" };
            let rest: &[_] = if next.is_empty() {
                &[]
            } else {
                &[(2, "b", None)]
            };
            let file = format!("{fits}{ending}{next}");
            assert_rows(5, &file, &[&[(1, fits.as_str(), None)], rest].concat());
            let file = format!("{over}{ending}{next}");
            let first = (1, fits.as_str(), Some(TooLong));
            assert_rows(5, &file, &[&[first], rest].concat());
        }
    }
    assert_rows(
        5,
        "aaaaa\rb\nc",
        &[(1, "aaaaa", Some(TooLong)), (2, "c", None)],
    );
    assert_rows(5, "\"a\nb\"\nc", &[(1, "\"a\nb\"", None), (3, "c", None)]);
    assert_eq!(MAX_ROW_CHARS, 16_000);
}

#[test]
fn a_row_over_the_limit_ends_at_the_next_line_break() {
    assert_rows(
        5,
        "abcdefgh\"\ni\n",
        &[(1, "abcde", Some(TooLong)), (2, "i", None)],
    );
    // It began on one line and ends on another; quotes behind the limit open nothing.
    assert_rows(
        5,
        "\"a\nb\"cdef,\"\ng",
        &[(1, "\"a\nb\"", Some(TooLong)), (3, "g", None)],
    );
    assert_rows(5, "abcdefgh", &[(1, "abcde", Some(TooLong))]);
    assert_rows(
        5,
        "          \na",
        &[(1, "     ", Some(TooLong)), (2, "a", None)],
    );
}

#[test]
fn a_quote_at_the_limit() {
    let rest = (2, "z", None);
    assert_rows(5, "\"abc\"\nz", &[(1, "\"abc\"", None), rest]);
    assert_rows(5, "\"abc\",\nz", &[(1, "\"abc\"", Some(TooLong)), rest]);
    assert_rows(
        5,
        "\"abc\"\"\nz",
        &[(1, "\"abc\"", Some(UnterminatedQuote)), rest],
    );
    assert_rows(
        5,
        "\"abcd\"\nz",
        &[(1, "\"abcd", Some(UnterminatedQuote)), rest],
    );
    assert_rows(5, "abcd,\"\nz", &[(1, "abcd,", Some(TooLong)), rest]);
    assert_rows(2, "\"\"\"", &[(1, "\"\"", Some(UnterminatedQuote))]);
}

#[test]
fn bytes_that_are_no_characters_have_a_limit_too() {
    let mut file = vec![0x80; 20];
    file.extend(b"\n");
    assert_eq!(split(5, &file)[0].fault, None);
    file.insert(0, 0x80);
    let rows = split(5, &file);
    assert_eq!((rows[0].fault, rows[0].bytes.len()), (Some(TooLong), 20));
    assert_eq!(rows[0].end, 22);
}

#[test]
fn the_end_of_the_file_is_a_checkpoint_too() {
    let mut splitter = RowSplitter::new(99);
    splitter.push(b"a\n\n\n");
    splitter.finish();
    while splitter.next_row().is_some() {}
    assert_eq!((splitter.offset(), splitter.next_line()), (4, 4));
}
