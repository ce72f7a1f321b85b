//! Users of several jobs of one pool, in one order of loading.

use super::rows::UserRows;
use crate::store::lanes::JobKey;

/// Users of several jobs, sorted by username key.
#[derive(Debug)]
pub struct Merged<'a> {
    parts: Vec<(&'a JobKey, &'a UserRows)>,
    /// The part of each row, and the row in it.
    order: Vec<(usize, u32)>,
    rare: bool,
}

impl<'a> Merged<'a> {
    /// Merges users that are sorted each. `None` when two jobs have a username in
    /// common: which of them is first is not decided here.
    #[must_use]
    pub fn of(parts: Vec<(&'a JobKey, &'a UserRows)>) -> Option<Self> {
        let mut rows: Vec<_> = parts
            .iter()
            .enumerate()
            .flat_map(|(part, (_, users))| {
                users
                    .firsts()
                    .map(move |row| (users.username_key(row), part, row))
            })
            .collect();
        // Stable, because that sort is quick with what is in order already.
        rows.sort_by_key(|(key, ..)| *key);
        if rows.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return None;
        }
        Some(Self {
            rare: parts.iter().any(|(_, users)| users.is_rare()),
            order: rows.into_iter().map(|(_, part, row)| (part, row)).collect(),
            parts,
        })
    }

    /// Whether there are no users.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Whether a row of one of them has a value in one of the rare columns.
    pub(super) fn is_rare(&self) -> bool {
        self.rare
    }

    pub(super) fn parts(&self) -> impl Iterator<Item = (&'a JobKey, &'a UserRows)> {
        self.parts.iter().copied()
    }

    /// All rows, each with the number of its part, in the order of loading.
    pub(super) fn rows(&self) -> impl Iterator<Item = (usize, &'a UserRows, u32)> {
        self.order
            .iter()
            .map(|(part, row)| (*part, self.parts[*part].1, *row))
    }
}
