//! What the tests share.

pub mod cluster;
pub mod collector;
pub mod exposition;
pub mod gate;
pub mod http;
pub mod imports;
pub mod look;
pub mod muster;
pub mod process;
pub mod proxy;
pub mod s3;
pub mod s3_versions;
pub mod services;
pub mod template;
pub mod watch;
pub mod wire;
