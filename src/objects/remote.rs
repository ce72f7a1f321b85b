//! S3, Google Cloud Storage and Azure: how they are reached, and by which
//! credentials. Both are said by the variables of their platforms: keys, a role
//! of Kubernetes or of the machine.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::signer::Signer;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, Result, RetryConfig};
use rustls::crypto::CryptoProvider;

use super::open::{Encryption, StoreOptions};
use super::signed::{Header, Signed};

/// The longest that a store may send nothing.
const SILENCE: Duration = Duration::from_secs(20);

/// A store that takes uploads itself.
pub(super) struct Remote {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) signed: Signed,
}

impl Remote {
    fn new(store: impl ObjectStore + Signer + Clone, headers: Vec<Header>) -> Self {
        Self {
            signed: Signed {
                signer: Box::new(store.clone()),
                headers,
            },
            store: Arc::new(store),
        }
    }
}

/// `s3://bucket`
pub(super) fn s3(bucket: &str, options: &StoreOptions) -> Result<Remote> {
    choose_cryptography();
    let mut builder = AmazonS3Builder::new().with_client_options(client());
    for (key, value) in keys::<AmazonS3ConfigKey>(options, "AWS_") {
        builder = builder.with_config(key, value);
    }
    let store = builder
        .with_bucket_name(bucket)
        // Not every server that speaks S3 deletes in bulk.
        .with_disable_bulk_delete(true)
        .with_retry(retry(options.patience))
        .build()?;
    let encryption = match options.encryption {
        Encryption::Kms => Some("aws:kms"),
        Encryption::Aes256 => Some("AES256"),
        Encryption::None => None,
    };
    let headers = encryption.map(|value| Header {
        name: "x-amz-server-side-encryption",
        value,
        signed: true,
    });
    Ok(Remote::new(store, headers.into_iter().collect()))
}

/// `gs://bucket`
pub(super) fn gcs(bucket: &str, options: &StoreOptions) -> Result<Remote> {
    choose_cryptography();
    let mut builder = GoogleCloudStorageBuilder::new().with_client_options(client());
    for (key, value) in keys::<GoogleConfigKey>(options, "GOOGLE_") {
        builder = builder.with_config(key, value);
    }
    let store = builder
        .with_bucket_name(bucket)
        .with_retry(retry(options.patience))
        .build()?;
    Ok(Remote::new(store, Vec::new()))
}

/// `az://container`
pub(super) fn azure(container: &str, options: &StoreOptions) -> Result<Remote> {
    choose_cryptography();
    let mut builder = MicrosoftAzureBuilder::new().with_client_options(client());
    for (key, value) in keys::<AzureConfigKey>(options, "AZURE_") {
        builder = builder.with_config(key, value);
    }
    let store = builder
        .with_container_name(container)
        .with_retry(retry(options.patience))
        .build()?;
    // Azure asks it of every upload, and signs no headers.
    let kind = Header {
        name: "x-ms-blob-type",
        value: "BlockBlob",
        signed: false,
    };
    Ok(Remote::new(store, vec![kind]))
}

/// The variables of a platform that the library knows.
fn keys<'a, K: FromStr>(
    options: &'a StoreOptions,
    platform: &'a str,
) -> impl Iterator<Item = (K, &'a str)> {
    let of_platform = move |(name, _): &&(String, String)| name.starts_with(platform);
    let variables = options.variables.iter().filter(of_platform);
    variables.filter_map(|(name, value)| {
        let key = name.to_ascii_lowercase().parse().ok()?;
        Some((key, value.as_str()))
    })
}

/// Silence ends a request, and not how long it takes: a slow store must come to
/// the end of a piece, or its jobs never would. Variables may say otherwise.
fn client() -> ClientOptions {
    ClientOptions::new()
        .with_timeout_disabled()
        .with_read_timeout(SILENCE)
}

/// A request is tried again while the store is away, but not for so long that
/// a caller's time is up, or that a job cannot be stopped.
fn retry(patience: Duration) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: patience / 100,
            max_backoff: patience / 5,
            base: 2.,
        },
        max_retries: 10,
        retry_timeout: patience,
    }
}

/// The HTTP client leaves the choice to the process, and panics without one.
fn choose_cryptography() {
    if CryptoProvider::get_default().is_none() {
        // Who was quicker chose the same.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
    }
}
