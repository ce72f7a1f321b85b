//! `rejected.csv`: the uploaded file again, of which only the rows that were
//! not imported pass. Neither the file nor the report is ever held whole.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};

use crate::csv::fields::{Fields, encode_field};
use crate::csv::rows::{Row, RowFault, RowSplitter};
use crate::domain::attribute::REPORT_COLUMNS;
use crate::domain::error::Error;
use crate::domain::job::{Upload, UserImportJob};
use crate::domain::rejection::Rejection;
use crate::objects::{Pieces, SMALL};
use crate::operations::Muster;
use crate::store;

/// Rejections that are fetched at once.
const PAGE: i64 = 1_000;
const GONE: &str = "The uploaded file is not there any more.";

/// A report on its way out.
struct Report {
    muster: Muster,
    job: UserImportJob,
    upload: Upload,
    pieces: Pieces,
    splitter: RowSplitter,
    fields: Fields,
    /// Columns of the file that are columns of a report themselves.
    old: Option<Vec<usize>>,
    /// The next rejections, by line.
    next: VecDeque<Rejection>,
    /// The last line of which the rejection was fetched; `None` at the end.
    fetched: Option<u64>,
    /// A row of which the splitter holds the beginning only.
    long: Option<Long>,
    ended: bool,
}

/// A row over the row limit, which is copied from the store in pieces.
struct Long {
    bytes: Pieces,
    /// What the report adds to it.
    added: Vec<u8>,
}

impl Muster {
    pub(super) async fn rejected_rows_of(
        &self,
        job: UserImportJob,
        upload: Upload,
    ) -> Result<Pieces, Error> {
        let stream = self
            .0
            .objects
            .read(&upload, 0..upload.bytes, SMALL)
            .await?
            .ok_or_else(|| Error::upload_not_found(job.job_id, GONE))?;
        let report = Report {
            muster: self.clone(),
            job,
            upload,
            pieces: stream,
            splitter: RowSplitter::new(self.0.settings.max_row_chars),
            fields: Fields::new(),
            old: None,
            next: VecDeque::new(),
            fetched: Some(0),
            long: None,
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
        loop {
            if let Some(bytes) = self.long_piece().await? {
                return Ok(Some(bytes));
            }
            let mut out = Vec::new();
            let mut long = None;
            let mut more = self.refill().await?;
            while more && long.is_none() && self.row(&mut out, &mut long) {
                more = self.refill().await?;
            }
            if let Some((range, added)) = long {
                self.open_long(range, added).await?;
            }
            if !out.is_empty() {
                return Ok(Some(out.into()));
            }
            if self.long.is_some() {
                continue;
            }
            if self.ended || !more {
                return Ok(None);
            }
            match self.pieces.next().await {
                Some(bytes) => self.splitter.push(&bytes?),
                None => {
                    self.splitter.finish();
                    self.ended = true;
                }
            }
        }
    }

    /// The next bytes of a long row; `None` when there is none.
    async fn long_piece(&mut self) -> Result<Option<Bytes>, Error> {
        let Some(long) = &mut self.long else {
            return Ok(None);
        };
        if let Some(bytes) = long.bytes.next().await {
            return bytes.map(Some);
        }
        let added = std::mem::take(&mut long.added);
        self.long = None;
        Ok(Some(added.into()))
    }

    /// Begins to copy a long row, without its line ending.
    async fn open_long(&mut self, range: Range<u64>, added: Vec<u8>) -> Result<(), Error> {
        let ending = range.end.saturating_sub(2).max(range.start)..range.end;
        let mut last = Vec::new();
        let mut bytes = self.range(ending).await?;
        while let Some(piece) = bytes.next().await {
            last.extend_from_slice(&piece?);
        }
        let cut = match last.as_slice() {
            [.., b'\r', b'\n'] => 2,
            [.., b'\n'] => 1,
            _ => 0,
        };
        let bytes = self.range(range.start..range.end - cut).await?;
        self.long = Some(Long { bytes, added });
        Ok(())
    }

    async fn range(&mut self, range: Range<u64>) -> Result<Pieces, Error> {
        let objects = &self.muster.0.objects;
        objects
            .read(&self.upload, range, SMALL)
            .await?
            .ok_or_else(|| Error::upload_not_found(self.job.job_id, GONE))
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
    fn row(&mut self, out: &mut Vec<u8>, long: &mut Option<(Range<u64>, Vec<u8>)>) -> bool {
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
            let added = added(&rejection);
            if row.cut {
                *long = Some((row.start..row.end, added));
            } else {
                original(&row, &mut self.fields, old, out);
                out.extend_from_slice(&added);
            }
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

/// What the report adds to a row, line break included.
fn added(rejection: &Rejection) -> Vec<u8> {
    format!(
        ",{},{},{}\n",
        rejection.line,
        rejection.code,
        encode_field(&rejection.message())
    )
    .into_bytes()
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
