//! Bringing a file to the disk while it is still being written.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tokio::task::JoinHandle;

use super::fault::unwritable;
use crate::domain::error::Error;

/// Bytes that are written before they are brought to the disk.
const STRIDE: u64 = 32 << 20;

/// Syncs the file that an upload is staged in, again and again as it grows: the
/// sync at its end, for which the caller waits, then finds little to do.
#[derive(Debug)]
pub(super) struct WriteBehind {
    staged: PathBuf,
    sync: fn(&Path) -> io::Result<()>,
    /// The bytes that had been taken when the last sync began.
    synced: u64,
    under_way: Option<JoinHandle<io::Result<()>>>,
}

impl WriteBehind {
    /// For an upload that is to become the file `path`.
    pub(super) fn new(path: &Path) -> Self {
        Self {
            staged: staged(path),
            sync,
            synced: 0,
            under_way: None,
        }
    }

    /// Hears that `bytes` have been taken by now. Never waits for the disk:
    /// while one sync is under way, no other begins.
    ///
    /// # Errors
    /// Unavailable when the last sync failed: on some systems only one of
    /// those who sync a file hears that it could not be written.
    pub(super) async fn written(&mut self, bytes: u64) -> Result<(), Error> {
        let idle = self.under_way.as_ref().is_none_or(JoinHandle::is_finished);
        if bytes - self.synced < STRIDE || !idle {
            return Ok(());
        }
        self.end().await?;
        self.synced = bytes;
        let (staged, sync) = (self.staged.clone(), self.sync);
        self.under_way = Some(tokio::task::spawn_blocking(move || sync(&staged)));
        Ok(())
    }

    /// Waits for the sync that is under way.
    ///
    /// # Errors
    /// As [`written`](Self::written).
    pub(super) async fn end(&mut self) -> Result<(), Error> {
        match self.under_way.take() {
            Some(sync) => sync.await.map_err(Error::internal)?.map_err(unwritable),
            None => Ok(()),
        }
    }
}

fn sync(staged: &Path) -> io::Result<()> {
    // What cannot be opened here may be whole all the same: its writer has it
    // open, and syncs it at its end.
    File::open(staged).map_or(Ok(()), |file| file.sync_data())
}

/// Where `object_store` stages the first upload to the file `path`. Each has a
/// path of its own, so there is no second.
fn staged(path: &Path) -> PathBuf {
    let mut staged = path.as_os_str().to_owned();
    staged.push("#1");
    staged.into()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use object_store::ObjectStoreExt as _;
    use url::Url;

    use super::*;
    use crate::domain::error::Reason;
    use crate::objects::{Objects, Writer};

    fn folder() -> (tempfile::TempDir, Objects) {
        let folder = tempfile::tempdir().expect("a folder");
        let url = Url::from_directory_path(folder.path()).expect("absolute");
        let objects = Objects::open_folder(&url).expect("a store");
        (folder, objects)
    }

    #[tokio::test]
    async fn an_upload_is_staged_where_it_is_looked_for() {
        let (folder, objects) = folder();
        let writer = objects.writer("uploads/1.csv").await.expect("a writer");
        let path = folder.path().join("uploads/1.csv");
        assert!(staged(&path).exists() && !path.exists());
        writer.abort().await;
    }

    #[tokio::test]
    async fn a_file_of_several_strides_is_whole() {
        let (folder, objects) = folder();
        let piece = Bytes::from(vec![b'a'; 1 << 20]);
        let pieces = 2 * STRIDE / piece.len() as u64 + 1;
        let mut writer = objects.writer("uploads/1.csv").await.expect("a writer");
        for _ in 0..pieces {
            writer.write(piece.clone()).await.expect("a piece");
        }
        let stored = writer.finish().await.expect("the file");
        assert_eq!(stored.bytes, pieces * piece.len() as u64);
        let found = std::fs::read(folder.path().join("uploads/1.csv")).expect("the file");
        assert_eq!(*blake3::hash(&found).as_bytes(), stored.blake3);
    }

    /// One that cannot sync, for an upload to `path`.
    fn broken(path: &Path) -> WriteBehind {
        WriteBehind {
            sync: |_| Err(io::ErrorKind::StorageFull.into()),
            ..WriteBehind::new(path)
        }
    }

    #[tokio::test]
    async fn each_stride_is_synced_once_and_the_next_tells_of_a_failure() {
        let mut behind = broken(Path::new("1.csv"));
        behind.written(STRIDE - 1).await.expect("nothing to do yet");
        assert!(behind.under_way.is_none());
        behind.written(STRIDE).await.expect("a sync begins");
        let ended = || {
            behind
                .under_way
                .as_ref()
                .is_none_or(JoinHandle::is_finished)
        };
        while !ended() {
            tokio::task::yield_now().await;
        }
        behind.written(2 * STRIDE - 1).await.expect("nothing yet");
        let error = behind.written(2 * STRIDE).await.expect_err("it failed");
        assert_eq!(error.reason(), Reason::ObjectStoreUnavailable);
    }

    #[tokio::test]
    async fn an_upload_whose_last_sync_failed_leaves_nothing() {
        let (folder, objects) = folder();
        let name = "uploads/1.csv";
        let path = folder.path().join(name);
        let behind = Some(broken(&path));
        let store = objects.store.clone();
        let upload = store.put_multipart(&name.into()).await.expect("an upload");
        let mut writer = Writer::new(objects, name.to_owned(), upload, behind);
        let piece = Bytes::from(vec![b'a'; 1 << 20]);
        while writer.bytes() < STRIDE {
            writer.write(piece.clone()).await.expect("a piece");
        }
        let error = writer.finish().await.expect_err("the sync failed");
        assert_eq!(error.reason(), Reason::ObjectStoreUnavailable);
        assert!(!path.exists() && !staged(&path).exists());
    }

    #[tokio::test]
    async fn a_file_that_was_taken_away_is_left_to_its_writer() {
        let (folder, _) = folder();
        let mut behind = WriteBehind::new(&folder.path().join("gone/1.csv"));
        behind.written(STRIDE).await.expect("a sync begins");
        behind.end().await.expect("nothing to sync");
    }
}
