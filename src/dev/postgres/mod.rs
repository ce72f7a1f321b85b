//! A PostgreSQL of one's own, from the programs installed on this machine.
//!
//! ```text
//! <folder>/postgres/            0700, of the account that Postgres runs as
//!     lock                      held for as long as a `Cluster` lives
//!     data/                     what initdb made
//!     password                  0600, of the superuser `muster` (Access::Password)
//!     port                      the loopback port of the last start
//!     run/                      the Unix socket
//!     postgres.log
//! ```
//!
//! PostgreSQL refuses to run as root, so a root muster runs it as the owner of
//! the data, or for new data as `postgres` or else `nobody`. When that account
//! cannot reach `<folder>` (say under `/root`), all of the above lies in
//! `/var/lib/muster/<hash of the folder's path>` instead, and the file
//! `<folder>/postgres.elsewhere` says so; whoever starts muster on the folder
//! again finds the same data through it.

mod account;
mod binaries;
mod cluster;
mod error;
mod home;
mod init;
mod left_over;
mod network;
mod server;
mod settings;

use std::path::PathBuf;

pub use account::Account;
pub use binaries::Binaries;
pub use cluster::Cluster;
pub use error::Error;
pub use server::StopMode;

/// The superuser of every embedded cluster.
pub const USER: &str = "muster";

/// What [`Cluster::start`] starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the cluster lies; made when missing.
    pub folder: PathBuf,
    /// Whether a commit outlives a power cut and the killing of Postgres.
    /// `false` is for tests, whose data is thrown away: nothing is flushed to
    /// the disk, and a commit is answered before it is written at all.
    pub durable: bool,
    /// Who may connect, and by which way. Fixed when the cluster is made.
    pub access: Access,
    /// The database that is made along with the cluster, beside `postgres`.
    pub database: Option<String>,
    /// More of `postgresql.conf`, name and value; wins over muster's own
    /// settings, save that nothing makes a durable cluster less durable.
    pub settings: Vec<(String, String)>,
    /// Where `initdb`, `postgres` and `pg_ctl` are; otherwise they are looked
    /// for in `PATH` and in `/usr/lib/postgresql/*/bin`.
    pub binaries: Option<PathBuf>,
}

impl Options {
    /// The cluster of `muster dev`: durable, behind a password, with a
    /// database `muster`.
    #[must_use]
    pub fn durable(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            durable: true,
            access: Access::Password,
            database: Some(USER.to_owned()),
            settings: Vec::new(),
            binaries: None,
        }
    }

    /// A cluster for tests: fast, forgetful, on a Unix socket alone.
    #[must_use]
    pub fn throwaway(folder: impl Into<PathBuf>) -> Self {
        Self {
            durable: false,
            access: Access::Socket,
            database: None,
            ..Self::durable(folder)
        }
    }
}

/// Who may connect to an embedded cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Over a loopback port or the socket, with the random password kept in
    /// the cluster's folder (SCRAM).
    Password,
    /// Over the Unix socket, without a password, by whoever may enter its
    /// folder: this account and root. No TCP at all.
    Socket,
}
