//! What the documents name is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// All functions of the Rust files below a folder.
fn functions(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).expect("a source file");
            let names = text.split("fn ").skip(1);
            found.extend(names.filter_map(|rest| Some(rest.split_once('(')?.0.to_owned())));
        }
    }
}

#[test]
fn every_test_that_the_page_on_reliability_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut there = BTreeSet::new();
    functions(&root.join("src"), &mut there);
    functions(&root.join("tests"), &mut there);
    let page = fs::read_to_string(root.join("docs/reliability.md")).expect("the page");
    let named: Vec<&str> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| word.contains('_') && word.chars().all(|c| c == '_' || c.is_lowercase()))
        .collect();
    assert!(named.len() > 50, "{} tests are named", named.len());
    let settings = ["synchronous_commit"];
    let missing: Vec<&&str> = named
        .iter()
        .filter(|name| !there.contains(**name) && !settings.contains(name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
