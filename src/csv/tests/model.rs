//! Rows as the contract has them, one byte at a time over the whole file: slow,
//! and written without a look at the splitter. `tests/fuzz` has it, too, so it
//! names nothing but what is beside it.

use super::{OwnRow, RowFault};

#[derive(Clone, Copy, PartialEq)]
enum State {
    FieldStart,
    Unquoted,
    AfterBackslash,
    Quoted,
    /// A quote in a quoted field: its end, or the first of two.
    QuoteInQuoted,
}

/// What the bytes from a row's start on turn out to be.
enum End {
    LineBreak(usize),
    File,
    Over(usize),
    Open(usize),
}

pub(super) fn rows(max: usize, file: &[u8]) -> Vec<OwnRow> {
    let mut at = if file.starts_with("\u{feff}".as_bytes()) {
        3
    } else {
        0
    };
    let mut line = 1;
    let mut rows = Vec::new();
    while at < file.len() {
        let line_end = |from: usize| {
            let found = file[from..].iter().position(|b| *b == b'\n');
            found.map_or(file.len(), |i| from + i + 1)
        };
        let first_end = line_end(at);
        let (content, end, fault) = match end_of(max, &file[at..]) {
            End::LineBreak(len) => (without_ending(&file[at..=at + len]), at + len + 1, None),
            End::File => (without_ending(&file[at..]), file.len(), None),
            End::Over(len) => (
                &file[at..at + len],
                line_end(at + len),
                Some(RowFault::TooLong),
            ),
            End::Open(len) if first_end <= at + len && file[first_end - 1] == b'\n' => (
                without_ending(&file[at..first_end]),
                first_end,
                Some(RowFault::UnterminatedQuote),
            ),
            End::Open(len) => (
                &file[at..at + len],
                first_end,
                Some(RowFault::UnterminatedQuote),
            ),
        };
        if fault.is_some() || content.iter().any(|b| *b != b' ') {
            rows.push(OwnRow {
                line,
                start: at as u64,
                end: end as u64,
                bytes: content.to_vec(),
                fault,
            });
        }
        line += file[at..end].iter().filter(|b| **b == b'\n').count() as u64;
        at = end;
    }
    rows
}

fn end_of(max: usize, rest: &[u8]) -> End {
    let mut state = State::FieldStart;
    let mut chars = 0;
    for (i, &byte) in rest.iter().enumerate() {
        let next_state = match (state, byte) {
            (State::FieldStart, b'"') => State::Quoted,
            (State::Quoted, b'"') => State::QuoteInQuoted,
            (State::QuoteInQuoted, b'"') | (State::Quoted, _) => State::Quoted,
            (State::AfterBackslash, b',') => State::Unquoted,
            (_, b',') => State::FieldStart,
            (_, b'\\') => State::AfterBackslash,
            (_, b'\n') => return End::LineBreak(i),
            (_, b'\r') if rest.get(i + 1) == Some(&b'\n') => return End::LineBreak(i + 1),
            (_, b'\r') if i + 1 == rest.len() => return End::File,
            _ => State::Unquoted,
        };
        chars += usize::from(!(0x80..0xC0).contains(&byte));
        if chars > max || i >= 4 * max {
            // A quote that closes the field at the limit closed it in time,
            // unless this byte shows that it did not.
            let open = state == State::Quoted
                || (state == State::QuoteInQuoted && next_state == State::Quoted);
            return if open { End::Open(i) } else { End::Over(i) };
        }
        state = next_state;
    }
    if state == State::Quoted {
        End::Open(rest.len())
    } else {
        End::File
    }
}

fn without_ending(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
