//! The tests that need a real PostgreSQL or the real binaries, in one program.

mod embedded_postgres;
mod expiry;
mod lifecycle;
mod support;
