//! How many rows a lane's next batch should have, so that a running job's
//! counters move at least twice a second, however slow the database is.

use std::time::Duration;

/// What a batch should take. Less than half a second, so that one that takes
/// half as long again still moves the counters in time.
pub const AIM: Duration = Duration::from_millis(300);
/// The first batch: soon there on a fast database, and not too late on a slow
/// one.
const FIRST: usize = 500;
/// Batches do not become smaller than that: below it a batch's own cost is what
/// takes the time, and fewer rows would only make more of it.
const LEAST: usize = 100;

/// The size of a lane's batches, by how long those before took. As large as the
/// settings allow where a batch is quick; the time comes as a parameter.
#[derive(Clone, Debug)]
pub struct Pace {
    most: usize,
    size: usize,
}

impl Pace {
    /// Batches of at most so many rows.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            most,
            size: FIRST.min(most),
        }
    }

    /// Rows of the next batch.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }

    /// Notes how long a batch took that was written at the first try, from the
    /// beginning of its transaction to the end of its commit.
    pub fn took(&mut self, rows: usize, time: Duration) {
        // What would have taken as long as it should.
        let fitting = rows as u128 * AIM.as_nanos() / time.as_nanos().max(1);
        let fitting = usize::try_from(fitting).unwrap_or(usize::MAX);
        if time > AIM {
            // One stall says little: not below a quarter at once.
            let size = fitting.max(rows / 4).max(LEAST);
            self.size = size.min(self.size);
        } else if rows >= self.size {
            // A batch that was cut short for another reason says nothing of
            // how much longer a larger one would take.
            self.size = fitting.min(2 * rows).clamp(self.size, self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MOST: usize = 5_000;
    /// Twice a second.
    const IN_TIME: Duration = Duration::from_millis(500);

    /// A database that takes so long for a batch, and so long for a row of it.
    #[derive(Clone, Copy, Debug)]
    struct Database {
        batch: Duration,
        row: Duration,
    }

    impl Database {
        fn of(rows_a_second: u32) -> Self {
            Self {
                batch: Duration::from_millis(5),
                row: Duration::from_secs(1) / rows_a_second,
            }
        }

        /// Has it write so many batches; answers what each took.
        fn write(self, pace: &mut Pace, batches: usize) -> Vec<Duration> {
            let batch = |_| {
                let rows = pace.size();
                let time = self.batch + self.row * rows as u32;
                pace.took(rows, time);
                time
            };
            (0..batches).map(batch).collect()
        }
    }

    #[test]
    fn a_fast_database_has_the_largest_batches_soon() {
        let mut pace = Pace::new(MOST);
        assert_eq!(pace.size(), FIRST);
        Database::of(100_000).write(&mut pace, 4);
        assert_eq!(pace.size(), MOST);
    }

    #[test]
    fn a_slow_database_has_batches_that_end_in_time_from_the_first_on() {
        for rows_a_second in [1_500, 2_000, 5_000, 10_000] {
            let mut pace = Pace::new(MOST);
            let database = Database::of(rows_a_second);
            let times = database.write(&mut pace, 20);
            assert!(times.iter().all(|t| *t < IN_TIME), "{times:?}");
            let rows = f64::from(rows_a_second) * 0.25;
            assert!(pace.size() as f64 > rows, "{rows_a_second}: {pace:?}");
        }
    }

    #[test]
    fn a_database_that_becomes_slow_is_followed_and_one_that_recovers_too() {
        let mut pace = Pace::new(MOST);
        Database::of(100_000).write(&mut pace, 10);
        let times = Database::of(2_000).write(&mut pace, 4);
        assert!(times[0] > IN_TIME && times[2] < IN_TIME, "{times:?}");
        Database::of(100_000).write(&mut pace, 4);
        assert_eq!(pace.size(), MOST);
    }

    #[test]
    fn one_stall_costs_a_few_smaller_batches_only() {
        let mut pace = Pace::new(MOST);
        let database = Database::of(100_000);
        database.write(&mut pace, 10);
        pace.took(MOST, Duration::from_secs(20));
        assert_eq!(pace.size(), MOST / 4);
        database.write(&mut pace, 2);
        assert_eq!(pace.size(), MOST);
    }

    #[test]
    fn what_a_batch_costs_by_itself_does_not_make_them_ever_smaller() {
        let mut pace = Pace::new(MOST);
        let database = Database {
            batch: Duration::from_secs(1),
            row: Duration::from_micros(10),
        };
        database.write(&mut pace, 50);
        assert_eq!(pace.size(), LEAST);
    }

    #[test]
    fn a_batch_that_was_cut_short_says_nothing_unless_it_took_too_long() {
        let mut pace = Pace::new(MOST);
        Database::of(100_000).write(&mut pace, 10);
        for (rows, time) in [(0, 0), (0, 40), (3, 40), (MOST - 1, 299)] {
            pace.took(rows, Duration::from_millis(time));
            assert_eq!(pace.size(), MOST, "{rows} rows in {time} ms");
        }
        pace.took(1_000, Duration::from_millis(600));
        assert_eq!(pace.size(), 500);
    }

    proptest! {
        #[test]
        fn a_size_is_between_the_bounds_whatever_comes(
            most in 1..200_000usize,
            batches in prop::collection::vec((0..300_000usize, any::<u64>()), 0..50),
        ) {
            let mut pace = Pace::new(most);
            for (rows, nanos) in batches {
                pace.took(rows, Duration::from_nanos(nanos));
                prop_assert!((LEAST.min(most)..=most).contains(&pace.size()));
            }
        }

        #[test]
        fn no_database_of_some_speed_is_left_behind(
            batch in 0..50u64,
            rows_a_second in 1_000..300_000u32,
        ) {
            let database = Database {
                batch: Duration::from_millis(batch),
                row: Duration::from_secs(1) / rows_a_second,
            };
            let mut pace = Pace::new(MOST);
            // Slow or quick before: it comes to the same.
            for before in [500, 300_000] {
                Database::of(before).write(&mut pace, 20);
                let times = database.write(&mut pace, 20);
                prop_assert!(times[10..].iter().all(|t| *t < IN_TIME), "{:?}", times);
                prop_assert!(pace.size() == MOST || times[19] > AIM / 2, "{:?}", times);
            }
        }
    }
}
