//! The file of a job: that it is still the one that was started with, its
//! header, and its rows from a checkpoint on.

use futures_util::stream::StreamExt as _;

use super::Fault;
use crate::csv::header::{Header, HeaderErrorKind};
use crate::csv::rows::RowSplitter;
use crate::domain::error::{Error, Reason};
use crate::domain::job::{FailureReason, Upload, UserImportJob};
use crate::domain::pool::PoolSchema;
use crate::objects::{LARGE, Objects, Pieces};

/// A file that is open at a row's start.
pub struct Source {
    pub(super) header: Header,
    pub(super) splitter: RowSplitter,
    stream: Pieces,
    objects: Objects,
    upload: Upload,
}

fn changed() -> Fault {
    Fault {
        reason: FailureReason::UploadChanged,
        message: "The uploaded file was changed after the start of the import.".into(),
    }
}

fn missing() -> Fault {
    Fault {
        reason: FailureReason::UploadMissing,
        message: "The uploaded file is not there any more.".into(),
    }
}

/// Compares the object with what was pinned when it was taken in.
async fn check(objects: &Objects, upload: &Upload) -> Result<Result<(), Fault>, Error> {
    Ok(match objects.head_of(upload).await? {
        // The version that was pinned is gone, but not the file.
        None if upload.version.is_some() && objects.head(&upload.object).await?.is_some() => {
            Err(changed())
        }
        None => Err(missing()),
        Some(head) if head.bytes != upload.bytes => Err(changed()),
        Some(head) if upload.e_tag.is_some() && head.e_tag != upload.e_tag => Err(changed()),
        Some(_) => Ok(()),
    })
}

/// Why the pinned content is not to be had.
async fn lost(objects: &Objects, upload: &Upload) -> Result<Fault, Error> {
    check(objects, upload).await?.err().ok_or_else(|| {
        Error::unavailable(
            Reason::ObjectStoreUnavailable,
            "The object store had no such object, and has it again.",
        )
    })
}

impl Source {
    /// Opens the file of a job at `(offset, line)`. `verify` has the whole
    /// content compared first, by its hash where that is known: a worker
    /// that goes on with another's work must not mix two files.
    ///
    /// # Errors
    /// Unavailable when the object store is. The inner error: the file cannot
    /// be imported.
    pub async fn open(
        objects: &Objects,
        job: &UserImportJob,
        schema: &PoolSchema,
        max_row_chars: usize,
        at: (u64, u64),
        verify: bool,
    ) -> Result<Result<Self, Fault>, Error> {
        let Some(upload) = job.upload.clone() else {
            return Ok(Err(missing()));
        };
        if let Err(fault) = check(objects, &upload).await? {
            return Ok(Err(fault));
        }
        if verify && upload.blake3.is_some() {
            let now = objects.blake3(&upload).await?;
            if now != upload.blake3 {
                return Ok(Err(if now.is_none() { missing() } else { changed() }));
            }
        }
        let whole = objects.read(&upload, 0..upload.bytes, LARGE).await?;
        let Some(mut stream) = whole else {
            return Ok(Err(lost(objects, &upload).await?));
        };
        let mut splitter = RowSplitter::new(max_row_chars);
        let mut ended = false;
        let header = loop {
            let first = splitter.next_row();
            if first.is_some() || ended {
                break Header::parse(first.as_ref(), schema, job.password_hashing_algorithm);
            }
            match stream.next().await {
                Some(Err(error)) if error.reason() == Reason::UploadNotFound => {
                    return Ok(Err(lost(objects, &upload).await?));
                }
                Some(piece) => splitter.push(&piece?),
                None => {
                    splitter.finish();
                    ended = true;
                }
            }
        };
        let header = match header {
            Ok(header) => header,
            Err(error) => {
                return Ok(Err(Fault {
                    reason: match error.kind {
                        HeaderErrorKind::Invalid => FailureReason::InvalidHeader,
                        HeaderErrorKind::Encoding => FailureReason::InvalidEncoding,
                        HeaderErrorKind::MissingPasswordHash => {
                            FailureReason::MissingPasswordHashColumn
                        }
                    },
                    message: error.message,
                }));
            }
        };
        let (offset, line) = at;
        if offset > splitter.offset() {
            let rest = offset..upload.bytes.max(offset);
            stream = match objects.read(&upload, rest, LARGE).await? {
                Some(stream) => stream,
                None => return Ok(Err(lost(objects, &upload).await?)),
            };
            splitter = RowSplitter::resume(max_row_chars, offset, line);
        }
        Ok(Ok(Self {
            header,
            splitter,
            stream,
            objects: objects.clone(),
            upload,
        }))
    }

    /// Reads on. `Ok(false)`: that was the end of the file. The inner error: it
    /// is no longer the one that was pinned.
    ///
    /// # Errors
    /// Unavailable when the object store is.
    pub async fn read_on(&mut self) -> Result<Result<bool, Fault>, Error> {
        match self.stream.next().await {
            Some(Err(error)) if error.reason() == Reason::UploadNotFound => {
                return Ok(Err(lost(&self.objects, &self.upload).await?));
            }
            Some(piece) => {
                self.splitter.push(&piece?);
                return Ok(Ok(true));
            }
            None => {}
        }
        self.splitter.finish();
        Ok(Ok(false))
    }

    /// Whether the file is still the one that was pinned.
    ///
    /// # Errors
    /// Unavailable when the object store is.
    pub async fn check(&mut self) -> Result<Result<(), Fault>, Error> {
        check(&self.objects, &self.upload).await
    }

    /// Size of the file in bytes.
    pub fn bytes(&self) -> u64 {
        self.upload.bytes
    }
}
