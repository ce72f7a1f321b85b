//! Reading an upload from an offset on, in pieces of bounded size, always of
//! the content that was pinned.

use std::io::SeekFrom;
use std::ops::Range;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::{GetOptions, GetRange, GetResult, GetResultPayload, ObjectStore as _};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;
use tokio_util::task::AbortOnDropHandle;

use super::{Objects, away, is_another};
use crate::domain::error::{Error, Reason};
use crate::domain::job::Upload;

/// The content of an object as it comes.
pub type Pieces = BoxStream<'static, Result<Bytes, Error>>;

/// Bytes that are asked of a remote store at once, for who reads it all.
pub const LARGE: u64 = 4 << 20;
/// The same for who reads a little, or for many at once.
pub const SMALL: u64 = 1 << 20;
/// Requests that are under way while a piece is worked on.
const AHEAD: usize = 2;
/// Bytes of a piece that are handed on at once.
const SLICE: usize = 256 << 10;

impl Objects {
    /// Reads a range of an upload. `None` when it is not there any more, or is
    /// another than was pinned; an error in the stream with the reason
    /// [`Reason::UploadNotFound`] says that it became so later.
    ///
    /// A remote store is asked for `piece` bytes at a time: a connection that
    /// stays open for as long as an import takes would be cut off, and a piece
    /// can be asked for again.
    ///
    /// # Errors
    /// Unavailable when the store cannot be reached, now or in the stream.
    pub async fn read(
        &self,
        upload: &Upload,
        range: Range<u64>,
        piece: u64,
    ) -> Result<Option<Pieces>, Error> {
        if range.is_empty() && upload.bytes > 0 {
            // Stores refuse a range that begins at the end.
            return Ok(Some(stream::empty().boxed()));
        }
        if !self.takes_uploads() {
            let Some(found) = self.get(upload, range).await? else {
                return Ok(None);
            };
            let length = found.range.end - found.range.start;
            return Ok(Some(in_full(in_slices(found).await?, length)));
        }
        let first = range.start..range.end.min(range.start + piece);
        let rest = first.end..range.end;
        let Some(first) = self.fetch(upload, first).await? else {
            return Ok(None);
        };
        let first = stream::once(async { Ok(first) });
        let rest = self.clone().later(upload.clone(), rest, piece);
        Ok(Some(first.chain(rest).flat_map(slices).boxed()))
    }

    /// The pieces behind the first. Each is fetched by a task of its own, so
    /// that it comes in while the reader is busy.
    fn later(self, upload: Upload, range: Range<u64>, piece: u64) -> Pieces {
        let starts = stream::iter(range.clone().step_by(usize::try_from(piece).unwrap_or(1)));
        starts
            .map(move |start| {
                let (objects, upload) = (self.clone(), upload.clone());
                let range = start..range.end.min(start + piece);
                AbortOnDropHandle::new(tokio::spawn(async move {
                    objects.fetch(&upload, range).await?.ok_or_else(|| {
                        Error::upload_not_found(
                            &upload.object,
                            "The uploaded file was replaced or deleted while it was read.",
                        )
                    })
                }))
            })
            .buffered(AHEAD)
            .map(|fetched| fetched.map_err(Error::internal).flatten())
            .boxed()
    }

    /// A range, whole.
    async fn fetch(&self, upload: &Upload, range: Range<u64>) -> Result<Option<Bytes>, Error> {
        let length = range.end - range.start;
        let Some(found) = self.get(upload, range).await? else {
            return Ok(None);
        };
        let bytes = found.bytes().await.map_err(away)?;
        if bytes.len() as u64 == length {
            return Ok(Some(bytes));
        }
        Err(broken_off())
    }

    async fn get(&self, upload: &Upload, range: Range<u64>) -> Result<Option<GetResult>, Error> {
        let whole = range == (0..upload.bytes);
        let options = GetOptions {
            range: (!whole).then_some(GetRange::Bounded(range)),
            if_match: upload.e_tag.clone(),
            version: upload.version.clone(),
            ..GetOptions::default()
        };
        match self
            .store
            .get_opts(&self.path(&upload.object)?, options)
            .await
        {
            Ok(found) => Ok(Some(found)),
            Err(error) if is_another(&error) => Ok(None),
            Err(error) => Err(away(error)),
        }
    }
}

fn broken_off() -> Error {
    Error::unavailable(
        Reason::ObjectStoreUnavailable,
        "The object store broke off in the midst of an object.",
    )
}

/// A piece in slices: who takes rows out of it keeps what is left over.
fn slices(piece: Result<Bytes, Error>) -> Pieces {
    match piece {
        Ok(bytes) => {
            let starts = stream::iter((0..bytes.len()).step_by(SLICE));
            starts
                .map(move |at| Ok(bytes.slice(at..bytes.len().min(at + SLICE))))
                .boxed()
        }
        Err(error) => stream::once(async { Err(error) }).boxed(),
    }
}

/// The content as it comes; of a file in slices, because the store of files
/// reads 8 KiB at a time, each on another thread and back: a third of the
/// scheduler's time, when that was measured.
async fn in_slices(
    found: GetResult,
) -> Result<BoxStream<'static, object_store::Result<Bytes>>, Error> {
    let range = found.range.clone();
    let file = match found.payload {
        GetResultPayload::File(file, _) => file,
        GetResultPayload::Stream(stream) => return Ok(stream),
    };
    let mut file = tokio::fs::File::from_std(file);
    file.seek(SeekFrom::Start(range.start))
        .await
        .map_err(|e| away(unreadable(e)))?;
    let file = file.take(range.end - range.start);
    Ok(ReaderStream::with_capacity(file, SLICE)
        .map_err(unreadable)
        .boxed())
}

fn unreadable(error: std::io::Error) -> object_store::Error {
    object_store::Error::Generic {
        store: "LocalFileSystem",
        source: error.into(),
    }
}

/// A stream that ends before its length was cut off, whatever the store takes
/// it for: its end would pass for that of the object.
fn in_full(pieces: BoxStream<'static, object_store::Result<Bytes>>, length: u64) -> Pieces {
    let rest = (pieces.fuse(), length);
    stream::unfold(rest, |(mut pieces, left)| async move {
        match pieces.next().await {
            Some(Ok(piece)) => {
                let left = left.saturating_sub(piece.len() as u64);
                Some((Ok(piece), (pieces, left)))
            }
            Some(Err(error)) => Some((Err(away(error)), (pieces, 0))),
            None if left > 0 => {
                // Whatever would come after it is no part of the object.
                let nothing = stream::empty().boxed().fuse();
                Some((Err(broken_off()), (nothing, 0)))
            }
            None => None,
        }
    })
    .fuse()
    .boxed()
}
