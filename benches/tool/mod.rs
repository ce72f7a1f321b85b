//! What muster is measured against: other people's programs.

pub mod copy;
