//! Where uploads lie. The only room that knows the crate `object_store`.

mod writer;

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt as _};
use sha2::{Digest as _, Sha256};
use url::Url;
use uuid::Uuid;

use crate::domain::error::{Constraint, Error, Reason};
use crate::domain::ids::{JobId, UserPoolId};

pub use writer::{Stored, Writer};

/// An object store. Cheap to clone.
#[derive(Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    /// Set for the file store, whose left-over parts no listing shows.
    root: Option<PathBuf>,
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
}

fn away(error: object_store::Error) -> Error {
    Error::unavailable(
        Reason::ObjectStoreUnavailable,
        "The object store cannot be reached at the moment.",
    )
    .with_source(error)
}

/// A stream that ends before its length was cut off, whatever the store takes
/// it for: its end would pass for that of the object. The store of files gives
/// empty pieces for ever when a file is cut short while it is read.
fn in_full(
    pieces: BoxStream<'static, object_store::Result<Bytes>>,
    length: u64,
) -> BoxStream<'static, Result<Bytes, Error>> {
    let rest = (pieces.fuse(), length);
    stream::unfold(rest, |(mut pieces, left)| async move {
        match pieces.next().await {
            Some(Ok(piece)) if left == 0 || !piece.is_empty() => {
                let left = left.saturating_sub(piece.len() as u64);
                Some((Ok(piece), (pieces, left)))
            }
            Some(Err(error)) => Some((Err(away(error)), (pieces, 0))),
            Some(Ok(_)) | None if left > 0 => {
                let error = Error::unavailable(
                    Reason::ObjectStoreUnavailable,
                    "The object store broke off in the midst of an object.",
                );
                // Whatever would come after it is no part of the object.
                let nothing = stream::empty().boxed().fuse();
                Some((Err(error), (nothing, 0)))
            }
            _ => None,
        }
    })
    .fuse()
    .boxed()
}

fn refused(text: impl Into<String>) -> Error {
    Error::invalid("object_store", None, Constraint::Other(text.into()))
}

/// The folder of a job's uploads.
fn folder(pool: &UserPoolId, job: JobId) -> Path {
    Path::from_iter(["uploads", pool.as_str(), &job.to_string()])
}

/// The name for a new upload of a job; each has one of its own, so that an
/// upload replaces another by one change of the job's row.
#[must_use]
pub fn upload_name(pool: &UserPoolId, job: JobId, unique: Uuid) -> String {
    folder(pool, job).join(format!("{unique}.csv")).to_string()
}

impl Objects {
    /// Opens the store of a URL: `file:///absolute/folder`, which is made if it
    /// is not there.
    ///
    /// # Errors
    /// Invalid argument when the URL is of another kind, or the folder cannot
    /// be made or written.
    pub fn open(url: &Url) -> Result<Self, Error> {
        if url.scheme() != "file" {
            return Err(refused(format!(
                "has the scheme {}: this version stores uploads under file:/// only",
                url.scheme()
            )));
        }
        let root = url
            .to_file_path()
            .map_err(|()| refused("is no absolute path: write file:///var/lib/muster"))?;
        let uploads = root.join("uploads");
        std::fs::create_dir_all(&uploads)
            .map_err(|e| refused(format!("names a folder that cannot be made: {e}")))?;
        let probe = uploads.join(format!(".probe-{}", std::process::id()));
        std::fs::write(&probe, b"")
            .and_then(|()| std::fs::remove_file(&probe))
            .map_err(|e| refused(format!("names a folder that cannot be written: {e}")))?;
        let store = LocalFileSystem::new_with_prefix(&root)
            .map_err(|e| refused(format!("cannot be used: {e}")))?
            .with_fsync(true);
        Ok(Self {
            store: Arc::new(store),
            root: Some(root),
        })
    }

    /// A store that was opened elsewhere: tests have it fail when they like.
    #[must_use]
    pub fn over(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, root: None }
    }

    /// Begins to write an object. It is there once [`Writer::finish`] has
    /// answered, whole, or not at all.
    ///
    /// # Errors
    /// Unavailable when the store cannot be written.
    pub async fn writer(&self, name: &str) -> Result<Writer, Error> {
        let path = Path::parse(name).map_err(Error::internal)?;
        let upload = self.store.put_multipart(&path).await.map_err(away)?;
        Ok(Writer::new(self.clone(), path, upload))
    }

    /// Size and tag of an object; `None` when it is not there.
    ///
    /// # Errors
    /// Unavailable when the store cannot be reached.
    pub async fn head(&self, name: &str) -> Result<Option<Head>, Error> {
        let path = Path::parse(name).map_err(Error::internal)?;
        match self.store.head(&path).await {
            Ok(meta) => Ok(Some(Head {
                bytes: meta.size,
                e_tag: meta.e_tag,
            })),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(away(e)),
        }
    }

    /// Reads an object from an offset to its end, in pieces of bounded size.
    /// `None` when it is not there.
    ///
    /// # Errors
    /// Unavailable when the store cannot be reached, now or in the stream.
    pub async fn read(
        &self,
        name: &str,
        offset: u64,
    ) -> Result<Option<BoxStream<'static, Result<Bytes, Error>>>, Error> {
        self.get(name, GetRange::Offset(offset)).await
    }

    /// Reads a range of an object. `None` when it is not there.
    ///
    /// # Errors
    /// Unavailable when the store cannot be reached, now or in the stream.
    pub async fn read_range(
        &self,
        name: &str,
        range: Range<u64>,
    ) -> Result<Option<BoxStream<'static, Result<Bytes, Error>>>, Error> {
        self.get(name, GetRange::Bounded(range)).await
    }

    async fn get(
        &self,
        name: &str,
        range: GetRange,
    ) -> Result<Option<BoxStream<'static, Result<Bytes, Error>>>, Error> {
        let path = Path::parse(name).map_err(Error::internal)?;
        // Some stores refuse a range that begins at the end.
        let whole = matches!(range, GetRange::Offset(0));
        let options = GetOptions {
            range: (!whole).then_some(range),
            ..GetOptions::default()
        };
        match self.store.get_opts(&path, options).await {
            Ok(found) => {
                let length = found.range.end - found.range.start;
                Ok(Some(in_full(found.into_stream(), length)))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(away(e)),
        }
    }

    /// SHA-256 of an object's content; `None` when it is not there.
    ///
    /// # Errors
    /// Unavailable when the store cannot be reached.
    pub async fn sha256(&self, name: &str) -> Result<Option<[u8; 32]>, Error> {
        let Some(mut stream) = self.read(name, 0).await? else {
            return Ok(None);
        };
        let mut hash = Sha256::new();
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
        let path = Path::parse(name).map_err(Error::internal)?;
        match self.store.delete(&path).await {
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
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::unavailable(
                    Reason::ObjectStoreUnavailable,
                    "The folder of uploads cannot be written.",
                )
                .with_source(e)),
                _ => Ok(()),
            };
        }
        let names: Vec<Path> = self
            .store
            .list(Some(&folder))
            .map_ok(|meta| meta.location)
            .try_collect()
            .await
            .map_err(away)?;
        for name in names {
            self.delete(name.as_ref()).await?;
        }
        Ok(())
    }
}
