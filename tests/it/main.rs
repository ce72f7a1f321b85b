//! The tests that need a real PostgreSQL or the real binaries, in one program.

mod aws;
mod backlog;
mod batches;
mod crash;
mod embedded_postgres;
mod expiry;
mod imports;
mod layers;
mod lifecycle;
mod outage;
mod paging;
mod plans;
mod process_aws;
mod process_dev;
mod process_help;
mod process_import;
mod process_metrics;
mod process_services;
mod process_traces;
mod purge;
mod schema;
mod shutdown;
mod support;
mod transport;
