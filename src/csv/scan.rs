//! Where the row that begins here ends.

use memchr::memchr2;

use super::limit::Reach;

/// What a scan came to. Positions count from the row's start.
#[derive(Debug)]
pub(super) enum Scan {
    /// More of the file is needed to tell.
    More,
    /// The row is `..end`, and the next one begins at `next`.
    End { end: usize, next: usize },
    /// The limit, outside quotes: only `..len` lies within it.
    Over { len: usize },
    /// The limit, or the end of the file, in a quoted field that is still open.
    Open { len: usize },
}

/// Looks for the end of one row after the other, a piece at a time.
///
/// A row whose quoted field stays open is given up, and its second line read
/// again as a row. That one may open a quoted field too, and so on for each
/// line: so that the time stays linear, a scan that comes to where an earlier
/// one was, in the state in which that was, goes on from where that one ended.
#[derive(Debug)]
pub(super) struct Scanner {
    at: usize,
    quoted: bool,
    /// Whether a line break was seen in a quoted field: the row spans lines.
    pub(super) spans_lines: bool,
    /// The scan of an earlier row got here, in an open quoted field, as it was
    /// at each line break on the way (else it would have ended there).
    open_until: usize,
    reach: Reach,
}

impl Scanner {
    pub(super) const fn new(max_chars: usize) -> Self {
        Self {
            at: 0,
            quoted: false,
            spans_lines: false,
            open_until: 0,
            reach: Reach::new(max_chars),
        }
    }

    /// For the row that begins behind the bytes `passed`.
    pub(super) fn behind(&self, passed: &[u8]) -> Self {
        let open_until = if self.quoted { self.at } else { 0 };
        Self {
            at: 0,
            quoted: false,
            spans_lines: false,
            open_until: open_until.max(self.open_until).saturating_sub(passed.len()),
            reach: self.reach.behind(passed),
        }
    }

    /// Goes on with `row`: all that is there from the row's start on, up to the
    /// end of the file when it is the `last`.
    pub(super) fn run(&mut self, row: &[u8], last: bool) -> Scan {
        loop {
            if let Some(found) = self.run_within_reach(row, last) {
                return found;
            }
            if row.len() <= self.at.min(self.reach.bytes) {
                return match (last, self.quoted) {
                    (false, _) => Scan::More,
                    (true, true) => Scan::Open { len: row.len() },
                    (true, false) => Scan::End {
                        end: without_cr(row),
                        next: row.len(),
                    },
                };
            }
            if !self.reach.extend(row) {
                return self.at_limit(row, last);
            }
        }
    }

    fn run_within_reach(&mut self, row: &[u8], last: bool) -> Option<Scan> {
        let bound = row.len().min(self.reach.bytes);
        while self.at < bound {
            let ahead = &row[self.at..bound];
            if self.quoted {
                let Some(found) = memchr2(b'"', b'\n', ahead) else {
                    self.at = bound;
                    break;
                };
                self.at += found;
                if row[self.at] == b'\n' {
                    self.spans_lines = true;
                    self.at = self.open_until.max(self.at + 1);
                    continue;
                }
                match row.get(self.at + 1) {
                    Some(b'"') => self.at += 2,
                    // It may yet be the first of two.
                    None if !last => return Some(Scan::More),
                    _ => {
                        self.at += 1;
                        self.quoted = false;
                    }
                }
            } else {
                let Some(found) = memchr2(b'\n', b'"', ahead) else {
                    self.at = bound;
                    break;
                };
                let found = self.at + found;
                self.at = found + 1;
                if row[found] == b'\n' {
                    return Some(Scan::End {
                        end: without_cr(&row[..found]),
                        next: self.at,
                    });
                }
                self.quoted = begins_field(row, found);
            }
        }
        None
    }

    /// The row fills its limit, and there are bytes behind it.
    fn at_limit(&self, row: &[u8], last: bool) -> Scan {
        let len = self.reach.bytes;
        if self.quoted {
            return Scan::Open { len };
        }
        // A line ending does not count.
        match &row[len..] {
            [b'\n', ..] => Scan::End {
                end: without_cr(&row[..len]),
                next: len + 1,
            },
            [b'\r', b'\n', ..] => Scan::End {
                end: len,
                next: len + 2,
            },
            [b'\r'] if last => Scan::End {
                end: len,
                next: len + 1,
            },
            [b'\r'] => Scan::More,
            _ => Scan::Over { len },
        }
    }
}

/// Whether a quote at `at`, outside a quoted field, begins one: at the row's
/// start, or right after a comma that no backslash makes literal.
fn begins_field(row: &[u8], at: usize) -> bool {
    match &row[..at] {
        [] => true,
        [.., b'\\', b','] => false,
        [.., before] => *before == b',',
    }
}

/// The length of `line` without the carriage return of a CRLF.
pub(super) fn without_cr(line: &[u8]) -> usize {
    line.len() - usize::from(line.last() == Some(&b'\r'))
}
