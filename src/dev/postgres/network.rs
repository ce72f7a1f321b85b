//! Where a cluster listens.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::home::{Home, private_dir, short_hash};
use super::{Account, Error};

/// The longest path of a Unix socket, in bytes: `sun_path` less its NUL, on
/// Linux. The BSDs and macOS have 104.
const SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// What Postgres appends to the folder, at its longest.
const SOCKET_NAME: &str = "/.s.PGSQL.65535";

/// The port of the last start when it is still free, or else another one.
/// Another process may take it before Postgres does: the caller tries again.
pub(super) fn free_port(home: &Home) -> Result<u16, Error> {
    let remembered = fs::read_to_string(home.port())
        .ok()
        .and_then(|text| text.trim().parse().ok());
    if let Some(port) = remembered
        && is_free(port)
    {
        return Ok(port);
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(Error::NoPort)
}

pub(super) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// The folder of the Unix socket: in the home, or when that path is too long
/// a private one in the folder for temporary files.
pub(super) fn socket_dir(home: &Home) -> Result<PathBuf, Error> {
    let here = home.root().join("run");
    if fits(&here) {
        private_dir(&here, &home.account)?;
        return Ok(here);
    }
    let name = format!("muster-{}", short_hash(home.root()));
    // Another account may be unable to enter root's TMPDIR.
    let temporary = std::env::temp_dir();
    let dir = Some(temporary.join(&name))
        .filter(|dir| !home.account.steps_down() && fits(dir))
        .unwrap_or_else(|| Path::new("/tmp").join(&name));
    if !fits(&dir) {
        return Err(Error::SocketPath { dir });
    }
    private_dir(&dir, &home.account)?;
    check_ours(&dir, &home.account)?;
    Ok(dir)
}

fn fits(dir: &Path) -> bool {
    dir.as_os_str().len() + SOCKET_NAME.len() <= SOCKET_PATH
}

/// Anyone can make a folder of that name under `/tmp`, in order to listen in.
fn check_ours(dir: &Path, account: &Account) -> Result<(), Error> {
    let found = dir
        .symlink_metadata()
        .map_err(Error::file("look at", dir))?;
    if found.is_dir() && found.uid() == account.uid() && found.mode() & 0o077 == 0 {
        Ok(())
    } else {
        Err(Error::file("trust", dir)(io::Error::other(
            "it belongs to someone else or is open to others",
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_does_not_fit_a_socket() {
        assert!(fits(Path::new("/tmp/muster-0123456789abcdef")));
        assert!(!fits(Path::new(&"x".repeat(SOCKET_PATH - 10))));
    }
}
