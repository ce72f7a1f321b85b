//! Where PostgreSQL's programs are.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Output;

use super::{Account, Error};

/// Where Debian and Ubuntu keep each major version's programs, outside `PATH`.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A folder with `initdb`, `postgres` and `pg_ctl`.
#[derive(Clone, Debug)]
pub struct Binaries {
    dir: PathBuf,
    major: u32,
}

impl Binaries {
    /// Looks in `given` alone, or else in `PATH` and then in
    /// `/usr/lib/postgresql/*/bin`, highest version first. `major` is the
    /// version that existing data asks for.
    ///
    /// # Errors
    /// [`Error::NoBinaries`], or [`Error::OtherVersion`] when only other
    /// versions than `major` are there.
    pub async fn find(
        given: Option<&Path>,
        major: Option<u32>,
        account: &Account,
    ) -> Result<Self, Error> {
        let (dirs, looked) = match given {
            Some(dir) => (vec![dir.to_owned()], dir.display().to_string()),
            None => (installed(), format!("PATH or {DEBIAN}/*/bin")),
        };
        let mut others = Vec::new();
        for dir in dirs {
            let complete = ["initdb", "postgres", "pg_ctl"]
                .iter()
                .all(|program| dir.join(program).is_file());
            if !complete {
                continue;
            }
            let found = Self {
                major: version(&dir.join("postgres"), account).await?,
                dir,
            };
            if major.is_none_or(|major| major == found.major) {
                return Ok(found);
            }
            others.push(found.major.to_string());
        }
        match major {
            Some(data) if !others.is_empty() => Err(Error::OtherVersion {
                data,
                found: others.join(", "),
            }),
            _ => Err(Error::NoBinaries { looked }),
        }
    }

    /// The path of one of the programs.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The major version, such as 15.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.major
    }

    /// Whether `account` can enter `dir`. The kernel is asked, by running a
    /// program there: mode bits alone do not tell of ACLs and the like.
    pub(super) async fn reach(&self, dir: &Path, account: &Account) -> Result<bool, Error> {
        let program = self.program("postgres");
        match account
            .command(&program, dir)
            .arg("--version")
            .output()
            .await
        {
            Ok(_) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(false),
            Err(e) => Err(Error::spawn(&program)(e)),
        }
    }
}

fn installed() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // A relative entry would mean another folder to each process.
    let mut dirs: Vec<PathBuf> = std::env::split_paths(&path)
        .filter(|dir| dir.is_absolute())
        .collect();
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    dirs.extend(versions.into_iter().map(|(_, dir)| dir));
    dirs
}

async fn version(postgres: &Path, account: &Account) -> Result<u32, Error> {
    let answer = account
        .command(postgres, Path::new("/"))
        .arg("--version")
        .kill_on_drop(true)
        .output()
        .await
        .map_err(Error::spawn(postgres))?;
    parse_version(&String::from_utf8_lossy(&answer.stdout)).ok_or_else(|| failed(postgres, &answer))
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, or `17beta1`.
fn parse_version(text: &str) -> Option<u32> {
    let number = text.split_once("(PostgreSQL) ")?.1;
    let end = number.find(|c: char| !c.is_ascii_digit())?;
    number[..end].parse().ok()
}

/// The error of a program that ended otherwise than well.
pub(super) fn failed(program: &Path, output: &Output) -> Error {
    let mut text = String::from_utf8_lossy(&output.stderr).into_owned();
    if text.trim().is_empty() {
        text = String::from_utf8_lossy(&output.stdout).into_owned();
    }
    Error::Program {
        program: program.to_owned(),
        status: output.status,
        output: text.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::parse_version;

    #[test]
    fn majors_are_read_from_release_and_preview_versions() {
        let debian = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n";
        assert_eq!(parse_version(debian), Some(15));
        assert_eq!(parse_version("postgres (PostgreSQL) 17beta1\n"), Some(17));
        assert_eq!(parse_version("postgres: command failed"), None);
    }
}
