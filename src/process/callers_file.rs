//! Files that say who may call: read at the start, and again when they change
//! or on SIGHUP.

use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::StartError;
use super::config::Flag;
use super::watched::{self, EVERY, Watched};
use crate::domain::error::Error;
use crate::http::aws::AwsKeys;
use crate::operations::callers::Callers;

/// What such a file holds. All clones change together.
pub trait Known: Clone + Send + Sync + 'static {
    /// The flag that names the file.
    const FLAG: Flag;
    /// What it lists, for messages: `tokens`.
    const LISTED: &'static str;

    /// Reads a file's text.
    ///
    /// # Errors
    /// Invalid argument, without any secret of the file.
    fn parse(json: &str) -> Result<Self, Error>;

    /// Takes what another text says instead.
    ///
    /// # Errors
    /// As [`Known::parse`]; all is then as before.
    fn replace(&self, json: &str) -> Result<(), Error>;
}

impl Known for Callers {
    const FLAG: Flag = Flag::TOKENS_FILE;
    const LISTED: &'static str = "tokens";

    fn parse(json: &str) -> Result<Self, Error> {
        Self::from_tokens(json)
    }

    fn replace(&self, json: &str) -> Result<(), Error> {
        self.replace(json)
    }
}

impl Known for AwsKeys {
    const FLAG: Flag = Flag::AWS_ACCESS_KEYS;
    const LISTED: &'static str = "access keys";

    fn parse(json: &str) -> Result<Self, Error> {
        Self::from_json(json)
    }

    fn replace(&self, json: &str) -> Result<(), Error> {
        self.replace(json)
    }
}

/// A file that is read again.
#[derive(Debug)]
pub struct CallersFile<T> {
    path: PathBuf,
    known: T,
    watched: Watched,
}

impl<T: Known> CallersFile<T> {
    /// Reads the file.
    ///
    /// # Errors
    /// [`StartError::Setting`] when it cannot be read or is no such file.
    pub async fn open(path: &Path) -> Result<Self, StartError> {
        let watched = Watched::new([path.to_owned()], EVERY).await?;
        let known = match text(path).await {
            Ok(json) => T::parse(&json).map_err(|e| e.to_string()),
            Err(problem) => Err(problem),
        };
        let known = known.map_err(|problem| {
            StartError::setting(T::FLAG, format!("{}: {problem}", path.display()))
        })?;
        Ok(Self {
            path: path.to_owned(),
            known,
            watched,
        })
    }

    /// What the file holds, which changes when it is read again.
    #[must_use]
    pub fn known(&self) -> T {
        self.known.clone()
    }

    /// Reads the file again whenever it has changed, and on every SIGHUP. When
    /// it is wrong, all stays as it is.
    ///
    /// # Errors
    /// None; the type is that of a task.
    pub async fn watch(mut self, draining: CancellationToken) -> Result<(), Error> {
        let watch = async {
            loop {
                self.watched.changed().await;
                let path = self.path.display();
                match self.read_again().await {
                    Ok(()) => tracing::info!(%path, "read the {} file again", T::LISTED),
                    Err(problem) => {
                        let listed = T::LISTED;
                        tracing::error!(%path, problem, "the {listed} of before stay in force");
                    }
                }
            }
        };
        draining.run_until_cancelled(watch).await;
        Ok(())
    }

    async fn read_again(&self) -> Result<(), String> {
        let json = text(&self.path).await?;
        self.known.replace(&json).map_err(|e| e.to_string())
    }
}

async fn text(path: &Path) -> Result<String, String> {
    let bytes = watched::read(path).await.map_err(|e| e.to_string())?;
    String::from_utf8(bytes).map_err(|_| "is no UTF-8 text".to_owned())
}
