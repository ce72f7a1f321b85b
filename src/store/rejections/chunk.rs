//! Rows of a job that were rejected for one reason and lie close together: one
//! row of the table `rejected_lines`.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::domain::error::Error;
use crate::domain::rejection::{Rejection, RejectionCode};
use crate::store::{signed, unknown_word, unsigned};

/// Lines of which a chunk may have rows: from a multiple of this up to the next
/// one. Who lists by line reads no more than a span too much, and a chunk is
/// small enough to lie in the table itself, unless most of its rows have a
/// detail. A CHECK of the table says the same.
const SPAN: u64 = 512;

/// The span of a line.
pub(super) const fn span(line: u64) -> u64 {
    line / SPAN
}

/// The first line of a line's span.
pub(super) const fn span_start(line: u64) -> u64 {
    line - line % SPAN
}

/// A chunk as it was read.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) first_line: u64,
    pub(super) code: String,
    pub(super) column: Option<Cow<'static, str>>,
    /// How far each row is from the first.
    pub(super) offsets: Vec<i16>,
    /// One for each row, where rows of this code have any.
    pub(super) details: Option<Vec<Option<i64>>>,
}

impl Chunk {
    /// Adds the chunk's rows that come after a line.
    ///
    /// # Errors
    /// Internal when the chunk is not as [`Chunks`] makes them.
    pub(super) fn rejections_after(
        &self,
        after: u64,
        found: &mut Vec<Rejection>,
    ) -> Result<(), Error> {
        let code = RejectionCode::from_name(&self.code).ok_or_else(|| unknown_word("code"))?;
        for (i, offset) in self.offsets.iter().enumerate() {
            let line = self.first_line + u64::try_from(*offset).map_err(Error::internal)?;
            if line <= after {
                continue;
            }
            let detail = self.details.as_ref().and_then(|all| *all.get(i)?);
            found.push(Rejection {
                line,
                code,
                column: self.column.clone(),
                detail: detail.map(unsigned).transpose()?,
            });
        }
        Ok(())
    }
}

/// Chunks to be written, column by column. All columns are of one length.
#[derive(Debug, Default)]
pub(super) struct Chunks<'a> {
    pub(super) first_lines: Vec<i64>,
    pub(super) codes: Vec<&'static str>,
    pub(super) columns: Vec<Option<&'a str>>,
    /// Arrays as PostgreSQL writes them: `{0,3,4}`.
    pub(super) offsets: Vec<String>,
    pub(super) details: Vec<Option<String>>,
    /// Where the chunks of the present span begin.
    present: usize,
}

impl<'a> Chunks<'a> {
    /// The chunks of rejections that come by line.
    ///
    /// # Errors
    /// Internal when they do not.
    pub(super) fn of(rejections: impl Iterator<Item = &'a Rejection>) -> Result<Self, Error> {
        let mut chunks = Self::default();
        let mut before = 0;
        for rejection in rejections {
            if rejection.line <= before {
                return Err(Error::internal("rejections that are not in order"));
            }
            if span(rejection.line) != span(before) {
                chunks.end_span();
            }
            before = rejection.line;
            chunks.push(rejection)?;
        }
        chunks.end_span();
        Ok(chunks)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first_lines.is_empty()
    }

    fn push(&mut self, rejection: &'a Rejection) -> Result<(), Error> {
        let (code, column) = (rejection.code.as_str(), rejection.column.as_deref());
        let line = signed(rejection.line)?;
        // Few of them: a span has seldom more than some reasons.
        let same = (self.present..self.codes.len()).find(|i| {
            self.codes[*i] == code
                && self.columns[*i] == column
                && self.details[*i].is_some() == rejection.detail.is_some()
        });
        match same {
            Some(i) => {
                let offset = line - self.first_lines[i];
                add(&mut self.offsets[i], &format_args!(",{offset}"));
                if let (Some(details), Some(detail)) = (&mut self.details[i], rejection.detail) {
                    add(details, &format_args!(",{detail}"));
                }
            }
            None => {
                self.first_lines.push(line);
                self.codes.push(code);
                self.columns.push(column);
                self.offsets.push("{0".to_owned());
                let first = rejection.detail.map(|detail| format!("{{{detail}"));
                self.details.push(first);
            }
        }
        Ok(())
    }

    /// Closes the arrays of the present span.
    fn end_span(&mut self) {
        for offsets in &mut self.offsets[self.present..] {
            offsets.push('}');
        }
        for details in self.details[self.present..].iter_mut().flatten() {
            details.push('}');
        }
        self.present = self.offsets.len();
    }
}

fn add(text: &mut String, what: &std::fmt::Arguments<'_>) {
    // A String takes everything.
    let written = text.write_fmt(*what);
    debug_assert!(written.is_ok());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejection(line: u64, code: RejectionCode, detail: Option<u64>) -> Rejection {
        Rejection {
            line,
            code,
            column: Some("email".into()),
            detail,
        }
    }

    #[test]
    fn rows_of_one_reason_and_span_go_together_and_others_do_not() {
        use RejectionCode::{DuplicateInFile as D, InvalidEmail as E};
        let all = [
            rejection(2, E, None),
            rejection(5, D, Some(4)),
            rejection(9, E, None),
            rejection(511, D, Some(2_000_000_000_000)),
            rejection(512, E, None),
            rejection(1_023, E, None),
            rejection(3_000_000_001, E, None),
        ];
        let chunks = Chunks::of(all.iter()).expect("chunks");
        assert_eq!(chunks.first_lines, [2, 5, 512, 3_000_000_001]);
        assert_eq!(chunks.codes, [E, D, E, E].map(RejectionCode::as_str));
        assert_eq!(chunks.offsets, ["{0,7}", "{0,506}", "{0,511}", "{0}"]);
        let details = chunks.details.iter().map(Option::as_deref);
        let wanted = [None, Some("{4,2000000000000}"), None, None];
        assert!(details.eq(wanted));
    }

    #[test]
    fn rows_that_do_not_come_by_line_are_refused() {
        let code = RejectionCode::InvalidEmail;
        for lines in [[3, 2], [2, 2]] {
            let all = lines.map(|line| rejection(line, code, None));
            assert!(Chunks::of(all.iter()).is_err(), "{lines:?}");
        }
    }
}
