//! Pure rules: ids, pools, users, jobs, the status table, the rules for one
//! row, kinds of errors. Nothing here knows a database, a socket or a clock.

pub mod attribute;
pub mod ids;
pub mod pool;
pub mod rejection;
pub mod rules;
