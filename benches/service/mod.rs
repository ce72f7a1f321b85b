//! What is measured: a Postgres, and muster's programs on it.

pub mod client;
pub mod cluster;
pub mod process;
pub mod programs;
pub mod site;
