//! Drills: the real binaries, and the faults that a bad day brings. Each drill
//! ends by proving that every row came to exactly one outcome, the one that it
//! would have come to on a good day.
//!
//! `make test` runs a few seeds of each, `make drill` many. The knobs are
//! variables:
//!
//! - `MUSTER_DRILL_SEEDS`: seeds of the drill of kills; others run a share;
//! - `MUSTER_DRILL_FIRST_SEED`: the first of them, to run one again;
//! - `MUSTER_DRILL_REPORT`: a file to which each drill adds a line of JSON.

mod caller;
mod changed_file;
mod client;
mod connections;
mod file;
mod full_disk;
mod kills;
mod look;
mod many_jobs;
mod network;
mod outage;
mod outcome;
mod program;
mod proxy;
mod races;
mod roles;
mod seeds;
mod site;
mod stall;
mod tally;

#[path = "../it/support/mod.rs"]
#[expect(dead_code, reason = "the other test program uses the rest")]
mod support;
