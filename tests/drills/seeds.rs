//! Seeds: what a drill draws its random instants from, and how often it runs.

use std::ops::Range;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::tally::Tally;

/// SplitMix64: all that a drill needs of chance, the same on every machine.
pub struct Rng(u64);

impl Rng {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number of a range that is not empty.
    pub const fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    pub const fn one_in(&mut self, n: u64) -> bool {
        self.within(0..n) == 0
    }

    /// A pause that makes an instant random: less than so many milliseconds.
    pub async fn pause(&mut self, millis: u64) {
        let micros = self.within(0..millis * 1_000);
        tokio::time::sleep(Duration::from_micros(micros)).await;
    }
}

fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value}")))
}

/// Whether this is `make drill`.
pub fn is_long() -> bool {
    variable("MUSTER_DRILL_SEEDS").is_some()
}

/// The seeds of a drill: `short` of them in `make test`, and in `make drill`
/// one for each `share` of the drill of kills.
fn of(short: u64, share: u64) -> Range<u64> {
    let first = variable("MUSTER_DRILL_FIRST_SEED").unwrap_or(0);
    let count = variable("MUSTER_DRILL_SEEDS").map_or(short, |all| all.div_ceil(share));
    first..first + count
}

/// Runs a drill with each of its seeds, some side by side, since most of a
/// drill is waiting. Panics when one fails, and says with which seed.
pub fn each(drill: &str, (short, share): (u64, u64), run: impl AsyncFn(u64) -> Tally + Sync) {
    let begun = Instant::now();
    let seeds = of(short, share);
    let waiting = Mutex::new(seeds.clone());
    let total = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..if is_long() { 4 } else { 2 } {
            scope.spawn(|| {
                while let Some(seed) = {
                    let mut waiting = waiting.lock().expect("the seeds");
                    waiting.next()
                } {
                    let _said = SaidWhenItFails { drill, seed };
                    // The drill may block its thread: connections live on another.
                    let tally = tokio::runtime::Builder::new_multi_thread()
                        .worker_threads(1)
                        .enable_all()
                        .build()
                        .expect("a runtime")
                        .block_on(run(seed));
                    total.lock().expect("the tally").add(tally);
                }
            });
        }
    });
    let total = total.into_inner().expect("the tally");
    total.report(drill, seeds, begun.elapsed());
}

struct SaidWhenItFails<'a> {
    drill: &'a str,
    seed: u64,
}

impl Drop for SaidWhenItFails<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "the drill {} failed with MUSTER_DRILL_FIRST_SEED={}",
                self.drill, self.seed
            );
        }
    }
}
