//! The checks of `tests/fuzz`, for the targets of cargo-fuzz.

#![expect(
    clippy::new_without_default,
    reason = "these are for the targets alone"
)]

#[path = "../tests/fuzz/checks/mod.rs"]
pub mod checks;
#[path = "../tests/fuzz/support.rs"]
pub mod support;
