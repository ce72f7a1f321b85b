//! The files of users, and what must become of them.

pub mod csv;
pub mod mix;
pub mod truth;
pub mod user;
pub mod words;
