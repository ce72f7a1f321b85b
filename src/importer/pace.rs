//! How many rows a lane's next batch may have.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A lane's first batch is small, so that the database has work, and callers
/// see progress, while the reader fills the next.
const FIRST: usize = 1_000;
/// What a batch should not fall below, however slow the database: most of its
/// time would go to the transaction.
const LEAST: usize = 500;
/// How long a batch should take at most: counters move with each.
const GOAL: Duration = Duration::from_millis(400);

/// The size of a lane's batches: as large as may be, unless the database takes
/// so long for one that counters would stand still meanwhile.
#[derive(Debug)]
pub struct Pace {
    rows: AtomicUsize,
    most: usize,
}

impl Pace {
    /// A pace for batches of up to `most` rows.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            rows: AtomicUsize::new(FIRST.min(most)),
            most,
        }
    }

    /// The most rows of the next batch.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.load(Ordering::Relaxed)
    }

    /// Notes how long a batch took to write.
    pub fn took(&self, rows: usize, time: Duration) {
        let now = self.rows();
        let next = if time > GOAL {
            let share = GOAL.as_secs_f64() / time.as_secs_f64();
            ((rows as f64 * share) as usize).max(LEAST).min(now)
        } else if rows >= now && time < GOAL / 2 {
            now.saturating_mul(4)
        } else {
            now
        };
        self.rows.store(next.min(self.most), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_millis(20);

    #[test]
    fn batches_begin_small_and_grow_while_the_database_is_quick() {
        let pace = Pace::new(20_000);
        let mut sizes = Vec::new();
        for _ in 0..4 {
            sizes.push(pace.rows());
            pace.took(pace.rows(), QUICK);
        }
        assert_eq!(sizes, [1_000, 4_000, 16_000, 20_000]);
    }

    #[test]
    fn a_batch_that_was_not_full_says_nothing_about_larger_ones() {
        let pace = Pace::new(20_000);
        pace.took(10, QUICK);
        assert_eq!(pace.rows(), 1_000);
    }

    #[test]
    fn a_slow_database_gets_batches_that_it_writes_in_time_but_none_too_small() {
        let pace = Pace::new(20_000);
        for _ in 0..3 {
            pace.took(pace.rows(), QUICK);
        }
        pace.took(20_000, Duration::from_secs(4));
        assert_eq!(pace.rows(), 2_000);
        pace.took(2_000, Duration::from_secs(60));
        assert_eq!(pace.rows(), 500);
        pace.took(500, QUICK);
        assert_eq!(pace.rows(), 2_000);
    }

    #[test]
    fn the_limit_holds_however_small_it_is() {
        let pace = Pace::new(7);
        assert_eq!(pace.rows(), 7);
        pace.took(7, QUICK);
        assert_eq!(pace.rows(), 7);
        pace.took(7, Duration::from_secs(60));
        assert_eq!(pace.rows(), 7);
    }
}
