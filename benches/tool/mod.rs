//! What muster is measured against: other people's programs.

pub mod copy;
pub mod h2load;
pub mod pgbench;
pub mod pgloader;

use crate::fault::{Result, failed};

/// What many calls at once came to.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Calls a second.
    pub rate: f64,
    /// Milliseconds in which 99 of 100 calls were answered.
    pub p99: f64,
}

impl Load {
    fn new(rate: f64, mut micros: Vec<f64>) -> Result<Self> {
        if micros.is_empty() {
            return failed("the log of the calls is empty");
        }
        micros.sort_by(f64::total_cmp);
        let p99 = micros[micros.len() * 99 / 100] / 1e3;
        Ok(Self { rate, p99 })
    }
}

/// The numbers in a column of a log.
fn column(log: &str, place: usize) -> Vec<f64> {
    log.lines()
        .filter_map(|line| line.split_whitespace().nth(place)?.parse().ok())
        .collect()
}
