//! Plain HTTP clients.

/// A client. Its library leaves the choice of a cryptography to the process,
/// and panics without one, for plain HTTP too.
pub fn client() -> reqwest::Client {
    // Another test may have been quicker.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    reqwest::Client::new()
}
