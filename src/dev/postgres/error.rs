//! What can go wrong with an embedded cluster, in words that say what to do.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// Why an embedded cluster could not be started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// PostgreSQL is not installed, or not where it was looked for.
    #[error(
        "found no PostgreSQL (initdb, postgres and pg_ctl in one folder) in {looked}: install it \
         (`apt-get install postgresql`), or give a server of your own with --database-url"
    )]
    NoBinaries {
        /// The places that were tried.
        looked: String,
    },

    /// The data was written by a major version that is not installed.
    #[error(
        "the data was written by PostgreSQL {data}, but only {found} is installed: install \
         PostgreSQL {data}, or use another folder"
    )]
    OtherVersion {
        /// The major version of the data.
        data: u32,
        /// The major versions that were found.
        found: String,
    },

    /// Another process has a cluster in this folder.
    #[error(
        "the PostgreSQL in {} is in use by another muster: stop that one, or use another folder",
        home.display()
    )]
    InUse {
        /// Where the cluster lies.
        home: PathBuf,
    },

    /// Started by root, with nobody to become.
    #[error(
        "PostgreSQL does not run as root, and this machine has neither a user `postgres` nor \
         `nobody` to run it as"
    )]
    NoAccount,

    /// The account that Postgres must run as cannot reach its folder, and the
    /// data is there already, so it cannot go elsewhere.
    #[error(
        "user id {uid}, as which PostgreSQL runs, cannot enter {}: allow it (chmod o+x on the \
         folders above), or use another folder", home.display()
    )]
    Unreachable {
        /// The account.
        uid: u32,
        /// Where the data is.
        home: PathBuf,
    },

    /// A file or folder of the cluster.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },

    /// A program of PostgreSQL could not be run at all.
    #[error("cannot run {}", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// The system's answer.
        source: io::Error,
    },

    /// `initdb` or `pg_ctl` failed.
    #[error("{} failed ({status}): {output}", program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// How it ended.
        status: ExitStatus,
        /// What it printed.
        output: String,
    },

    /// No port on the loopback interface could be had.
    #[error("no free port on 127.0.0.1")]
    NoPort(#[source] io::Error),

    /// Every possible path of the Unix socket is longer than the system takes.
    #[error("the path of the Unix socket would be too long: {}", dir.display())]
    SocketPath {
        /// The shortest folder that was tried.
        dir: PathBuf,
    },

    /// The server ended, or did not become ready in time.
    #[error("PostgreSQL did not start: {why}. The end of {}:\n{tail}", log.display())]
    Start {
        /// What was seen from outside.
        why: String,
        /// The server's log.
        log: PathBuf,
        /// The last lines that it wrote.
        tail: String,
    },

    /// The server outlived even SIGKILL.
    #[error("PostgreSQL (process {pid}) does not end")]
    WontStop {
        /// The postmaster.
        pid: u32,
    },
}

impl Error {
    /// For `map_err` on file operations.
    pub(super) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }

    /// For `map_err` on starting a program.
    pub(super) fn spawn(program: &Path) -> impl FnOnce(io::Error) -> Self {
        let program = program.to_owned();
        move |source| Self::Spawn { program, source }
    }
}
