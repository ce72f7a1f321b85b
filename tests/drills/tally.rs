//! What a drill has done and found, for whoever keeps figures.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::ops::Range;
use std::time::Duration;

use serde_json::json;

/// Counts over one or more runs of a drill.
#[derive(Debug, Default)]
pub struct Tally {
    faults: BTreeMap<&'static str, u64>,
    rows: u64,
    lost: u64,
    doubled: u64,
    takeover: Option<Duration>,
    figures: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Notes a fault that was made.
    pub fn fault(&mut self, kind: &'static str) {
        self.faults(kind, 1);
    }

    pub fn faults(&mut self, kind: &'static str, times: u64) {
        *self.faults.entry(kind).or_default() += times;
    }

    /// Notes what became of the rows of a file.
    pub fn rows(&mut self, rows: u64, lost: u64, doubled: u64) {
        self.rows += rows;
        self.lost += lost;
        self.doubled += doubled;
    }

    /// Notes how long it took from a fault until another worker got on.
    pub fn takeover(&mut self, took: Duration) {
        self.takeover = self.takeover.max(Some(took));
    }

    /// Notes a figure of one drill alone; the highest counts.
    pub fn figure(&mut self, name: &'static str, value: u64) {
        let highest = self.figures.entry(name).or_default();
        *highest = value.max(*highest);
    }

    /// Takes in the counts of another run.
    pub fn add(&mut self, other: Self) {
        for (kind, times) in other.faults {
            self.faults(kind, times);
        }
        self.rows(other.rows, other.lost, other.doubled);
        self.takeover = self.takeover.max(other.takeover);
        for (name, value) in other.figures {
            self.figure(name, value);
        }
    }

    /// Adds a line to the report, if one is wanted. Panics unless nothing was
    /// lost and nothing doubled.
    pub fn report(&self, drill: &str, seeds: Range<u64>, took: Duration) {
        let line = json!({
            "drill": drill,
            "seeds": seeds.end - seeds.start,
            "first_seed": seeds.start,
            "faults": self.faults.values().sum::<u64>(),
            "faults_by_kind": self.faults,
            "rows": self.rows,
            "lost": self.lost,
            "doubled": self.doubled,
            "longest_takeover_ms": self.takeover.map(|t| t.as_millis() as u64),
            "figures": self.figures,
            "seconds": took.as_secs(),
        });
        println!("{line}");
        if let Ok(path) = std::env::var("MUSTER_DRILL_REPORT") {
            let mut file = OpenOptions::new()
                .append(true)
                .create(true)
                .open(&path)
                .unwrap_or_else(|e| panic!("{path}: {e}"));
            // In one piece: other drills write at the same time.
            file.write_all(format!("{line}\n").as_bytes())
                .expect("a line of the report");
        }
        assert_eq!((self.lost, self.doubled), (0, 0), "rows lost and doubled");
    }
}
