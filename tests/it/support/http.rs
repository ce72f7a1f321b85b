//! An HTTP client with the cryptography that muster uses.

use muster::process::tls::use_ring;
use reqwest::{Client, ClientBuilder, IntoUrl, Response};

/// A client to be.
pub fn builder() -> ClientBuilder {
    use_ring();
    Client::builder()
}

/// A client.
pub fn client() -> Client {
    builder().build().expect("a client")
}

/// The answer to a GET.
pub async fn get(url: impl IntoUrl) -> reqwest::Result<Response> {
    client().get(url).send().await
}
