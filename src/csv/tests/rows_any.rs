//! Rows of any bytes, in any pieces.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{OwnRow, model, rows_of, split};
use crate::csv::rows::{RowFault, RowSplitter};

/// A file made of what rows are made of, and of what they should not be.
fn file() -> impl Strategy<Value = Vec<u8>> {
    let token: Vec<&[u8]> = vec![
        b"\"",
        b"\"",
        b"\"\"",
        b",",
        b",\"",
        b"\",",
        b"\\",
        b"\\,",
        b"\n",
        b"\n",
        b"\r\n",
        b"\r",
        b" ",
        b"a",
        b"bc",
        b"def",
        "é".as_bytes(),
        "\u{1f600}".as_bytes(),
        b"\x80",
        b"\xFF",
        b"\xEF\xBB\xBF",
        b"\0",
        b"long text",
        b"\",\"",
        b"x\",\"y\n",
    ];
    vec(select(token), 0..60).prop_map(|tokens| tokens.concat())
}

fn max() -> impl Strategy<Value = usize> {
    prop_oneof![1..12_usize, Just(40), Just(1000)]
}

/// `file` cut into pieces as long as `lengths` say, over and over.
fn pieces<'a>(file: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = file;
    let mut pieces = Vec::new();
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, later) = rest.split_at((*length).min(rest.len()));
        pieces.push(piece);
        rest = later;
    }
    pieces
}

proptest! {
    #![proptest_config(super::cases(1500))]

    #[test]
    fn rows_are_those_of_the_model(file in file(), max in max()) {
        prop_assert_eq!(split(max, &file), model::rows(max, &file));
    }

    #[test]
    fn pieces_make_no_difference(
        file in file(),
        max in max(),
        lengths in vec(1..20_usize, 1..5),
    ) {
        let whole = split(max, &file);
        let pieced = rows_of(RowSplitter::new(max), pieces(&file, &lengths));
        prop_assert_eq!(&pieced, &whole);
        let bytewise = rows_of(RowSplitter::new(max), file.chunks(1));
        prop_assert_eq!(&bytewise, &whole);
    }

    #[test]
    fn rows_may_be_taken_out_late(file in file(), max in max(), lengths in vec(1..20_usize, 1..5)) {
        let mut splitter = RowSplitter::new(max);
        let mut rows: Vec<OwnRow> = Vec::new();
        for piece in pieces(&file, &lengths) {
            splitter.push(piece);
            rows.extend(splitter.next_row().map(OwnRow::from));
        }
        rows.extend(rows_of(splitter, []));
        prop_assert_eq!(rows, split(max, &file));
    }

    #[test]
    fn reading_resumes_at_any_rows_end(file in file(), max in max()) {
        let all = split(max, &file);
        let mut splitter = RowSplitter::new(max);
        splitter.push(&file);
        splitter.finish();
        for taken in 0..=all.len() {
            let offset = splitter.offset();
            let rest = RowSplitter::resume(max, offset, splitter.next_line());
            let rows = rows_of(rest, [&file[offset as usize..]]);
            prop_assert_eq!(&rows, &all[taken..], "from {}", offset);
            splitter.next_row();
        }
        prop_assert_eq!(splitter.offset(), file.len() as u64);
    }

    /// What ends before the cut is as it was, up to the first quote that never
    /// closes: the cut may change what it runs into.
    #[test]
    fn a_file_that_is_cut_keeps_its_complete_rows(file in file(), max in max()) {
        let whole = split(max, &file);
        for cut in 0..file.len() {
            let rows = split(max, &file[..cut]);
            let complete = whole
                .iter()
                .take_while(|r| r.end <= cut as u64)
                .take_while(|r| r.fault != Some(RowFault::UnterminatedQuote));
            for (index, row) in complete.enumerate() {
                prop_assert_eq!(rows.get(index), Some(row), "cut at {}", cut);
            }
        }
    }

    #[test]
    fn crlf_and_lf_give_the_same_rows(file in file()) {
        let lf: Vec<u8> = file.into_iter().filter(|b| *b != b'\r').collect();
        let crlf: Vec<u8> = lf
            .iter()
            .flat_map(|b| if *b == b'\n' { &b"\r\n"[..] } else { std::slice::from_ref(b) })
            .copied()
            .collect();
        let rows = |file: &[u8]| -> Vec<_> {
            split(1000, file)
                .into_iter()
                .map(|mut row| {
                    row.bytes.retain(|b| *b != b'\r');
                    (row.line, row.bytes, row.fault)
                })
                .collect()
        };
        prop_assert_eq!(rows(&crlf), rows(&lf));
    }

    #[test]
    fn any_bytes_are_rows_of_the_model(file in vec(any::<u8>(), 0..200), max in max()) {
        prop_assert_eq!(split(max, &file), model::rows(max, &file));
    }
}
