//! The plain path: binary COPY.

use std::iter::Peekable;

use time::OffsetDateTime;

use super::Known;
use super::merged::Merged;
use super::rows::UserRows;
use crate::domain::error::Error;
use crate::store::Transaction;
use crate::store::copy::{HEADER, TRAILER};
use crate::store::lanes::JobKey;

/// Bytes that go to the database at once.
const PIECE: usize = 128 << 10;

/// Inserts the users of a batch except those that are `known`, and those that
/// repeat the username of an earlier one. Answers false, with nothing
/// inserted, when one collides.
///
/// # Errors
/// Unavailable without a database.
pub async fn insert_plain(
    tx: &mut Transaction,
    job: &JobKey,
    users: &UserRows,
    known: &[Known],
    now: OffsetDateTime,
) -> Result<bool, Error> {
    let head = users.copy_head(job, now, users.is_rare());
    let mut known = known.iter().peekable();
    let rows = users
        .all()
        .filter(|row| known.next_if(|k| k.row == *row).is_none() && !users.is_repeat(*row))
        .map(|row| (&*head, users.copy_row(row, users.is_rare())));
    tx.mark().await?;
    if copy(tx, users.is_rare(), rows).await? {
        return Ok(true);
    }
    tx.back_to_mark().await?;
    Ok(false)
}

/// Inserts the users of several jobs of a pool except those that repeat the
/// username of an earlier one of their own job. Answers false when one collides:
/// the transaction is good for nothing then but to be rolled back.
///
/// # Errors
/// Unavailable without a database.
pub async fn insert_merged(
    tx: &mut Transaction,
    users: &Merged<'_>,
    now: OffsetDateTime,
) -> Result<bool, Error> {
    let rare = users.is_rare();
    let heads: Vec<_> = users
        .parts()
        .map(|(job, users)| users.copy_head(job, now, rare))
        .collect();
    // Boxed, or the compiler does not find that it can be sent.
    let rows: Box<dyn Iterator<Item = _> + Send + '_> = Box::new(
        users
            .rows()
            .map(|(part, users, row)| (&*heads[part], users.copy_row(row, rare))),
    );
    copy(tx, rare, rows).await
}

/// Copies rows, each behind its head. Answers false when one collides.
async fn copy<'a>(
    tx: &mut Transaction,
    rare: bool,
    rows: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) -> Result<bool, Error> {
    let mut pieces = Pieces {
        rows: rows.peekable(),
        copied: 0,
        ended: false,
    };
    while pieces.begin() {
        let copied = tx
            .connection()
            .copy(UserRows::copy_statement(rare), |piece| pieces.next(piece))
            .await;
        match copied {
            Ok(_) => {}
            Err(sqlx::Error::Database(e)) if e.is_unique_violation() => return Ok(false),
            Err(e) => return Err(e.into()),
        }
    }
    Ok(true)
}

/// Bytes of one COPY. PostgreSQL gives each a ring of 16 MiB of buffers; one
/// that fills it must write its own pages out, and the log before them.
const MOST: usize = 10 << 20;

/// Rows as binary COPY takes them, piece by piece.
struct Pieces<R: Iterator> {
    rows: Peekable<R>,
    /// Bytes of the COPY that is under way.
    copied: usize,
    ended: bool,
}

impl<'a, R: Iterator<Item = (&'a [u8], &'a [u8])>> Pieces<R> {
    /// Begins a COPY, if there are rows left for one.
    fn begin(&mut self) -> bool {
        self.ended = false;
        self.copied = 0;
        self.rows.peek().is_some()
    }

    /// Makes the next piece. Answers false when there is none.
    fn next(&mut self, piece: &mut Vec<u8>) -> bool {
        if self.ended {
            return false;
        }
        if self.copied == 0 {
            piece.extend_from_slice(HEADER);
        }
        for (head, row) in self.rows.by_ref() {
            piece.extend_from_slice(head);
            piece.extend_from_slice(row);
            if piece.len() >= PIECE {
                self.copied += piece.len();
                if self.copied >= MOST {
                    break;
                }
                return true;
            }
        }
        piece.extend_from_slice(&TRAILER);
        self.ended = true;
        true
    }
}
