//! Where uploads lie. The only room that knows the crate `object_store`.
//!
//! In a folder, uploads come through muster. A store that signs URLs takes them
//! itself: muster sees such a file for the first time at the job's start.

mod behind;
mod fault;
mod open;
mod pieces;
mod remote;
mod signed;
mod writer;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::stream::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{GetOptions, ObjectStore, ObjectStoreExt as _};
use uuid::Uuid;

use crate::domain::error::Error;
use crate::domain::ids::{JobId, UserPoolId};
use crate::domain::job::Upload;

use behind::WriteBehind;
use fault::{away, is_another, unwritable};
pub use open::{Encryption, StoreOptions};
pub use pieces::{LARGE, Pieces, SMALL};
use signed::Signed;
pub use signed::UploadUrl;
pub use writer::{Stored, Writer};

/// An object store. Cheap to clone.
#[derive(Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    /// What all names begin with in the store.
    prefix: Path,
    /// Set for the file store, whose left-over parts no listing shows.
    root: Option<PathBuf>,
    /// Set for a store that takes uploads itself.
    signed: Option<Arc<Signed>>,
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Objects({})", self.store)
    }
}

/// Size and tag of an object as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Size in bytes.
    pub bytes: u64,
    /// The store's tag of the content, which changes when the content does.
    pub e_tag: Option<String>,
    /// The store's version of the content, where it keeps versions.
    pub version: Option<String>,
}

/// The folder of a job's uploads.
fn folder(pool: &UserPoolId, job: JobId) -> Path {
    Path::from_iter(["uploads", pool.as_str(), &job.to_string()])
}

/// The name for a new upload of a job that comes through muster; each has one
/// of its own, so that an upload replaces another by one change of the job's row.
#[must_use]
pub fn upload_name(pool: &UserPoolId, job: JobId, unique: Uuid) -> String {
    folder(pool, job).join(format!("{unique}.csv")).to_string()
}

/// The name of the file that a store takes itself: a store replaces an object
/// whole or not at all, so one name a job is enough.
#[must_use]
pub fn store_upload_name(pool: &UserPoolId, job: JobId) -> String {
    folder(pool, job).join("upload.csv").to_string()
}

impl Objects {
    /// A store that was opened elsewhere: tests have it fail when they like.
    #[must_use]
    pub fn over(store: Arc<dyn ObjectStore>) -> Self {
        Self {
            store,
            prefix: Path::default(),
            root: None,
            signed: None,
        }
    }

    /// Whether uploads go to the store itself, by URLs that it signs.
    #[must_use]
    pub fn takes_uploads(&self) -> bool {
        self.signed.is_some()
    }

    /// The folder, for a store that is one.
    #[must_use]
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.root.as_deref()
    }

    fn path(&self, name: &str) -> Result<Path, Error> {
        let name = Path::parse(name).map_err(Error::internal)?;
        Ok(self.prefix.parts().chain(name.parts()).collect())
    }

    /// Begins to write an object. It is there once [`Writer::finish`] has
    /// answered, whole, or not at all.
    ///
    /// # Errors
    /// Unavailable when the store cannot be written.
    pub async fn writer(&self, name: &str) -> Result<Writer, Error> {
        let path = self.path(name)?;
        let upload = self.store.put_multipart(&path).await.map_err(away)?;
        let file = self.root.as_ref().map(|root| root.join(path.as_ref()));
        let behind = file.map(|file| WriteBehind::new(&file));
        Ok(Writer::new(self.clone(), name.to_owned(), upload, behind))
    }

    /// Size and tag of an object; `None` when it is not there.
    ///
    /// # Errors
    /// Unavailable when the store cannot be reached.
    pub async fn head(&self, name: &str) -> Result<Option<Head>, Error> {
        self.look(name, None).await
    }

    /// Size and tag of an upload, of the version that was pinned if one was;
    /// `None` when it is not there.
    ///
    /// # Errors
    /// Unavailable when the store cannot be reached.
    pub async fn head_of(&self, upload: &Upload) -> Result<Option<Head>, Error> {
        self.look(&upload.object, upload.version.clone()).await
    }

    async fn look(&self, name: &str, version: Option<String>) -> Result<Option<Head>, Error> {
        let options = GetOptions {
            head: true,
            version,
            ..GetOptions::default()
        };
        match self.store.get_opts(&self.path(name)?, options).await {
            Ok(found) => Ok(Some(Head {
                bytes: found.meta.size,
                e_tag: found.meta.e_tag,
                version: found.meta.version,
            })),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(away(e)),
        }
    }

    /// BLAKE3 of an upload's content; `None` when it is not there any more.
    ///
    /// # Errors
    /// Unavailable when the store cannot be reached.
    pub async fn blake3(&self, upload: &Upload) -> Result<Option<[u8; 32]>, Error> {
        let Some(mut stream) = self.read(upload, 0..upload.bytes, LARGE).await? else {
            return Ok(None);
        };
        let mut hash = blake3::Hasher::new();
        while let Some(piece) = stream.try_next().await? {
            hash.update(&piece);
        }
        Ok(Some(hash.finalize().into()))
    }

    /// Deletes one object. One that is not there is deleted already.
    ///
    /// # Errors
    /// Unavailable when the store cannot be reached.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        self.delete_path(&self.path(name)?).await
    }

    async fn delete_path(&self, path: &Path) -> Result<(), Error> {
        match self.store.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(away(e)),
        }
    }

    /// Deletes all that was ever uploaded for a job, the parts of broken
    /// uploads included.
    ///
    /// # Errors
    /// Unavailable when the store cannot be reached.
    pub async fn delete_job(&self, pool: &UserPoolId, job: JobId) -> Result<(), Error> {
        let folder = folder(pool, job);
        if let Some(root) = &self.root {
            let path = root.join(folder.as_ref());
            return match tokio::fs::remove_dir_all(&path).await {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(unwritable(e)),
                _ => Ok(()),
            };
        }
        let paths: Vec<Path> = self
            .store
            .list(Some(&self.path(folder.as_ref())?))
            .map_ok(|meta| meta.location)
            .try_collect()
            .await
            .map_err(away)?;
        for path in paths {
            self.delete_path(&path).await?;
        }
        Ok(())
    }

    /// Whether the store answers us. The inner error says, in words, what it
    /// refuses, which will not pass by itself.
    ///
    /// # Errors
    /// Unavailable when the store cannot be reached.
    pub async fn probe(&self) -> Result<Result<(), String>, Error> {
        let uploads = self.path("uploads")?;
        match self.store.list(Some(&uploads)).next().await {
            None | Some(Ok(_)) => Ok(Ok(())),
            Some(Err(error)) => fault::refusal(error),
        }
    }
}
