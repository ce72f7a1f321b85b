//! The CSV file, from bytes to users: rows with their positions, fields, the
//! header, and the rules for one row. Pure: bytes come in, nothing is read here.

mod commas;
mod contacts;
mod fault;
pub mod fields;
pub mod header;
mod layout;
mod limit;
pub mod row;
pub mod rows;
mod scan;
mod user;

#[cfg(test)]
mod tests;
