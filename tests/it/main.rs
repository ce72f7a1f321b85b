//! The tests that need a real PostgreSQL or the real binaries, in one program.

mod batches;
mod crash;
mod embedded_postgres;
mod expiry;
mod imports;
mod lifecycle;
mod paging;
mod process_dev;
mod process_help;
mod process_import;
mod process_services;
mod purge;
mod schema;
mod support;
mod transport;
