//! Opening the store that a URL names.

use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use object_store::local::LocalFileSystem;
use object_store::path::Path;
use url::Url;

use super::Objects;
use super::remote::{self, Remote};
use crate::domain::error::{Constraint, Error};

/// What is said of a store beside its URL.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// How S3 is to encrypt uploads.
    pub encryption: Encryption,
    /// How long a request is tried again for while a remote store is away.
    pub patience: Duration,
    /// The variables that say where a remote store is and with which
    /// credentials, by the names that its platform gives them.
    pub variables: Vec<(String, String)>,
}

impl Default for StoreOptions {
    /// As Cognito's documentation has it, with the variables of this process.
    fn default() -> Self {
        Self {
            encryption: Encryption::Kms,
            patience: Duration::from_secs(10),
            variables: std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
        }
    }
}

/// How S3 is to encrypt uploads: what `x-amz-server-side-encryption` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encryption {
    /// With a key of AWS's key management: `aws:kms`.
    #[default]
    Kms,
    /// With a key of S3's own: `AES256`.
    Aes256,
    /// As the bucket does it by itself.
    None,
}

pub(super) fn refused(text: impl Into<String>) -> Error {
    Error::invalid("object_store", None, Constraint::Other(text.into()))
}

impl Objects {
    /// Opens the store of a URL: `file:///absolute/folder`, which is made if it
    /// is not there, or `s3://bucket/prefix`, `gs://bucket/prefix`,
    /// `az://container/prefix`, of which nothing is asked yet.
    ///
    /// # Errors
    /// Invalid argument when the URL is of another kind, the folder cannot be
    /// made or written, or a variable has a wrong value.
    pub fn open(url: &Url, options: &StoreOptions) -> Result<Self, Error> {
        match url.scheme() {
            "file" => Self::open_folder(url),
            "s3" => open_remote(url, |bucket| remote::s3(bucket, options)),
            "gs" => open_remote(url, |bucket| remote::gcs(bucket, options)),
            "az" => open_remote(url, |container| remote::azure(container, options)),
            scheme => Err(refused(format!(
                "has the scheme {scheme}: file, s3, gs and az are known"
            ))),
        }
    }

    /// Opens the folder of a URL, which is made if it is not there.
    ///
    /// # Errors
    /// Invalid argument when it cannot be made or written.
    pub fn open_folder(url: &Url) -> Result<Self, Error> {
        let root = url
            .to_file_path()
            .map_err(|()| refused("is no absolute path: write file:///var/lib/muster"))?;
        make_writable(&root.join("uploads"))?;
        let store = LocalFileSystem::new_with_prefix(&root)
            .map_err(|e| refused(format!("cannot be used: {e}")))?
            .with_fsync(true);
        Ok(Self {
            root: Some(root),
            ..Self::over(Arc::new(store))
        })
    }
}

fn make_writable(uploads: &FilePath) -> Result<(), Error> {
    std::fs::create_dir_all(uploads)
        .map_err(|e| refused(format!("names a folder that cannot be made: {e}")))?;
    let probe = uploads.join(format!(".probe-{}", std::process::id()));
    std::fs::write(&probe, b"")
        .and_then(|()| std::fs::remove_file(&probe))
        .map_err(|e| refused(format!("names a folder that cannot be written: {e}")))
}

fn open_remote(
    url: &Url,
    open: impl FnOnce(&str) -> object_store::Result<Remote>,
) -> Result<Objects, Error> {
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.port().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    let bucket = url.host_str().filter(|bucket| bare && !bucket.is_empty());
    let Some(bucket) = bucket else {
        return Err(refused(
            "must be a bucket and a prefix, such as s3://bucket/prefix: all else is said by variables",
        ));
    };
    let prefix = Path::from_url_path(url.path())
        .map_err(|_| refused("has a prefix that no object may have"))?;
    let remote = open(bucket).map_err(|e| refused(format!("cannot be used: {e}")))?;
    Ok(Objects {
        prefix,
        signed: Some(Arc::new(remote.signed)),
        ..Objects::over(remote.store)
    })
}
