//! Each limit of a server, and who runs into it.

mod calls;
mod connections;
mod rates;
