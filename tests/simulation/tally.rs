//! What was tried, in numbers.

use std::collections::BTreeMap;

/// What goes wrong in histories.
pub const FAULTS: [&str; 9] = [
    "kills",
    "shutdowns",
    "calls_cut_before",
    "calls_cut_after",
    "sessions_ended",
    "statements_cancelled",
    "reads_cut",
    "leases_run_out",
    "database_restarts",
];

/// Of one history, or of many.
#[derive(Clone, Debug, Default)]
pub struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    pub fn count(&mut self, what: &'static str, many: u64) {
        *self.0.entry(what).or_default() += many;
    }

    pub fn of(&self, what: &'static str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }

    /// Faults of all kinds.
    pub fn faults(&self) -> u64 {
        FAULTS.iter().map(|fault| self.of(fault)).sum()
    }

    pub fn add(&mut self, other: &Self) {
        for (what, many) in &other.0 {
            self.count(what, *many);
        }
    }

    /// One line of JSON.
    pub fn json(&self) -> String {
        serde_json::to_string(&self.0).expect("numbers")
    }
}
