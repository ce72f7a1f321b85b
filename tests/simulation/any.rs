//! Any history: in the short form of `make test`, or as many as one likes
//! (`make drill`).

use std::cell::Cell;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::Mutex;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::plan::plan;
use crate::postgres::Place;
use crate::run::simulate;
use crate::tally::{FAULTS, Tally};

/// Histories of the short form.
const FEW: u32 = 150;
/// Histories after which another cluster is taken: one that has been killed
/// thousands of times, and is full of what was deleted, takes longer for each.
const TOGETHER: u32 = 100;
/// Operations of the longest list.
const LONGEST: usize = 90;

fn setting<T: std::str::FromStr>(name: &str, default: T) -> T {
    match std::env::var(name) {
        Ok(value) => value.parse().unwrap_or_else(|_| panic!("{name}={value}")),
        Err(_) => default,
    }
}

fn rng(seed: u64) -> TestRng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)
}

/// Runs so many histories, one after the other.
fn run(seed: u64, lists: u32, tally: &Mutex<Tally>) -> Result<(), String> {
    let place = Mutex::new(Place::own());
    let config = Config {
        cases: lists,
        failure_persistence: None,
        max_shrink_iters: setting("MUSTER_SIMULATION_SHRINK", 3_000),
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, rng(seed));
    // Until one breaks a promise; those after it only make it shorter.
    let (tried, broken) = (Cell::new(0), Cell::new(false));
    let result = runner.run(&plan(LONGEST), |plan| {
        let mut place = place.lock().unwrap_or_else(|e| e.into_inner());
        if !broken.get() && tried.get() % TOGETHER == TOGETHER - 1 {
            *place = Place::own();
        }
        let done = simulate(&mut place, &plan);
        if !broken.get() {
            tried.set(tried.get() + 1);
            if let Err(why) = &done {
                broken.set(true);
                let promise = why.lines().last().unwrap_or_default();
                println!("seed {seed}, list {}: {promise}", tried.get());
                println!("it is being made shorter");
            }
            if let Ok(one) = &done {
                tally.lock().expect("the tally").add(one);
            }
        }
        done.map(drop).map_err(TestCaseError::fail)
    });
    let after = format!("seed {seed}, list {}", tried.get());
    result.map_err(|error| match error {
        TestError::Fail(why, plan) => format!("{after}, as short as it gets: {why}\n{plan:#?}"),
        TestError::Abort(why) => format!("{after}: {why}"),
    })
}

#[test]
fn after_any_history_of_faults_nothing_is_lost_and_nothing_doubled() {
    let lists: u32 = setting("MUSTER_SIMULATIONS", FEW);
    let seed: u64 = setting("MUSTER_SIMULATION_SEED", 1);
    let threads: u32 = setting("MUSTER_SIMULATION_THREADS", 1).max(1);
    println!("{lists} histories from seed {seed} on");
    let tally = Mutex::new(Tally::default());
    let results: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..threads)
            .map(|n| {
                let share = lists / threads + u32::from(n < lists % threads);
                let tally = &tally;
                scope.spawn(move || run(seed + u64::from(n), share, tally))
            })
            .collect();
        runs.into_iter().map(|run| run.join()).collect()
    });
    let tally = tally.into_inner().expect("the tally");
    println!("{}", tally.json());
    if let Ok(path) = std::env::var("MUSTER_DRILL_REPORT") {
        let report = OpenOptions::new().append(true).create(true).open(path);
        let line = format!("{{\"simulation\":{}}}\n", tally.json());
        report
            .and_then(|mut file| file.write_all(line.as_bytes()))
            .expect("a line of the report");
    }
    for result in results {
        let result = result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        result.unwrap_or_else(|broken| panic!("{broken}"));
    }
    if lists >= FEW {
        for what in FAULTS.into_iter().chain(["jobs_together"]) {
            assert!(tally.of(what) > 0, "no {what} in {lists} histories");
        }
    }
}
