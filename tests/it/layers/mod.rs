//! The house rules of ARCHITECTURE.md that a compiler does not check: which
//! room uses which, and what no room may do. The tables below may only shrink.

mod source;

use std::collections::BTreeSet;

use source::sources;

/// Each room with the rooms that it may use, all of them below it. `api` is
/// what is generated from `proto/`.
const ROOMS: [(&str, &[&str]); 16] = [
    ("domain", &[]),
    ("meters", &["domain"]),
    ("traces", &[]),
    ("api", &[]),
    ("csv", &["domain"]),
    ("store", &["domain", "meters"]),
    ("objects", &["domain"]),
    (
        "operations",
        &["domain", "meters", "traces", "csv", "store", "objects"],
    ),
    (
        "importer",
        &["domain", "meters", "traces", "csv", "store", "objects"],
    ),
    (
        "scheduler",
        &["domain", "meters", "traces", "store", "objects", "importer"],
    ),
    ("grpc", &["api", "domain", "meters", "traces", "operations"]),
    ("http", &["domain", "meters", "traces", "operations"]),
    (
        "process",
        &[
            "domain",
            "meters",
            "store",
            "objects",
            "operations",
            "scheduler",
            "grpc",
            "http",
        ],
    ),
    // The rehearsal of `muster demo` puts a server of its own together.
    (
        "dev",
        &["api", "domain", "objects", "operations", "process"],
    ),
    // The commands talk to a server; those that are one are next door.
    ("cli", &["api", "process", "dev"]),
    ("bin", &["cli", "process"]),
];

/// Words that only some rooms may write, and the rooms or files that may.
const WORDS: [(&str, &[&str]); 19] = [
    ("opentelemetry::", &["traces", "process/telemetry.rs"]),
    ("opentelemetry_sdk::", &["traces", "process/telemetry.rs"]),
    ("opentelemetry_otlp::", &["process/telemetry.rs"]),
    ("metrics::", &["meters", "process/metrics_port.rs"]),
    (
        "metrics_exporter_prometheus::",
        &["process/metrics_port.rs"],
    ),
    ("sqlx::", &["store"]),
    ("object_store::", &["objects"]),
    ("tonic::", &["api", "grpc", "process", "dev", "cli"]),
    ("axum::", &["grpc", "http", "process", "cli"]),
    (
        "tokio::",
        &[
            "store",
            "objects",
            "operations",
            "importer",
            "scheduler",
            "grpc",
            "http",
            "process",
            "dev",
            "cli",
            "bin",
        ],
    ),
    (
        "std::fs",
        &["objects", "operations/callers", "process", "dev", "cli"],
    ),
    ("std::net", &["grpc", "http", "process", "dev", "cli"]),
    ("SystemTime::now", &[]),
    ("now_utc(", &["domain/clock.rs"]),
    ("Utc::now", &[]),
    // Request ids are no part of what a test must foresee.
    (
        "Uuid::new_v4",
        &["domain/ids.rs", "operations/callers", "dev", "cli"],
    ),
    ("Uuid::now_v7", &["domain/ids.rs", "operations/callers"]),
    ("process::exit", &["process", "bin"]),
    ("println!", &["process", "dev", "cli", "bin"]),
];

/// What ends a process or a task that should have answered an error, and how
/// often a file may still do so.
const PANICS: [&str; 6] = [
    ".unwrap()",
    ".expect(",
    "panic!(",
    "unreachable!(",
    "todo!(",
    "unimplemented!(",
];
const PANICS_LEFT: [(&str, usize); 3] = [
    ("dev/postgres/cluster.rs", 2),
    // AWS's model, which is compiled in: tests load the very same one.
    ("http/aws/model.rs", 2),
    ("process/config/listening.rs", 1),
];

/// Longest file, in lines.
const LINES: usize = 500;

fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn a_room_uses_only_the_rooms_below_it() {
    let mut faults = Vec::new();
    let mut used = BTreeSet::new();
    for source in sources().iter().filter(|s| s.path != "lib.rs") {
        let Some((_, allowed)) = ROOMS.iter().find(|(room, _)| *room == source.room) else {
            faults.push(format!("src/{} is in no room", source.path));
            continue;
        };
        for (line, room) in source.uses() {
            // What is no room is an item of the crate's root, or a log target.
            if room == source.room || !ROOMS.iter().any(|(r, _)| *r == room) {
                continue;
            }
            if allowed.contains(&room.as_str()) {
                used.insert((source.room.clone(), room));
            } else {
                faults.push(format!(
                    "src/{}:{line}: {} must not use {room}",
                    source.path, source.room
                ));
            }
        }
    }
    for (room, allowed) in ROOMS {
        for below in allowed {
            if !used.contains(&(room.to_owned(), (*below).to_owned())) {
                faults.push(format!(
                    "{room} does not use {below}: take it off the table"
                ));
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn the_table_of_rooms_has_no_way_up() {
    for (place, (room, allowed)) in ROOMS.iter().enumerate() {
        for below in *allowed {
            let found = ROOMS.iter().position(|(r, _)| r == below);
            assert!(found.is_some_and(|f| f < place), "{room} uses {below}");
        }
    }
}

#[test]
fn libraries_clocks_and_chance_stay_in_the_rooms_that_are_for_them() {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|s| !s.is_test()) {
        for (word, rooms) in WORDS {
            if rooms.iter().any(|room| source.path.starts_with(room)) {
                continue;
            }
            for (line, code) in (1..).zip(&source.code) {
                let here = code.match_indices(word).any(|(at, _)| {
                    // A module of that name is no crate.
                    let before = &code[..at];
                    !before.ends_with("::")
                        && !before.ends_with(char::is_alphanumeric)
                        && !before.trim_end().ends_with("pub use")
                });
                if here {
                    faults.push(format!("src/{}:{line}: {word}", source.path));
                }
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn nothing_panics_outside_of_tests() {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|s| !s.is_test()) {
        let lines: Vec<usize> = (1..)
            .zip(&source.code)
            .filter(|(_, code)| PANICS.iter().any(|word| code.contains(word)))
            .map(|(line, _)| line)
            .collect();
        let left = PANICS_LEFT.iter().find(|(path, _)| *path == source.path);
        if lines.len() != left.map_or(0, |(_, left)| *left) {
            faults.push(format!("src/{}: lines {lines:?}", source.path));
        }
    }
    assert_none(&faults);
}

#[test]
fn no_file_is_too_long() {
    let long = sources().into_iter().filter(|s| s.lines > LINES);
    let long: Vec<_> = long
        .map(|s| format!("src/{}: {}", s.path, s.lines))
        .collect();
    assert_none(&long);
}
