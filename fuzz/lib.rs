//! The checks of `tests/fuzz`, for the targets of cargo-fuzz.

#[path = "../tests/fuzz/checks/mod.rs"]
pub mod checks;
#[path = "../tests/fuzz/support.rs"]
pub mod support;
