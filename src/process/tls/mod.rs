//! TLS: a server's certificate, whom it lets in, and what the command line
//! brings along.

mod client;
mod pem;
mod server;

use std::sync::{Arc, LazyLock};

use tokio_rustls::rustls::crypto::{CryptoProvider, ring};

pub use client::{ClientTls, ClientTlsArgs, ClientTlsError};
pub use server::{Accepted, Alpn, ServerTls, TlsFiles};

static RING: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(ring::default_provider()));

/// The cryptography that all of muster uses.
fn provider() -> Arc<CryptoProvider> {
    Arc::clone(&RING)
}

/// Makes libraries that ask for the process's cryptography use the same.
pub fn use_ring() {
    // Whoever was first, in a program that has muster as a library, is right.
    if ring::default_provider().install_default().is_err() {
        tracing::trace!("there is a cryptography already");
    }
}
