//! Where uploads lie.

use clap::{Args, ValueEnum};
use url::Url;

use super::{Flag, values};
use crate::objects::{Encryption, Objects, StoreOptions};
use crate::process::StartError;

/// Where uploads lie.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Uploads")]
pub struct ObjectStoreArgs {
    /// Where uploads lie, for servers and schedulers alike: file:///absolute/folder,
    /// s3://bucket/prefix, gs://bucket/prefix or az://container/prefix
    #[arg(
        long,
        env = "MUSTER_OBJECT_STORE",
        hide_env_values = true,
        value_name = "URL",
        value_parser = values::url
    )]
    object_store: Url,
}

/// What an upload to S3 must ask for.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Uploads")]
pub struct UploadEncryptionArgs {
    /// What uploads to S3 must say in x-amz-server-side-encryption
    #[arg(
        long,
        env = "MUSTER_UPLOAD_ENCRYPTION",
        hide_env_values = true,
        value_enum,
        default_value_t = UploadEncryption::Kms,
        value_name = "WORD"
    )]
    upload_encryption: UploadEncryption,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum UploadEncryption {
    #[value(name = "aws:kms")]
    Kms,
    #[value(name = "AES256")]
    Aes256,
    #[value(name = "none")]
    None,
}

impl UploadEncryptionArgs {
    /// The word as the store takes it.
    #[must_use]
    pub fn encryption(&self) -> Encryption {
        match self.upload_encryption {
            UploadEncryption::Kms => Encryption::Kms,
            UploadEncryption::Aes256 => Encryption::Aes256,
            UploadEncryption::None => Encryption::None,
        }
    }
}

impl ObjectStoreArgs {
    /// Opens the store.
    ///
    /// # Errors
    /// [`StartError::Setting`] when it cannot be used.
    pub fn open(&self, encryption: Encryption) -> Result<Objects, StartError> {
        let options = StoreOptions {
            encryption,
            ..StoreOptions::default()
        };
        Objects::open(&self.object_store, &options).map_err(|error| {
            // The message begins with the field's name in the API.
            let text = error.to_string();
            let problem = text.strip_prefix("object_store ").unwrap_or(&text);
            StartError::setting(Flag::OBJECT_STORE, format!("the URL {problem}"))
        })
    }
}
