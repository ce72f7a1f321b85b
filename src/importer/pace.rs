//! How many rows a lane's next batch may have.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A lane's first batch is small, so that the database has work, and callers
/// see progress, while the reader fills the next.
const FIRST: usize = 1_000;
/// What a batch should not fall below, however slow the database: most of its
/// time would go to the transaction.
const LEAST: usize = 500;
/// How long a batch of a job's only lane should take at most: counters move
/// with each. Of several lanes each may take longer.
const GOAL: Duration = Duration::from_millis(400);
const LONGEST_GOAL: Duration = Duration::from_millis(800);
/// How much larger the next batch may be than the last one; and what part of
/// the rows that would fit it gets, so that it does not take too long at once.
const GROWTH: usize = 4;
const CAUTION: f64 = 0.8;
/// A lane that has nothing to do is given this part of a batch.
const PART: usize = 8;

/// The size of a lane's batches: as large as may be, unless the database takes
/// so long for one that counters would stand still meanwhile.
#[derive(Debug)]
pub struct Pace {
    rows: AtomicUsize,
    most: usize,
    goal: Duration,
}

impl Pace {
    /// A pace for batches of up to `most` rows on one of so many lanes.
    #[must_use]
    pub fn new(most: usize, lanes: u32) -> Self {
        Self {
            rows: AtomicUsize::new(FIRST.min(most)),
            most,
            goal: (GOAL * lanes).clamp(GOAL, LONGEST_GOAL),
        }
    }

    /// That of a file which is to be one batch, whatever it takes.
    #[must_use]
    pub fn whole_files() -> Self {
        Self {
            rows: AtomicUsize::new(usize::MAX),
            most: usize::MAX,
            goal: LONGEST_GOAL,
        }
    }

    /// The most rows of the next batch.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.load(Ordering::Relaxed)
    }

    /// The fewest rows that are worth a transaction when the lane has nothing to
    /// do: the first batch is small, but no small file is cut in two.
    #[must_use]
    pub fn worth(&self) -> usize {
        let rows = self.rows();
        (rows / PART).max(FIRST).min(rows)
    }

    /// Notes how long a batch took to write.
    pub fn took(&self, rows: usize, time: Duration) {
        let now = self.rows();
        // What would take as long as it should.
        let fitting = rows as f64 * self.goal.as_secs_f64() / time.as_secs_f64().max(1e-6);
        let next = if time > self.goal {
            (fitting as usize).max(LEAST).min(now)
        } else if rows >= now / 2 {
            ((fitting * CAUTION) as usize).clamp(now, now.saturating_mul(GROWTH))
        } else {
            // A batch that was far from full says nothing about larger ones.
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
        let pace = Pace::new(20_000, 1);
        let mut sizes = Vec::new();
        for _ in 0..4 {
            sizes.push(pace.rows());
            pace.took(pace.rows(), QUICK);
        }
        assert_eq!(sizes, [1_000, 4_000, 16_000, 20_000]);
    }

    #[test]
    fn a_batch_that_was_not_full_says_nothing_about_larger_ones() {
        let pace = Pace::new(20_000, 1);
        pace.took(10, QUICK);
        assert_eq!(pace.rows(), 1_000);
    }

    #[test]
    fn a_slow_database_gets_batches_that_it_writes_in_time_but_none_too_small() {
        let pace = Pace::new(20_000, 1);
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
    fn batches_settle_a_little_below_what_fits() {
        let pace = Pace::new(100_000, 1);
        let per_row = Duration::from_micros(10);
        for _ in 0..10 {
            let rows = pace.rows();
            pace.took(rows, per_row * rows as u32);
        }
        // 400 ms at 10 us each are 40,000 rows.
        assert_eq!(pace.rows(), 32_000);
    }

    #[test]
    fn each_of_several_lanes_may_take_longer_for_a_batch_than_an_only_one() {
        for (lanes, rows) in [(0, 10_000), (1, 10_000), (2, 20_000), (64, 20_000)] {
            let pace = Pace::new(20_000, lanes);
            for _ in 0..3 {
                pace.took(pace.rows(), QUICK);
            }
            pace.took(20_000, Duration::from_millis(800));
            assert_eq!(pace.rows(), rows, "{lanes}");
        }
    }

    #[test]
    fn a_lane_that_waits_is_given_a_part_but_no_small_file_is_cut_in_two() {
        let pace = Pace::new(20_000, 1);
        assert_eq!(pace.worth(), 1_000);
        for _ in 0..3 {
            pace.took(pace.rows(), QUICK);
        }
        assert_eq!(pace.worth(), 2_500);
        assert_eq!(Pace::new(7, 1).worth(), 7);
    }

    #[test]
    fn the_limit_holds_however_small_it_is() {
        let pace = Pace::new(7, 1);
        assert_eq!(pace.rows(), 7);
        pace.took(7, QUICK);
        assert_eq!(pace.rows(), 7);
        pace.took(7, Duration::from_secs(60));
        assert_eq!(pace.rows(), 7);
    }
}
