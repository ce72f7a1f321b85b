//! As whom PostgreSQL's programs run.

use std::ffi::OsStr;
use std::os::unix::fs::{MetadataExt as _, lchown};
use std::path::Path;
use std::process::Stdio;

use nix::unistd::{User, geteuid};
use tokio::process::Command;

use super::Error;

/// The account of PostgreSQL's programs: muster's own, except that a muster
/// started by root steps down, because PostgreSQL refuses to run as root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Whom to become, as user and group id; `None`: nobody else.
    step_down: Option<(u32, u32)>,
}

impl Account {
    /// The account for new data: for root `postgres`, or else `nobody`.
    ///
    /// # Errors
    /// [`Error::NoAccount`] when root finds neither.
    pub fn for_new_data() -> Result<Self, Error> {
        if !geteuid().is_root() {
            return Ok(Self { step_down: None });
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .filter(|user| !user.uid.is_root())
            .map(|user| Self {
                step_down: Some((user.uid.as_raw(), user.gid.as_raw())),
            })
            .ok_or(Error::NoAccount)
    }

    /// The account for data that exists: for root its owner, so that a folder
    /// made by an ordinary user keeps working under sudo.
    pub(super) fn of_data(data: &Path) -> Result<Self, Error> {
        match data.metadata() {
            Ok(found) if geteuid().is_root() && found.uid() != 0 => Ok(Self {
                step_down: Some((found.uid(), found.gid())),
            }),
            _ => Self::for_new_data(),
        }
    }

    /// The user id that the programs run under.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.step_down
            .map_or_else(|| geteuid().as_raw(), |(uid, _)| uid)
    }

    /// Whether this is another account than muster's own.
    #[must_use]
    pub fn steps_down(&self) -> bool {
        self.step_down.is_some()
    }

    /// A program to be run under this account in `dir`, without input and in
    /// a process group of its own: a Ctrl-C on the terminal is for muster,
    /// which stops Postgres when nothing needs it any more.
    ///
    /// std clears root's supplementary groups when it changes the user id.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>, dir: &Path) -> Command {
        let mut command = Command::new(program);
        // PGDATA, PGPORT and their kin are meant for the user's own servers,
        // and a systemd unit's readiness is for muster to declare.
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"PG") {
                command.env_remove(name);
            }
        }
        command
            .env_remove("NOTIFY_SOCKET")
            .env_remove("LANGUAGE")
            .env("LC_ALL", "C")
            .current_dir(dir)
            .stdin(Stdio::null())
            .process_group(0);
        if let Some((uid, gid)) = self.step_down {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Makes this account the owner of `path`; of the link, if it is one: in
    /// a folder that the account may write to, root follows nothing.
    ///
    /// # Errors
    /// [`Error::File`] when the system refuses.
    pub fn own(&self, path: &Path) -> Result<(), Error> {
        match self.step_down {
            None => Ok(()),
            Some((uid, gid)) => {
                lchown(path, Some(uid), Some(gid)).map_err(Error::file("change the owner of", path))
            }
        }
    }
}
