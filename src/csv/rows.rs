//! The rows of a file that arrives in pieces: where each begins and ends.

use memchr::{memchr, memchr_iter};

use super::limit::Reach;
use super::scan::{Scan, Scanner, without_cr};

/// The row limit unless configured: characters, line ending not counted.
pub const MAX_ROW_CHARS: usize = 16_000;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One row of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// The line on which it begins; the file's first is 1.
    pub line: u64,
    /// Its first byte's offset in the file.
    pub start: u64,
    /// The offset just past its line ending.
    pub end: u64,
    /// The row without its line ending.
    pub bytes: &'a [u8],
    /// Whether `bytes` is only the beginning of a row over the row limit.
    pub cut: bool,
    /// Set when no end was found within the row limit.
    pub fault: Option<RowFault>,
}

/// What is wrong with a row as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFault {
    /// A quoted field was still open at the row limit or the end of the file.
    /// The row was taken to end at its first line break.
    UnterminatedQuote,
    /// Over the row limit. The row was taken to end at the next line break.
    TooLong,
}

/// Splits a file into rows. Bytes go in by [`push`](Self::push); then
/// [`next_row`](Self::next_row) is called until it answers `None`.
///
/// Memory: never more than the last piece and a few rows of the greatest
/// length, if rows are taken out until `None` before more is pushed.
///
/// Time: linear, whatever the bytes.
#[derive(Debug)]
pub struct RowSplitter {
    max_row_chars: usize,
    buffer: Vec<u8>,
    /// Where in `buffer` the row begins that comes next.
    at: usize,
    /// Where in the file that is, and on which line.
    offset: u64,
    line: u64,
    scanner: Scanner,
    /// Set while the rest of a row is passed over.
    skipping: Option<Skip>,
    finished: bool,
}

/// A row of which only the first `kept` bytes are held.
#[derive(Clone, Copy, Debug)]
struct Skip {
    fault: RowFault,
    kept: usize,
    dropped: u64,
}

/// A row at the front of the buffer.
struct Found {
    len: usize,
    /// Bytes up to the next row: in the buffer, and dropped from it before.
    next: usize,
    dropped: u64,
    cut: bool,
    fault: Option<RowFault>,
}

impl RowSplitter {
    /// For a file from its start; a UTF-8 byte order mark there is passed over.
    #[must_use]
    pub fn new(max_row_chars: usize) -> Self {
        Self::resume(max_row_chars, 0, 1)
    }

    /// For the rest of a file from `offset`, where a row begins on `line`: both
    /// as an earlier splitter's [`offset`](Self::offset) and [`next_line`](Self::next_line) gave them.
    #[must_use]
    pub fn resume(max_row_chars: usize, offset: u64, line: u64) -> Self {
        let max_row_chars = max_row_chars.max(1);
        Self {
            max_row_chars,
            buffer: Vec::new(),
            at: 0,
            offset,
            line,
            scanner: Scanner::new(max_row_chars),
            skipping: None,
            finished: false,
        }
    }

    /// Takes in the next bytes of the file.
    pub fn push(&mut self, bytes: &[u8]) {
        let unread = self.buffer.len() - self.at;
        // Only when it pays: each byte moved stands for one that was consumed.
        if self.at >= unread {
            self.buffer.copy_within(self.at.., 0);
            self.buffer.truncate(unread);
            self.at = 0;
        }
        let needed = self.buffer.len() + bytes.len();
        if needed > self.buffer.capacity() {
            // Room for what may stay behind, so that it grows once and not by doubling.
            let roomy = bytes
                .len()
                .saturating_add(2 * Reach::max_bytes(self.max_row_chars));
            if needed <= roomy {
                self.buffer.reserve_exact(roomy - self.buffer.len());
            }
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Says that no more will come.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// The next row; `None` when that needs more bytes, or there is none any more.
    pub fn next_row(&mut self) -> Option<Row<'_>> {
        // Of a row that is passed over, what is held may look like a mark.
        if self.offset == 0 && self.skipping.is_none() && !self.pass_bom() {
            return None;
        }
        loop {
            let found = self.find()?;
            let (start, line) = (self.offset, self.line);
            let row = self.at..self.at + found.len;
            self.offset += found.next as u64 + found.dropped;
            self.line += 1 + self.inner_line_breaks(&self.buffer[row.clone()]);
            let next = self.at + found.next;
            self.scanner = self.scanner.behind(&self.buffer[self.at..next]);
            self.at = next;
            let blank = self.buffer[row.clone()].iter().all(|b| *b == b' ');
            if found.fault.is_some() || !blank {
                return Some(Row {
                    line,
                    start,
                    end: self.offset,
                    bytes: &self.buffer[row],
                    cut: found.cut,
                    fault: found.fault,
                });
            }
        }
    }

    /// Where in the file the next row begins, when all rows so far are done with.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The number of the line that begins at [`offset`](Self::offset).
    #[must_use]
    pub const fn next_line(&self) -> u64 {
        self.line
    }

    /// Whether the row that comes next is known to be over the row limit, before
    /// its end is seen.
    #[must_use]
    pub const fn is_over_limit(&self) -> bool {
        self.skipping.is_some()
    }

    /// The bytes of memory held.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// False while the file's first bytes may still become a byte order mark.
    fn pass_bom(&mut self) -> bool {
        let unread = &self.buffer[self.at..];
        if unread.starts_with(BOM) {
            self.at += BOM.len();
            self.offset += BOM.len() as u64;
        } else if !self.finished && BOM.starts_with(unread) {
            return false;
        }
        true
    }

    fn inner_line_breaks(&self, row: &[u8]) -> u64 {
        if self.scanner.spans_lines {
            memchr_iter(b'\n', row).count() as u64
        } else {
            0
        }
    }

    fn find(&mut self) -> Option<Found> {
        let unread = &self.buffer[self.at..];
        let skip = match self.skipping {
            Some(skip) => skip,
            None if unread.is_empty() => return None,
            None => match self.scanner.run(unread, self.finished) {
                Scan::More => return None,
                Scan::End { end, next } => {
                    return Some(Found {
                        len: end,
                        next,
                        dropped: 0,
                        cut: false,
                        fault: None,
                    });
                }
                Scan::Over { len } => Skip::new(RowFault::TooLong, len),
                Scan::Open { len } => {
                    let fault = RowFault::UnterminatedQuote;
                    if let Some(line_break) = memchr(b'\n', &unread[..len]) {
                        return Some(Found {
                            len: without_cr(&unread[..line_break]),
                            next: line_break + 1,
                            dropped: 0,
                            cut: false,
                            fault: Some(fault),
                        });
                    }
                    Skip::new(fault, len)
                }
            },
        };
        self.skip_line(skip)
    }

    /// Passes over the rest of a row, up to the next line break.
    fn skip_line(&mut self, mut skip: Skip) -> Option<Found> {
        let rest_at = self.at + skip.kept;
        let rest = &self.buffer[rest_at..];
        let line_break = memchr(b'\n', rest);
        if line_break.is_none() && !self.finished {
            skip.dropped += rest.len() as u64;
            self.buffer.truncate(rest_at);
            self.skipping = Some(skip);
            return None;
        }
        self.skipping = None;
        Some(Found {
            len: skip.kept,
            next: skip.kept + line_break.map_or(rest.len(), |i| i + 1),
            dropped: skip.dropped,
            cut: true,
            fault: Some(skip.fault),
        })
    }
}

impl Skip {
    const fn new(fault: RowFault, kept: usize) -> Self {
        Self {
            fault,
            kept,
            dropped: 0,
        }
    }
}
