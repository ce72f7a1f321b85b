//! What `muster dev`, `muster demo` and the tests need besides muster itself.

pub mod postgres;
