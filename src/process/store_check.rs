//! The object store at the start of a process.

use std::time::Duration;

use tokio::time::timeout;

use super::StartError;
use super::config::Flag;
use crate::domain::clock::{Clock as _, SystemClock};
use crate::domain::error::Error;
use crate::objects::Objects;
use crate::store::{Database, sweeps};

/// How long a remote store may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Refuses a remote store that refuses us. Warns of one that does not answer,
/// and of a folder that is not the one that other processes put uploads into.
///
/// # Errors
/// [`StartError::Setting`] says what the store refuses.
pub async fn check(objects: &Objects, database: &Database) -> Result<(), StartError> {
    if let Some(folder) = objects.folder() {
        match is_another_folder(objects, database).await {
            Ok(true) => tracing::warn!(
                folder = %folder.display(),
                "the folder lacks uploads that the database names: all servers and schedulers must \
                 see the same folder ({})",
                Flag::OBJECT_STORE
            ),
            Ok(false) if in_kubernetes() => tracing::warn!(
                folder = %folder.display(),
                "uploads lie in a folder: in Kubernetes it must be on a volume that all servers and \
                 schedulers share ({})",
                Flag::OBJECT_STORE
            ),
            Ok(false) => {}
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "could not look whether the folder of uploads is the right one"
            ),
        }
        return Ok(());
    }
    match timeout(PATIENCE, objects.probe()).await {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(Ok(Err(no))) => {
            let problem = format!("the bucket {no}");
            Err(StartError::setting(Flag::OBJECT_STORE, problem))
        }
        Ok(Err(error)) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the object store does not answer; jobs wait for it"
            );
            Ok(())
        }
        Err(_) => {
            tracing::warn!("the object store does not answer; jobs wait for it");
            Ok(())
        }
    }
}

/// Whether the folder lacks an upload that it must have.
async fn is_another_folder(objects: &Objects, database: &Database) -> Result<bool, Error> {
    let now = SystemClock.now();
    let Some(upload) = sweeps::kept_upload(database, now).await? else {
        return Ok(false);
    };
    if objects.head(&upload).await?.is_some() {
        return Ok(false);
    }
    // It may have been deleted, and its note with it, while we looked.
    Ok(sweeps::kept_upload(database, now).await?.as_ref() == Some(&upload))
}

fn in_kubernetes() -> bool {
    std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
}
