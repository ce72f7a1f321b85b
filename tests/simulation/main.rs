//! Histories of faults: a list of operations is made up and run step by step
//! on a real PostgreSQL, and after each step that anybody could see the
//! promises of `docs/contract.md` are checked. A list that breaks one shrinks
//! to the shortest that does.
//!
//! A step is one round trip to the database. Each worker has a way of its own
//! there ([`wire`]), which lets one step through when it is told to: so a
//! worker stands still between any two of its steps for as long as the list
//! likes, dies there, or finds its connection cut. All workers live on one
//! thread whose time stands still, so that a list runs the same way each time;
//! nothing of this is known in `src/`.

mod actor;
mod any;
mod cases;
mod ending;
mod file;
mod frames;
mod history;
mod plan;
mod postgres;
mod run;
mod seen;
mod snapshot;
mod store;
mod tally;
mod together;
mod wire;
mod world;

#[path = "../it/support/mod.rs"]
#[expect(
    dead_code,
    reason = "the other tests' support, of which a part is used"
)]
mod support;
