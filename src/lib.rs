//! muster: bulk user import jobs as a service of one's own.

pub mod csv;
pub mod domain;
