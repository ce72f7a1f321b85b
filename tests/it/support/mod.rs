//! What the tests share.

pub mod cluster;
pub mod muster;
pub mod process;
pub mod services;
mod template;
