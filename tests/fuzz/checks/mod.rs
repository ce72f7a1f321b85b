//! What must hold for whatever bytes come from outside: one function for each
//! entry point. The targets of `fuzz/` call them with what the fuzzer makes,
//! `make test` with the kept corpus and with generated input.

mod alarm;
mod alter;
mod aws_call;
pub mod aws_front;
pub mod aws_model;
mod contract;
pub mod csv_header;
pub mod csv_rows;
pub mod csv_users;
mod fields_model;
pub mod grpc;
mod grpc_call;
mod grpc_client;
mod http_error;
pub mod http_port;
pub mod offline;
pub mod page_token;
mod request;
mod row_model;
mod schema;
pub mod upload_url;
pub mod world;
