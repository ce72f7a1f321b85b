//! What a splitter holds does not grow with what it is given.

use super::rows_of;
use crate::csv::rows::{MAX_ROW_CHARS, RowFault, RowSplitter};

const PIECE: usize = 64 * 1024;
const BOUND: usize = PIECE + 8 * MAX_ROW_CHARS;

/// Pushes `pieces`, takes out all rows each time, and answers how many there
/// were of no fault and of each.
fn count(pieces: impl IntoIterator<Item = Vec<u8>>) -> [usize; 3] {
    let mut splitter = RowSplitter::new(MAX_ROW_CHARS);
    let mut counts = [0; 3];
    let mut drain = |splitter: &mut RowSplitter| {
        while let Some(row) = splitter.next_row() {
            assert!(row.bytes.len() <= 4 * MAX_ROW_CHARS);
            counts[match row.fault {
                None => 0,
                Some(RowFault::UnterminatedQuote) => 1,
                Some(RowFault::TooLong) => 2,
            }] += 1;
        }
    };
    for piece in pieces {
        assert!(piece.len() <= PIECE);
        splitter.push(&piece);
        drain(&mut splitter);
        assert!(splitter.capacity() <= BOUND, "{}", splitter.capacity());
    }
    splitter.finish();
    drain(&mut splitter);
    counts
}

fn megabytes(bytes: &[u8], megabytes: usize) -> impl Iterator<Item = Vec<u8>> {
    let piece: Vec<u8> = bytes.iter().copied().cycle().take(PIECE).collect();
    std::iter::repeat_n(piece, megabytes * 1024 * 1024 / PIECE)
}

#[test]
fn one_line_of_fifty_megabytes() {
    assert_eq!(count(megabytes(b"a", 50)), [0, 0, 1]);
    assert_eq!(count(megabytes(b"\"a", 50)), [0, 0, 1]);
    let quoted = std::iter::once(b"\"".to_vec()).chain(megabytes(b"a", 50));
    assert_eq!(count(quoted), [0, 1, 0]);
    let escaped = std::iter::once(b"\"".to_vec()).chain(megabytes(b"\"\"", 10));
    assert_eq!(count(escaped), [0, 1, 0]);
    assert_eq!(count(megabytes(b"\x80", 50)), [0, 0, 1]);
}

#[test]
fn an_open_quote_and_then_lines() {
    let lines = b"aaaaaaa\n".repeat(PIECE / 8);
    let counts = count(std::iter::once(b"\"a\n".to_vec()).chain(megabytes(&lines, 5)));
    assert_eq!(counts, [5 * 1024 * 1024 / 8, 1, 0]);
}

#[test]
fn garbage() {
    let mut state = 1_u64;
    let mut garbage = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    };
    let pieces: Vec<Vec<u8>> = (0..64)
        .map(|_| (0..PIECE).map(|_| garbage()).collect())
        .collect();
    count(pieces);
}

/// Each open quote makes the lines behind it be read again. Were each of these
/// read to the limit in turn, these tests would take minutes.
#[test]
fn many_open_quotes_are_read_in_linear_time() {
    let block = [b"\"a\n".to_vec(), b"b\"\"\n".repeat(MAX_ROW_CHARS / 4)].concat();
    let blocks = 500;
    let counts = count(std::iter::repeat_n(block.clone(), blocks));
    assert_eq!(counts, [blocks * (MAX_ROW_CHARS / 4), blocks, 0]);
}

#[test]
fn an_open_quote_on_each_line_is_read_in_linear_time() {
    for line in [&b"x\",\"y\n"[..], b"\xC3\",\"\n\n", b"x\",\"\nplain\r\n"] {
        let lines = line.repeat(PIECE / line.len());
        let pieces = 2 * 1024 * 1024 / PIECE;
        let [_, open, over] = count(std::iter::repeat_n(lines.clone(), pieces));
        let expected = pieces * (PIECE / line.len());
        assert!(open.abs_diff(expected) < 9, "{open} of {expected}");
        assert_eq!(over, 0);
    }
}

#[test]
fn a_row_that_comes_byte_by_byte_is_looked_at_once() {
    let mut file = b"\"".to_vec();
    file.extend("é".repeat(MAX_ROW_CHARS - 2).bytes());
    file.extend(b"\"\n");
    let rows = rows_of(RowSplitter::new(MAX_ROW_CHARS), file.chunks(1));
    assert_eq!((rows.len(), rows[0].fault), (1, None));
    let mut splitter = RowSplitter::new(MAX_ROW_CHARS);
    for byte in &file {
        splitter.push(std::slice::from_ref(byte));
        splitter.next_row();
        assert!(splitter.capacity() <= BOUND);
    }
}
