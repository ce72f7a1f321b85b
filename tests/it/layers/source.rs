//! The source files, as far as the house rules look at them.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file, without its comments and unit tests.
pub struct Source {
    /// From `src/` on.
    pub path: String,
    pub room: String,
    pub code: Vec<String>,
    pub lines: usize,
}

/// All files below `src/`.
pub fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    paths.sort();
    let sources: Vec<Source> = paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a source file");
            let path = path.strip_prefix(&root).expect("a path below src");
            let path = path.to_str().expect("a path in UTF-8").to_owned();
            let room = path.split('/').next().unwrap_or_default();
            Source {
                room: room.trim_end_matches(".rs").to_owned(),
                lines: text.lines().count(),
                code: code(&text),
                path,
            }
        })
        .collect();
    assert!(sources.len() > 100, "{} files", sources.len());
    sources
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|e| e == "rs") {
            paths.push(path);
        }
    }
}

/// The lines of a file without comments, up to its unit tests.
fn code(text: &str) -> Vec<String> {
    let end = text.find("#[cfg(test)]\nmod tests");
    text[..end.unwrap_or(text.len())]
        .lines()
        .map(|line| {
            // Not the slashes of a URL.
            let comment = line
                .match_indices("//")
                .find(|(at, _)| !line[..*at].ends_with(':'));
            line[..comment.map_or(line.len(), |(at, _)| at)].to_owned()
        })
        .collect()
}

impl Source {
    /// Whether the file is part of unit tests.
    pub fn is_test(&self) -> bool {
        ["/tests/", "/tests.rs", "/fake.rs"]
            .iter()
            .any(|part| self.path.contains(part))
    }

    /// The rooms that it names, each with its line.
    pub fn uses(&self) -> Vec<(usize, String)> {
        let root = if self.room == "bin" {
            "muster::"
        } else {
            "crate::"
        };
        let mut found = Vec::new();
        let code = self.code.join("\n");
        for (at, _) in code.match_indices(root) {
            let outside = code[..at].chars().next_back();
            if outside.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let line = code[..at].matches('\n').count() + 1;
            for name in names(&code[at + root.len()..]) {
                found.push((line, name));
            }
        }
        found
    }
}

/// The first names of what stands behind `crate::`: one, or a list in braces.
fn names(path: &str) -> Vec<String> {
    let word = |text: &str| {
        let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_'));
        text[..end.unwrap_or(text.len())].to_owned()
    };
    let Some(list) = path.strip_prefix('{') else {
        return vec![word(path)];
    };
    let mut names = vec![word(list.trim_start())];
    let mut depth = 0;
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(word(list[at + 1..].trim_start())),
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn uses_are_found_in_lists_and_not_in_comments() {
    let code = code(
        "use crate::{store::{a, b}, csv};\n// crate::grpc\nx(\"http://crate::\", crate::domain::T);\n#[cfg(test)]\nmod tests { use crate::cli; }",
    );
    let source = Source {
        path: "importer/x.rs".to_owned(),
        room: "importer".to_owned(),
        lines: code.len(),
        code,
    };
    let uses: Vec<_> = source
        .uses()
        .into_iter()
        .filter(|(_, n)| !n.is_empty())
        .collect();
    let found = [(1, "store"), (1, "csv"), (3, "domain")];
    assert_eq!(uses, found.map(|(line, name)| (line, name.to_owned())));
}
