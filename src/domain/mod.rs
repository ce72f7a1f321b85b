//! Pure rules: ids, pools, users, jobs, the status table, the rules for one
//! row, kinds of errors. Nothing here knows a database, a socket or a file.

pub mod attribute;
pub mod clock;
pub mod error;
pub mod ids;
pub mod job;
pub mod pool;
pub mod principal;
pub mod rejection;
pub mod rules;
pub mod user;
