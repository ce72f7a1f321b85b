//! Files that are read again when they change, and on SIGHUP.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;

use super::StartError;

/// How often the files are looked at. What mounts them, as Kubernetes does,
/// replaces them at any time and sends no signal.
pub const EVERY: Duration = Duration::from_secs(10);

/// What was in a file, to tell whether it is another; it may have been a secret.
type Print = Option<[u8; 32]>;

/// Files, and how they were when they were last looked at.
#[derive(Debug)]
pub struct Watched {
    files: Vec<(PathBuf, Print)>,
    hang_ups: Signal,
    every: Duration,
}

impl Watched {
    /// Watches files from now on: read them afterwards, so that no change gets
    /// lost.
    ///
    /// # Errors
    /// [`StartError::System`] when the system lets nobody listen for signals.
    pub async fn new(
        paths: impl IntoIterator<Item = PathBuf>,
        every: Duration,
    ) -> Result<Self, StartError> {
        // First of all: until it is listened for, SIGHUP ends the process.
        let hang_ups =
            signal(SignalKind::hangup()).map_err(StartError::system("listen for signals"))?;
        let mut files = Vec::new();
        for path in paths {
            let print = print(&path).await;
            files.push((path, print));
        }
        Ok(Self {
            files,
            hang_ups,
            every,
        })
    }

    /// Waits until they have to be read again.
    pub async fn changed(&mut self) {
        loop {
            tokio::select! {
                Some(()) = self.hang_ups.recv() => {
                    self.look().await;
                    return;
                }
                () = sleep(self.every) => {
                    if self.look().await {
                        return;
                    }
                }
            }
        }
    }

    /// Whether one is another than when it was last looked at.
    async fn look(&mut self) -> bool {
        let mut changed = false;
        for (path, before) in &mut self.files {
            let now = print(path).await;
            changed |= now != *before;
            *before = now;
        }
        changed
    }
}

async fn print(path: &Path) -> Print {
    let bytes = read(path).await.ok()?;
    Some(Sha256::digest(bytes).into())
}

/// Reads a file of no more than the few kilobytes that such a one has.
///
/// # Errors
/// What the system says; a file that is far too long.
pub async fn read(path: &Path) -> io::Result<Vec<u8>> {
    /// Thousands of callers.
    const MOST: u64 = 16 << 20;
    let length = tokio::fs::metadata(path).await?.len();
    if length > MOST {
        return Err(io::Error::other("is far too long"));
    }
    tokio::fs::read(path).await
}
