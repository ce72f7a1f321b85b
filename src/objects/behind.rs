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
    /// The file's size at the last sync.
    synced: u64,
    under_way: Option<JoinHandle<io::Result<()>>>,
}

impl WriteBehind {
    /// For an upload that is to become the file `path`.
    pub(super) fn new(path: &Path) -> Self {
        Self {
            staged: staged(path),
            synced: 0,
            under_way: None,
        }
    }

    /// Hears that the file has `bytes` by now. Never waits for the disk: while
    /// one sync is under way, no other begins.
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
        let staged = self.staged.clone();
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
    match File::open(staged) {
        Ok(file) => file.sync_data(),
        // Taken away, with the folder of its job. The writer will find out.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
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
    use url::Url;

    use super::*;
    use crate::domain::error::Reason;
    use crate::objects::Objects;

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

    #[tokio::test]
    async fn each_stride_is_synced_once_and_a_failure_is_told() {
        let (folder, _) = folder();
        // No file can be in a file.
        let file = folder.path().join("file");
        std::fs::write(&file, b"").expect("a file");
        let mut behind = WriteBehind::new(&file.join("1.csv"));
        behind.written(STRIDE - 1).await.expect("nothing to do yet");
        assert!(behind.under_way.is_none());
        behind.written(STRIDE).await.expect("a sync begins");
        let error = behind.end().await.expect_err("the sync failed");
        assert_eq!(error.reason(), Reason::ObjectStoreUnavailable);
        behind.written(2 * STRIDE - 1).await.expect("nothing yet");
        assert!(behind.under_way.is_none());
    }

    #[tokio::test]
    async fn a_file_that_was_taken_away_is_left_to_its_writer() {
        let (folder, _) = folder();
        let mut behind = WriteBehind::new(&folder.path().join("gone/1.csv"));
        behind.written(STRIDE).await.expect("a sync begins");
        behind.end().await.expect("nothing to sync");
    }
}
