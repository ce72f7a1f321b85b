//! Requests of the HTTP port.

use super::chance::Chance;
use super::csv;
use crate::checks::world::jobs;

const PARTS: [&str; 20] = [
    "/v1/uploads/local_100000000/",
    "/v1/user-import-jobs/",
    "/rejected.csv",
    "?expires=1772367300",
    "&max-bytes=1048576",
    "&signature=",
    jobs::NEW,
    jobs::ENDED,
    "/healthz",
    "/readyz",
    "/",
    "?",
    "&",
    "%",
    "%00",
    "%2F",
    "..",
    "import-1",
    "é",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
];
const METHODS: [&str; 8] = [
    "PUT", "GET", "HEAD", "POST", "DELETE", "OPTIONS", "PATCH", "MADEUP",
];
const HEADERS: [&str; 9] = [
    "authorization: Bearer admin-token",
    "authorization: Bearer reader-token",
    "authorization: Bearer stranger-token",
    "authorization: Basic x",
    "content-encoding: gzip",
    "content-encoding: identity, IDENTITY",
    "expect: 100-continue",
    "x-request-id: one two",
    "range: bytes=0-1",
];

/// A target made of parts of good ones.
fn target(chance: &mut Chance<'_>) -> String {
    (0..=chance.below(6)).map(|_| chance.pick(&PARTS)).collect()
}

/// A made-up URL, or parameters of a signed one.
pub fn upload_url(chance: &mut Chance<'_>) -> Vec<u8> {
    if chance.one_in(2) {
        let mut input = vec![1];
        input.extend(chance.0);
        return input;
    }
    let request = format!("{} {}", chance.pick(&METHODS), target(chance));
    [&[0], request.as_bytes()].concat()
}

/// A request of the port.
pub fn request(chance: &mut Chance<'_>) -> Vec<u8> {
    let mut request = match chance.below(3) {
        0 => "PUT $".to_owned(),
        1 => format!("GET /v1/user-import-jobs/{}/rejected.csv", jobs::ENDED),
        _ => format!("{} {}", chance.pick(&METHODS), target(chance)),
    };
    for _ in 0..chance.below(4) {
        request.push('\n');
        request.push_str(chance.pick(&HEADERS));
    }
    request.push_str("\n\n");
    let mut request = request.into_bytes();
    if chance.one_in(2) {
        request.extend(b"cognito:username,email,email_verified\n");
    }
    // Without the parameters of the other checks.
    request.extend(csv::rows(chance).split_off(2));
    request
}
