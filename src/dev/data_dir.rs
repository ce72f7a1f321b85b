//! The folder of `muster dev`:
//!
//! ```text
//! .muster/
//!     postgres/       or postgres.elsewhere: see `dev::postgres`
//!     signing-key     0600
//!     uploads/        0700
//! ```

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use url::Url;

use crate::domain::ids::{Ids as _, SystemIds};
use crate::objects::Objects;
use crate::operations::SigningKey;

/// A file or folder below the data folder that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("--data-dir: {}: {problem}", path.display())]
pub struct DataDirError {
    path: PathBuf,
    problem: String,
}

fn refused(path: &Path, problem: impl ToString) -> DataDirError {
    DataDirError {
        path: path.to_owned(),
        problem: problem.to_string(),
    }
}

/// The folder of `muster dev`.
#[derive(Clone, Debug)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// Makes the folder if it is not there.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        // Not private: Postgres may have to pass through as another user.
        fs::create_dir_all(path).map_err(|e| refused(path, e))?;
        let path = path.canonicalize().map_err(|e| refused(path, e))?;
        Ok(Self(path))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where uploads lie, which nobody else may read.
    pub fn objects(&self) -> Result<Objects, DataDirError> {
        let uploads = self.0.join("uploads");
        match DirBuilder::new().mode(0o700).create(&uploads) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(refused(&uploads, e)),
            _ => {}
        }
        let url = Url::from_file_path(&self.0).map_err(|()| refused(&self.0, "is no URL"))?;
        Objects::open_folder(&url).map_err(|e| refused(&self.0, e))
    }

    /// The key that this folder was given when it was first used.
    pub fn signing_key(&self) -> Result<SigningKey, DataDirError> {
        let path = self.0.join("signing-key");
        let key = match fs::read_to_string(&path) {
            Ok(text) => text.trim().to_owned(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => new_key(&path)?,
            Err(e) => return Err(refused(&path, e)),
        };
        SigningKey::new(key)
            .ok_or_else(|| refused(&path, "is no key; once it is removed, a new one is made"))
    }
}

fn new_key(path: &Path) -> Result<String, DataDirError> {
    let half = || SystemIds.random().simple().to_string();
    let key = half() + &half();
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| writeln!(file, "{key}"))
        .map_err(|e| refused(path, e))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let dir = DataDir::open(&folder.path().join("a/b")).unwrap();
        dir.signing_key().unwrap();
        let path = dir.path().join("signing-key");
        let first = fs::read_to_string(&path).unwrap();
        assert_eq!(first.trim().len(), 64);
        dir.signing_key().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), first);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_broken_key_is_named_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("signing-key"), "s3cret").unwrap();
        let dir = DataDir::open(folder.path()).unwrap();
        let refusal = dir.signing_key().unwrap_err().to_string();
        assert!(
            refusal.contains("signing-key") && !refusal.contains("s3cret"),
            "{refusal}"
        );
    }

    #[test]
    fn uploads_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let dir = DataDir::open(folder.path()).unwrap();
        dir.objects().unwrap();
        dir.objects().unwrap();
        let mode = fs::metadata(dir.path().join("uploads"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
