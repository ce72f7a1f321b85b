//! What takes bytes from outside, tried with the kept corpus and with
//! generated input. The targets of `fuzz/` try the same for hours.

mod checks;
mod corpus;
mod generated;
#[expect(dead_code, reason = "tests/it uses more of it")]
mod support;
