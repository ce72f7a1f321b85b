//! An object that is being written.

use bytes::Bytes;
use object_store::{MultipartUpload, WriteMultipart};

use super::{Objects, WriteBehind, away};
use crate::domain::error::Error;

/// Bytes that are sent to the store at once.
const PART: usize = 8 << 20;
/// Parts that may be on their way at once: what bounds the memory of an upload.
const PARTS_IN_FLIGHT: usize = 2;

/// An object that has been written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
    /// The store's tag of the content.
    pub e_tag: Option<String>,
    /// BLAKE3 of the content.
    pub blake3: [u8; 32],
}

/// An object that is being written; nobody sees it before it is finished.
#[derive(Debug)]
pub struct Writer {
    objects: Objects,
    name: String,
    upload: WriteMultipart,
    bytes: u64,
    hash: blake3::Hasher,
    /// Set for a folder.
    behind: Option<WriteBehind>,
}

impl Writer {
    pub(super) fn new(
        objects: Objects,
        name: String,
        upload: Box<dyn MultipartUpload>,
        behind: Option<WriteBehind>,
    ) -> Self {
        Self {
            objects,
            name,
            upload: WriteMultipart::new_with_chunk_size(upload, PART),
            bytes: 0,
            hash: blake3::Hasher::new(),
            behind,
        }
    }

    /// Bytes taken so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// Unavailable when the store cannot be written.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.upload
            .wait_for_capacity(PARTS_IN_FLIGHT)
            .await
            .map_err(away)?;
        self.hash.update(&bytes);
        self.bytes += bytes.len() as u64;
        self.upload.put(bytes);
        match &mut self.behind {
            Some(behind) => behind.written(self.bytes).await,
            None => Ok(()),
        }
    }

    /// Makes the object appear, durably.
    ///
    /// # Errors
    /// Unavailable when the store cannot be written.
    pub async fn finish(mut self) -> Result<Stored, Error> {
        if let Some(behind) = &mut self.behind
            && let Err(error) = behind.end().await
        {
            self.abort().await;
            return Err(error);
        }
        self.upload.finish().await.map_err(away)?;
        // The tag as every later reader will see it.
        let head = self.objects.head(&self.name).await?;
        Ok(Stored {
            name: self.name,
            bytes: self.bytes,
            e_tag: head.and_then(|h| h.e_tag),
            blake3: self.hash.finalize().into(),
        })
    }

    /// Forgets what was written. What cannot be forgotten now goes with the
    /// job's folder.
    pub async fn abort(self) {
        if let Err(error) = self.upload.abort().await {
            tracing::warn!(%error, "a broken upload could not be removed");
        }
        if let Some(mut behind) = self.behind
            && let Err(error) = behind.end().await
        {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a broken upload could not be written"
            );
        }
    }
}
