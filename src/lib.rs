//! muster: bulk user import jobs as a service of one's own.

pub mod api;
pub mod cli;
pub mod csv;
pub mod dev;
pub mod domain;
pub mod grpc;
pub mod http;
pub mod importer;
pub mod meters;
pub mod objects;
pub mod operations;
pub mod process;
pub mod scheduler;
pub mod store;
pub mod traces;
