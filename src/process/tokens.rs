//! The tokens file: read at the start, and again on SIGHUP.

use std::path::{Path, PathBuf};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::StartError;
use super::config::Flag;
use crate::domain::error::Error;
use crate::operations::callers::Callers;

/// A tokens file that is read again on SIGHUP.
#[derive(Debug)]
pub struct TokensFile {
    path: PathBuf,
    callers: Callers,
    hang_ups: Signal,
}

impl TokensFile {
    /// Reads the file.
    ///
    /// # Errors
    /// [`StartError::Setting`] when it cannot be read or is no tokens file.
    pub async fn open(path: &Path) -> Result<Self, StartError> {
        // First of all: until it is listened for, SIGHUP ends the process.
        let hang_ups =
            signal(SignalKind::hangup()).map_err(StartError::system("listen for signals"))?;
        let refused = |problem: String| {
            StartError::setting(Flag::TOKENS_FILE, format!("{}: {problem}", path.display()))
        };
        let json = tokio::fs::read_to_string(path)
            .await
            .map_err(|e| refused(e.to_string()))?;
        let callers = Callers::from_tokens(&json).map_err(|e| refused(e.to_string()))?;
        Ok(Self {
            path: path.to_owned(),
            callers,
            hang_ups,
        })
    }

    /// The callers, who change when the file is read again.
    #[must_use]
    pub fn callers(&self) -> Callers {
        self.callers.clone()
    }

    /// Reads the file again on every SIGHUP. When it is wrong, the callers stay
    /// as they are.
    ///
    /// # Errors
    /// None; the type is that of a task.
    pub async fn watch(mut self, draining: CancellationToken) -> Result<(), Error> {
        let watch = async {
            while self.hang_ups.recv().await.is_some() {
                let path = self.path.display();
                match self.read_again().await {
                    Ok(()) => tracing::info!(%path, "read the tokens file again"),
                    Err(problem) => {
                        tracing::error!(%path, problem, "the tokens of before stay in force");
                    }
                }
            }
        };
        draining.run_until_cancelled(watch).await;
        Ok(())
    }

    async fn read_again(&self) -> Result<(), String> {
        let json = tokio::fs::read_to_string(&self.path)
            .await
            .map_err(|e| e.to_string())?;
        self.callers.replace(&json).map_err(|e| e.to_string())
    }
}
