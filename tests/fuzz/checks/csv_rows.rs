//! The tokenizer: rows and fields of any bytes, in any pieces.

#[path = "../../../src/csv/tests/model.rs"]
mod model;

use muster::csv::fields::{Fields, NotText, encode_field};
use muster::csv::rows::{Row, RowFault, RowSplitter};

use super::fields_model;

/// The row limits that are tried, by the input's first byte.
const LIMITS: [usize; 8] = [1000, 1, 2, 3, 5, 8, 40, 16_000];
/// Places at which reading is taken up again, so that the time stays short.
const RESUMED: usize = 24;

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

/// The first byte chooses the row limit, the second the pieces in which the
/// rest, the file, comes.
pub fn check(data: &[u8]) {
    let [limit, pieces, file @ ..] = data else {
        return;
    };
    let max = LIMITS[usize::from(*limit) % LIMITS.len()];
    let rows = split(max, [file]);
    assert_eq!(rows, model::rows(max, file), "not the rows of the model");
    assert_eq!(split(max, file.chunks(1)), rows, "byte by byte");
    assert_eq!(split(max, uneven(file, *pieces)), rows, "in uneven pieces");
    assert_eq!(late(max, uneven(file, *pieces)), rows, "taken out late");
    covered(file, &rows);
    resumed(max, file, &rows);
    for row in &rows {
        fields(&row.bytes);
    }
    compared(file, &rows);
}

/// Takes out what there is; after each row the checkpoint is the row's end.
fn drain(splitter: &mut RowSplitter, rows: &mut Vec<OwnRow>) {
    while let Some(row) = splitter.next_row() {
        rows.push(row.into());
        assert_eq!(Some(splitter.offset()), rows.last().map(|r| r.end));
    }
}

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

fn split<'a>(max: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<OwnRow> {
    rows_of(RowSplitter::new(max), pieces)
}

/// One row is taken out for each piece, and the rest at the end.
fn late<'a>(max: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<OwnRow> {
    let mut splitter = RowSplitter::new(max);
    let mut rows: Vec<OwnRow> = Vec::new();
    for piece in pieces {
        splitter.push(piece);
        rows.extend(splitter.next_row().map(OwnRow::from));
    }
    rows.extend(rows_of(splitter, []));
    rows
}

/// `file` in pieces of 1 to 16 bytes, which `seed` chooses.
fn uneven(file: &[u8], seed: u8) -> impl Iterator<Item = &[u8]> {
    let mut state = u32::from(seed);
    let mut rest = file;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let length = 1 + (state >> 28) as usize;
        let (piece, later) = rest.split_at(length.min(rest.len()));
        rest = later;
        Some(piece)
    })
}

/// Rows follow one another, each where it says, and nothing but blank lines
/// and a byte order mark lies between them.
fn covered(file: &[u8], rows: &[OwnRow]) {
    let bytes = |from: u64, to: u64| &file[from as usize..to as usize];
    let blank = |mut gap: &[u8], from: u64| {
        if from == 0 {
            gap = gap.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(gap);
        }
        assert!(
            gap.iter().all(|b| b" \r\n".contains(b)),
            "bytes of no row: {gap:?}"
        );
    };
    let mut at = 0;
    for row in rows {
        assert!(at <= row.start && row.start < row.end, "{row:?} from {at}");
        blank(bytes(at, row.start), at);
        assert!(bytes(row.start, row.end).starts_with(&row.bytes));
        let breaks = bytes(0, row.start).iter().filter(|b| **b == b'\n').count();
        assert_eq!(row.line, breaks as u64 + 1, "the line of {row:?}");
        at = row.end;
    }
    blank(bytes(at, file.len() as u64), at);
}

/// Whoever goes on from a checkpoint sees the rows that are left.
fn resumed(max: usize, file: &[u8], rows: &[OwnRow]) {
    let mut splitter = RowSplitter::new(max);
    splitter.push(file);
    splitter.finish();
    for taken in 0..=rows.len() {
        if taken % (rows.len() / RESUMED + 1) == 0 {
            let offset = splitter.offset();
            let rest = RowSplitter::resume(max, offset, splitter.next_line());
            let found = rows_of(rest, [&file[offset as usize..]]);
            assert_eq!(found, rows[taken..], "from {offset}");
        }
        splitter.next_row();
    }
    assert_eq!(splitter.offset(), file.len() as u64);
}

/// The fields of a row are all of it, and are decoded as the contract says.
fn fields(row: &[u8]) {
    let mut room = Fields::new();
    let split = room.split(row);
    let raw: Vec<&[u8]> = (0..split.len()).map(|i| split.raw(i)).collect();
    assert_eq!(raw.join(&b','), row, "fields are not all of the row");
    let text = std::str::from_utf8(row).ok().filter(|t| !t.contains('\0'));
    let Some(text) = text else {
        assert_eq!(split.values().err(), Some(NotText));
        return;
    };
    let values: Vec<String> = split
        .values()
        .expect("text")
        .iter()
        .map(str::to_owned)
        .collect();
    assert_eq!(values, fields_model::values(text), "values of {text:?}");
    // Written anew, they are the same values.
    let encoded: Vec<_> = values.iter().map(|v| encode_field(v)).collect();
    let encoded = encoded.join(",");
    let again = room.split(encoded.as_bytes()).values().expect("text");
    assert!(again.iter().eq(values.iter()), "{values:?} as {encoded:?}");
    let max = encoded.len().max(1);
    let line = split_line(max, &encoded);
    assert_eq!(line, (!encoded.is_empty()).then_some(encoded));
}

/// The only row of a file of one.
fn split_line(max: usize, line: &str) -> Option<String> {
    let mut rows = split(max, [line.as_bytes(), b"\n"]);
    assert!(rows.len() < 2);
    let row = rows.pop()?;
    assert_eq!(row.fault, None);
    Some(String::from_utf8(row.bytes).expect("text"))
}

/// The crate `csv` reads the same values where the dialects agree: no spaces,
/// no backslashes, no lone CR, every quoted field closed within the row limit.
fn compared(file: &[u8], rows: &[OwnRow]) {
    let agreed = !file.iter().any(|b| b" \\\0".contains(b))
        && rows.iter().all(|r| r.fault.is_none())
        && std::str::from_utf8(file).is_ok()
        && !lone_cr(file);
    if !agreed {
        return;
    }
    let theirs: Vec<Vec<String>> = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(file)
        .records()
        .map(|r| r.expect("a record").iter().map(str::to_owned).collect())
        .collect();
    let mut room = Fields::new();
    let ours: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let values = room.split(&row.bytes).values().expect("text");
            values.iter().map(str::to_owned).collect()
        })
        .collect();
    assert_eq!(ours, theirs, "not what the crate csv reads");
}

fn lone_cr(file: &[u8]) -> bool {
    let mut at = file.iter().enumerate().filter(|(_, b)| **b == b'\r');
    at.any(|(i, _)| file.get(i + 1) != Some(&b'\n'))
}
