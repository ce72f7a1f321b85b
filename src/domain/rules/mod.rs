//! The rules for single values, one noun a file; the rules for a row as a whole
//! are in `csv::row`. An empty value means "none" and is not passed to these.

pub mod birthdate;
pub mod boolean;
pub mod custom;
pub mod email;
pub mod password_hash;
pub mod phone;
pub mod text;
pub mod updated_at;
pub mod username;
