//! Which usernames of a batch are taken.

use std::collections::HashMap;

use super::rows::{UserRows, duplicate};
use crate::domain::attribute::USERNAME_COLUMN;
use crate::domain::error::Error;
use crate::domain::rejection::{Rejection, RejectionCode};
use crate::store::lanes::JobKey;
use crate::store::{Transaction, unsigned};

/// A row of a batch whose username a user has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its place in the batch.
    pub(super) row: u32,
    /// The line that the user is from, if it is from this file.
    earlier: Option<u64>,
}

/// Looks for users that have a username of the batch, in the order of loading.
/// Each key is looked up by itself; as one join, Postgres may read the whole
/// pool for it when it takes the pool for small.
///
/// # Errors
/// Unavailable without a database.
pub async fn find_known(
    tx: &mut Transaction,
    job: &JobKey,
    users: &UserRows,
) -> Result<Vec<Known>, Error> {
    let firsts: Vec<u32> = users.firsts().collect();
    let keys: Vec<&str> = firsts
        .iter()
        .map(|row| std::str::from_utf8(users.username_key(*row)).map_err(Error::internal))
        .collect::<Result<_, _>>()?;
    // As two arrays: a row for each would be most of the work.
    let found = sqlx::query!(
        r#"SELECT coalesce(array_agg(c.place), '{}') AS "places!",
               coalesce(array_agg(CASE WHEN u.import_job_id = $2 THEN u.import_line END), '{}')
                   AS "earlier!: Vec<Option<i64>>"
           FROM UNNEST($3::text[]) WITH ORDINALITY AS c (username_key, place),
               LATERAL (SELECT import_job_id, import_line FROM users
                   WHERE user_pool_id = $1 AND username_key = c.username_key LIMIT 1) u"#,
        job.user_pool_id.as_str(),
        job.job_id.0,
        &keys[..] as _,
    )
    .fetch_one(tx.connection())
    .await?;
    let mut found: Vec<(i64, Option<i64>)> = found.places.into_iter().zip(found.earlier).collect();
    found.sort_unstable_by_key(|(place, _)| *place);
    found
        .into_iter()
        .map(|(place, earlier)| {
            let place = usize::try_from(place - 1).map_err(Error::internal)?;
            Ok(Known {
                row: *firsts
                    .get(place)
                    .ok_or_else(|| Error::internal("a place beyond the batch"))?,
                earlier: earlier.map(unsigned).transpose()?,
            })
        })
        .collect()
}

impl UserRows {
    /// Why rows are rejected when all but those `known` were inserted: for
    /// each of them its user, and for the repeats of a row the same, or that row.
    #[must_use]
    pub fn rejections(&self, known: &[Known]) -> Vec<Rejection> {
        let taken = |line, earlier| match earlier {
            Some(earlier) => duplicate(line, earlier),
            None => Rejection {
                line,
                code: RejectionCode::UserAlreadyExists,
                column: Some(USERNAME_COLUMN.into()),
                detail: None,
            },
        };
        let mut rejections: Vec<Rejection> = known
            .iter()
            .map(|k| taken(self.line(k.row), k.earlier))
            .collect();
        let mut repeated = self.repeated().peekable();
        if repeated.peek().is_some() {
            let by_row: HashMap<u32, Option<u64>> =
                known.iter().map(|k| (k.row, k.earlier)).collect();
            rejections.extend(repeated.map(|(line, first)| {
                let earlier = by_row.get(&first).copied();
                taken(line, earlier.unwrap_or(Some(self.line(first))))
            }));
        }
        rejections
    }
}
