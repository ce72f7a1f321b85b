//! What `muster dev`, `muster demo` and the tests need besides muster itself.

mod data_dir;
pub mod demo;
mod expected;
pub mod postgres;
mod rehearsal;
pub mod stack;
mod temporary;
