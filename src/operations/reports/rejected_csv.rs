//! `rejected.csv`: the uploaded file again, of which only the rows that were
//! not imported pass. Neither the file nor the report is ever held whole.

use std::collections::VecDeque;
use std::fmt::Write as _;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};

use crate::csv::fields::{Fields, encode_field};
use crate::csv::rows::{Row, RowFault, RowSplitter};
use crate::domain::attribute::REPORT_COLUMNS;
use crate::domain::error::Error;
use crate::domain::job::{Upload, UserImportJob};
use crate::domain::rejection::Rejection;
use crate::operations::Muster;
use crate::store;

/// Rejections that are fetched at once.
const PAGE: i64 = 1_000;

/// A report on its way out.
struct Report {
    muster: Muster,
    job: UserImportJob,
    upload: BoxStream<'static, Result<Bytes, Error>>,
    splitter: RowSplitter,
    fields: Fields,
    /// Columns of the file that are columns of a report themselves.
    old: Option<Vec<usize>>,
    /// The next rejections, by line.
    next: VecDeque<Rejection>,
    /// The last line of which the rejection was fetched; `None` at the end.
    fetched: Option<u64>,
    ended: bool,
}

impl Muster {
    pub(super) async fn rejected_rows_of(
        &self,
        job: UserImportJob,
        upload: Upload,
    ) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
        let stream = self
            .0
            .objects
            .read(&upload.object, 0)
            .await?
            .ok_or_else(|| {
                Error::upload_not_found(job.job_id, "The uploaded file is not there any more.")
            })?;
        let report = Report {
            muster: self.clone(),
            job,
            upload: stream,
            splitter: RowSplitter::new(self.0.settings.max_row_chars),
            fields: Fields::new(),
            old: None,
            next: VecDeque::new(),
            fetched: Some(0),
            ended: false,
        };
        Ok(stream::try_unfold(report, |mut report| async move {
            Ok(report.piece().await?.map(|bytes| (bytes, report)))
        })
        .boxed())
    }
}

impl Report {
    /// The next bytes of the report; `None` at its end.
    async fn piece(&mut self) -> Result<Option<Bytes>, Error> {
        let mut out = Vec::new();
        while out.is_empty() {
            if self.ended || !self.refill().await? {
                return Ok(None);
            }
            match self.upload.next().await {
                Some(bytes) => self.splitter.push(&bytes?),
                None => {
                    self.splitter.finish();
                    self.ended = true;
                }
            }
            while self.row(&mut out) {
                if !self.refill().await? {
                    break;
                }
            }
        }
        Ok(Some(out.into()))
    }

    /// Fetches rejections when there are none left. Answers false at their end.
    async fn refill(&mut self) -> Result<bool, Error> {
        if self.old.is_none() || !self.next.is_empty() {
            return Ok(true);
        }
        let Some(after) = self.fetched else {
            return Ok(false);
        };
        let (pool, job) = (&self.job.user_pool_id, self.job.job_id);
        let rows = store::rejections::list(&self.muster.0.db, pool, job, after, PAGE).await?;
        self.fetched = rows.last().map(|r| r.line);
        self.next = rows.into();
        Ok(!self.next.is_empty())
    }

    /// Passes one row on, if it is to be passed on. Answers false when more of
    /// the file is needed first.
    fn row(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(row) = self.splitter.next_row() else {
            return false;
        };
        let Some(old) = &self.old else {
            self.old = Some(header(&row, &mut self.fields, out));
            return true;
        };
        // Rejections of lines that the file does not have (any more) are passed over.
        while self.next.front().is_some_and(|r| r.line < row.line) {
            self.next.pop_front();
        }
        if self.next.front().is_some_and(|r| r.line == row.line)
            && let Some(rejection) = self.next.pop_front()
        {
            rejected(&row, &mut self.fields, old, &rejection, out);
        }
        true
    }
}

/// Writes the header, and answers which of its columns an earlier report added.
fn header(row: &Row<'_>, fields: &mut Fields, out: &mut Vec<u8>) -> Vec<usize> {
    let split = fields.split(row.bytes);
    let old = split.values().map_or_else(
        |_| Vec::new(),
        |values| {
            (0..values.len())
                .filter(|i| REPORT_COLUMNS.contains(&values.get(*i)))
                .collect()
        },
    );
    original(row, fields, &old, out);
    for name in REPORT_COLUMNS {
        out.push(b',');
        out.extend_from_slice(name.as_bytes());
    }
    out.push(b'\n');
    old
}

fn rejected(
    row: &Row<'_>,
    fields: &mut Fields,
    old: &[usize],
    rejection: &Rejection,
    out: &mut Vec<u8>,
) {
    original(row, fields, old, out);
    let mut added = String::new();
    // Writing to a String cannot fail.
    let written = write!(
        added,
        ",{},{},{}",
        rejection.line,
        rejection.code,
        encode_field(&rejection.message())
    );
    debug_assert!(written.is_ok());
    out.extend_from_slice(added.as_bytes());
    out.push(b'\n');
}

/// Writes a row as it stood in the file, without the columns of an earlier
/// report, in such a way that another field can follow.
fn original(row: &Row<'_>, fields: &mut Fields, old: &[usize], out: &mut Vec<u8>) {
    let split = fields.split(row.bytes);
    let kept: Vec<usize> = (0..split.len()).filter(|i| !old.contains(i)).collect();
    for (n, i) in kept.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        let raw = split.raw(*i);
        let last_of_row = *i + 1 == split.len();
        if last_of_row && row.fault == Some(RowFault::UnterminatedQuote) {
            // The open quote would swallow what follows: it is closed here.
            out.extend_from_slice(raw);
            out.push(b'"');
        } else if raw.ends_with(b"\\") && !raw.starts_with(b"\"") {
            // A backslash would take the meaning from the comma that follows.
            out.push(b'"');
            for b in raw {
                if *b == b'"' {
                    out.push(b'"');
                }
                out.push(*b);
            }
            out.push(b'"');
        } else {
            out.extend_from_slice(raw);
        }
    }
}
