//! A folder that is gone in the end.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::domain::ids::{Ids as _, SystemIds};

/// A fresh folder, removed with all that is in it when this is dropped.
#[derive(Debug)]
pub struct TemporaryFolder {
    path: PathBuf,
    /// What lies elsewhere and goes with it.
    also: Vec<PathBuf>,
}

impl TemporaryFolder {
    /// Makes one in the folder for temporary files. Others may enter it, since
    /// Postgres may have to run as another user; what is private in it says so
    /// itself.
    pub fn new(name: &str) -> io::Result<Self> {
        let unique = SystemIds.random().simple().to_string();
        let path = std::env::temp_dir().join(format!("{name}-{}", &unique[..12]));
        DirBuilder::new().mode(0o755).create(&path)?;
        Ok(Self {
            path,
            also: Vec::new(),
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes `path` in the end as well, wherever it is.
    pub fn also(&mut self, path: PathBuf) {
        self.also.push(path);
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        for path in self.also.iter().chain([&self.path]) {
            match fs::remove_dir_all(path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    crate::process::say(&format!("warning: {} is left: {e}", path.display()));
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_gone_in_the_end_with_what_belongs_to_it() {
        let elsewhere = TemporaryFolder::new("muster-test").unwrap();
        let other = elsewhere.path().join("other");
        fs::create_dir(&other).unwrap();
        let mut folder = TemporaryFolder::new("muster-test").unwrap();
        folder.also(other.clone());
        let path = folder.path().to_owned();
        fs::write(path.join("file"), "x").unwrap();
        drop(folder);
        assert!(!path.exists() && !other.exists() && elsewhere.path().exists());
    }
}
