//! The kept corpus: inputs written by hand, inputs by which a fuzzer reached
//! some code, and each input that once found a bug.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::checks::offline::Offline;
use crate::checks::world::World;
use crate::checks::{
    aws_front, csv_header, csv_rows, csv_users, grpc, http_port, page_token, upload_url,
};

/// The entry points.
const TARGETS: [&str; 8] = [
    "aws_front",
    "csv_header",
    "csv_rows",
    "csv_users",
    "grpc",
    "http_port",
    "page_token",
    "upload_url",
];
/// The longest input that is kept.
const LONGEST: usize = 4096;

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    entries
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.into_string().expect("a name in UTF-8"))
        .collect()
}

/// Tries every input that is kept for a target.
fn replay(target: &str, check: impl Fn(&[u8])) {
    let folder = root("tests/fuzz/corpus").join(target);
    let inputs = names(&folder);
    assert!(inputs.len() >= 10, "{} inputs for {target}", inputs.len());
    for name in inputs {
        // The last to be told is the one that failed.
        println!("tests/fuzz/corpus/{target}/{name}");
        let input = fs::read(folder.join(name)).expect("an input");
        assert!(input.len() <= LONGEST, "{} bytes", input.len());
        check(&input);
    }
}

#[test]
fn kept_files_are_split_into_rows() {
    replay("csv_rows", csv_rows::check);
}

#[test]
fn kept_headers_are_judged() {
    replay("csv_header", csv_header::check);
}

#[test]
fn kept_rows_are_judged() {
    replay("csv_users", csv_users::check);
}

#[test]
fn kept_page_tokens_are_told_from_altered_ones() {
    replay("page_token", page_token::check);
}

#[test]
fn kept_upload_urls_are_told_from_altered_ones() {
    let offline = Offline::new();
    replay("upload_url", |input| upload_url::check(&offline, input));
}

#[test]
fn kept_calls_of_the_aws_front_are_answered() {
    let world = World::new();
    replay("aws_front", |input| aws_front::check(&world, input));
}

#[test]
fn kept_calls_over_grpc_are_answered() {
    let world = World::new();
    replay("grpc", |input| grpc::check(&world, input));
}

#[test]
fn kept_requests_of_the_http_port_are_answered() {
    let world = World::new();
    replay("http_port", |input| http_port::check(&world, input));
}

#[test]
fn every_target_has_its_check_its_corpus_and_its_place_in_the_manifest() {
    let expected: BTreeSet<String> = TARGETS.iter().map(|t| (*t).to_owned()).collect();
    assert_eq!(names(&root("tests/fuzz/corpus")), expected);
    let manifest = fs::read_to_string(root("fuzz/Cargo.toml")).expect("the manifest");
    let targets = names(&root("fuzz/fuzz_targets"));
    assert_eq!(targets.len(), TARGETS.len());
    for target in TARGETS {
        assert!(targets.contains(&format!("{target}.rs")), "{target}");
        assert!(
            manifest.contains(&format!("name = \"{target}\"")),
            "{target}"
        );
        let code = fs::read_to_string(root(&format!("fuzz/fuzz_targets/{target}.rs")));
        let call = format!("{target}::check(");
        assert!(code.expect("the target").contains(&call), "{target}");
    }
}
