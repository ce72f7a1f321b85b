//! The plain path: binary COPY.

use time::OffsetDateTime;

use super::Known;
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
    let mut pieces = Pieces::new(job, users, known, now);
    tx.mark().await?;
    while pieces.begin() {
        let copied = tx
            .connection()
            .copy(users.copy_statement(), |piece| pieces.next(piece))
            .await;
        match copied {
            Ok(_) => {}
            Err(sqlx::Error::Database(e)) if e.is_unique_violation() => {
                tx.back_to_mark().await?;
                return Ok(false);
            }
            Err(e) => return Err(e.into()),
        }
    }
    Ok(true)
}

/// Bytes of one COPY. PostgreSQL gives each a ring of 16 MiB of buffers; one
/// that fills it must write its own pages out, and the log before them.
const MOST: usize = 10 << 20;

/// The rows as binary COPY takes them, piece by piece.
struct Pieces<'a> {
    head: Vec<u8>,
    users: &'a UserRows,
    known: &'a [Known],
    /// How many rows in the order of loading are done.
    done: usize,
    /// Bytes of the COPY that is under way.
    copied: usize,
    ended: bool,
}

impl<'a> Pieces<'a> {
    fn new(job: &JobKey, users: &'a UserRows, known: &'a [Known], now: OffsetDateTime) -> Self {
        Self {
            head: users.copy_head(job, now),
            users,
            known,
            done: 0,
            copied: 0,
            ended: false,
        }
    }

    /// Begins a COPY, if there are rows left for one.
    fn begin(&mut self) -> bool {
        self.ended = false;
        self.copied = 0;
        self.done < self.users.len()
    }

    /// Makes the next piece. Answers false when there is none.
    fn next(&mut self, piece: &mut Vec<u8>) -> bool {
        if self.ended {
            return false;
        }
        if self.copied == 0 {
            piece.extend_from_slice(HEADER);
        }
        while let Some(row) = self.users.after(self.done) {
            self.done += 1;
            if self.known.first().is_some_and(|k| k.row == row) {
                self.known = &self.known[1..];
                continue;
            }
            if self.users.is_repeat(row) {
                continue;
            }
            piece.extend_from_slice(&self.head);
            piece.extend_from_slice(self.users.copy_row(row));
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
