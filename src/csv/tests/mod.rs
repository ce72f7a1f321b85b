//! What is common to the tests of this room.

mod differential;
mod fields;
mod header;
mod job;
mod model;
mod row;
mod row_schema;
mod rows;
mod rows_any;
mod rows_memory;

use proptest::prelude::ProptestConfig;

use super::rows::{Row, RowFault, RowSplitter};

/// A row that outlives its splitter.
#[derive(Clone, Debug, PartialEq, Eq)]
struct OwnRow {
    line: u64,
    start: u64,
    end: u64,
    bytes: Vec<u8>,
    fault: Option<RowFault>,
}

impl From<Row<'_>> for OwnRow {
    fn from(row: Row<'_>) -> Self {
        Self {
            line: row.line,
            start: row.start,
            end: row.end,
            bytes: row.bytes.to_vec(),
            fault: row.fault,
        }
    }
}

/// Takes out what there is; after each row the checkpoint is the row's end.
fn drain(splitter: &mut RowSplitter, rows: &mut Vec<OwnRow>) {
    while let Some(row) = splitter.next_row() {
        rows.push(row.into());
        assert_eq!(Some(splitter.offset()), rows.last().map(|r| r.end));
    }
}

/// The rows of the rest of a file that comes in pieces.
fn rows_of<'a>(
    mut splitter: RowSplitter,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<OwnRow> {
    let mut rows = Vec::new();
    for piece in pieces {
        splitter.push(piece);
        drain(&mut splitter, &mut rows);
    }
    splitter.finish();
    drain(&mut splitter, &mut rows);
    assert!(splitter.next_row().is_none(), "the end stays the end");
    rows
}

fn split(max_row_chars: usize, file: &[u8]) -> Vec<OwnRow> {
    rows_of(RowSplitter::new(max_row_chars), [file])
}

/// What a property finds is written down as an example, not into a file of seeds.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").map_or(cases, |c| c.parse().unwrap()),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}
