//! Where a cluster lies, and who has it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{Account, Binaries, Error};

/// Where clusters go whose own folder the unprivileged account cannot reach.
const ELSEWHERE: &str = "/var/lib/muster";

/// A folder that holds one cluster, locked for as long as this value lives.
#[derive(Debug)]
pub(super) struct Home {
    root: PathBuf,
    pub account: Account,
    /// Closing it gives the lock up. Programs do not inherit it.
    _lock: File,
}

impl Home {
    /// Finds or makes the home of the cluster that belongs to `folder`, and
    /// the programs to run it with.
    pub async fn open(folder: &Path, given: Option<&Path>) -> Result<(Self, Binaries), Error> {
        fs::create_dir_all(folder).map_err(Error::file("make", folder))?;
        let folder = folder
            .canonicalize()
            .map_err(Error::file("look up", folder))?;
        let existing = existing(&folder)?;
        let account = match &existing {
            Some(root) => Account::of_data(&root.join("data"))?,
            None => Account::for_new_data()?,
        };
        let major = existing.as_deref().and_then(major);
        let binaries = Binaries::find(given, major, &account).await?;
        let root = match existing {
            Some(root) => root,
            None if binaries.reach(&folder, &account).await? => folder.join("postgres"),
            None => elsewhere(&folder)?,
        };
        private_dir(&root, &account)?;
        if !binaries.reach(&root, &account).await? {
            return Err(Error::Unreachable {
                uid: account.uid(),
                home: root,
            });
        }
        let lock = lock(&root, &account)?;
        let home = Self {
            root,
            account,
            _lock: lock,
        };
        Ok((home, binaries))
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    pub fn password(&self) -> PathBuf {
        self.root.join("password")
    }

    pub fn port(&self) -> PathBuf {
        self.root.join("port")
    }

    pub fn log(&self) -> PathBuf {
        self.root.join("postgres.log")
    }
}

/// Makes `dir` with mode 0700 for `account`, unless it is there.
pub(super) fn private_dir(dir: &Path, account: &Account) -> Result<(), Error> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Ok(()) => account.own(dir),
        // Root may have died before it gave the folder away.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => match dir.symlink_metadata() {
            Ok(found) if found.is_dir() && found.uid() == 0 => account.own(dir),
            _ => Ok(()),
        },
        Err(e) => Err(Error::file("make", dir)(e)),
    }
}

/// Opens a file of the cluster without reading it, making it if need be. Root
/// follows no link here: the account could have laid it.
pub(super) fn open_private(path: &Path, append: bool, account: &Account) -> Result<File, Error> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .append(append)
        .mode(0o600)
        .custom_flags(nix::libc::O_NOFOLLOW)
        .open(path)
        .map_err(Error::file("open", path))?;
    account.own(path)?;
    Ok(file)
}

/// Writes a file that only `account` (and root) may read.
pub(super) fn private_file(path: &Path, text: &str, account: &Account) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            return Err(Error::file("replace", path)(e));
        }
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(Error::file("write", path))?;
    account.own(path)
}

/// A short name for a folder: 16 hex digits of its path's SHA-256.
pub(super) fn short_hash(path: &Path) -> String {
    let mut hash = hex::encode(Sha256::digest(path.as_os_str().as_bytes()));
    hash.truncate(16);
    hash
}

/// The home that an earlier start chose for `folder`.
fn existing(folder: &Path) -> Result<Option<PathBuf>, Error> {
    let pointer = pointer(folder);
    match fs::read_to_string(&pointer) {
        Ok(text) => {
            let root = text.lines().next().unwrap_or_default();
            return Ok(Some(PathBuf::from(root)));
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(Error::file("read", &pointer)(e)),
    }
    let here = folder.join("postgres");
    Ok(here.join("data").exists().then_some(here))
}

fn pointer(folder: &Path) -> PathBuf {
    folder.join("postgres.elsewhere")
}

/// The major version of the data in `root`, if there is any.
fn major(root: &Path) -> Option<u32> {
    fs::read_to_string(root.join("data/PG_VERSION"))
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// The home outside of `folder`, noted there before anything is put into it.
fn elsewhere(folder: &Path) -> Result<PathBuf, Error> {
    let parent = Path::new(ELSEWHERE);
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(parent)
        .map_err(Error::file("make", parent))?;
    let root = parent.join(short_hash(folder));
    let pointer = pointer(folder);
    let text = format!(
        "{}\n\nThe PostgreSQL of this folder lies there, because the account it runs as\n\
         (root may not run it) cannot enter this folder. Remove both together.\n",
        root.display()
    );
    fs::write(&pointer, text).map_err(Error::file("write", &pointer))?;
    Ok(root)
}

fn lock(root: &Path, account: &Account) -> Result<File, Error> {
    let path = root.join("lock");
    let file = open_private(&path, false, account)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse {
            home: root.to_owned(),
        }),
        Err(TryLockError::Error(e)) => Err(Error::file("lock", &path)(e)),
    }
}
