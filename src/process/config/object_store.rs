//! Where uploads lie.

use clap::Args;
use url::Url;

use super::{Flag, values};
use crate::objects::Objects;
use crate::process::StartError;

/// Where uploads lie.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Uploads")]
pub struct ObjectStoreArgs {
    /// Where uploads lie, for servers and schedulers alike: file:///absolute/folder
    #[arg(
        long,
        env = "MUSTER_OBJECT_STORE",
        hide_env_values = true,
        value_name = "URL",
        value_parser = values::url
    )]
    object_store: Url,
}

impl ObjectStoreArgs {
    /// Opens the store.
    ///
    /// # Errors
    /// [`StartError::Setting`] when it cannot be used.
    pub fn open(&self) -> Result<Objects, StartError> {
        Objects::open(&self.object_store).map_err(|error| {
            // The message begins with the field's name in the API.
            let text = error.to_string();
            let problem = text.strip_prefix("object_store ").unwrap_or(&text);
            StartError::setting(Flag::OBJECT_STORE, format!("the URL {problem}"))
        })
    }
}
