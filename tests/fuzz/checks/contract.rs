//! The tables of `docs/contract.md` by which answers are judged.

use std::collections::BTreeMap;
use std::sync::LazyLock;

const CONTRACT: &str = include_str!("../../../docs/contract.md");

/// What an error with some reason looks like.
#[derive(Clone, Debug)]
pub struct Reason {
    /// gRPC's name of the code; `None` where gRPC does not answer it.
    pub grpc: Option<String>,
    /// The status over HTTP; `None` where HTTP does not answer it.
    pub http: Option<u16>,
    /// The detail that comes along with it over gRPC.
    pub detail: Option<String>,
}

/// The reasons of the section "Errors", those of calls that no method has
/// seen among them.
pub static REASONS: LazyLock<BTreeMap<String, Reason>> = LazyLock::new(|| {
    let mut reasons: BTreeMap<_, _> = table("## Errors")
        .map(|cells| {
            let [reason, _, grpc, http, detail] = &cells[..] else {
                panic!("a row of five cells: {cells:?}");
            };
            let of = Reason {
                grpc: quoted(grpc).pop(),
                http: http.parse().ok(),
                detail: quoted(detail).into_iter().next(),
            };
            (quoted(reason).remove(0), of)
        })
        .collect();
    assert!(reasons.len() > 20, "the table of errors");
    for (reason, grpc, http) in [
        ("UNKNOWN_METHOD", Some("UNIMPLEMENTED"), None),
        ("MESSAGE_TOO_LARGE", Some("RESOURCE_EXHAUSTED"), None),
        ("MALFORMED_MESSAGE", Some("INVALID_ARGUMENT"), None),
        ("UNKNOWN_PATH", None, Some(404)),
        ("METHOD_NOT_ALLOWED", None, Some(405)),
    ] {
        assert!(CONTRACT.contains(&format!("`{reason}`")), "{reason}");
        let of = Reason {
            grpc: grpc.map(str::to_owned),
            http,
            detail: None,
        };
        assert!(reasons.insert(reason.to_owned(), of).is_none());
    }
    reasons
});

/// The AWS front's exceptions, with their statuses.
pub static EXCEPTIONS: LazyLock<BTreeMap<String, u16>> = LazyLock::new(|| {
    let exceptions: BTreeMap<_, _> = table("## The AWS front")
        .flat_map(|cells| {
            let [_, names, statuses] = &cells[..] else {
                panic!("a row of three cells: {cells:?}");
            };
            let statuses: Vec<u16> = statuses
                .split(", ")
                .map(|status| status.parse().expect("a status"))
                .collect();
            let names = quoted(names).into_iter().enumerate();
            // One status for all, or one for each.
            names
                .map(|(i, name)| (name, statuses[i % statuses.len()]))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(exceptions.len() > 10, "the table of exceptions");
    exceptions
});

/// The rows of the first table below a heading, without the table's own head.
fn table(heading: &str) -> impl Iterator<Item = Vec<String>> {
    let (_, section) = CONTRACT
        .split_once(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("the section {heading}"));
    section
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            let cells = line.trim_matches('|').split('|');
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
}

/// The words in backquotes.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}
