//! PEM files: what is taken out of them, and what is wrong with them.

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The certificates of a file; at least one.
pub(super) fn certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    match found {
        Ok(found) if found.is_empty() => Err("holds no certificate (PEM)".to_owned()),
        Ok(found) => Ok(found),
        Err(error) => Err(broken(&error)),
    }
}

/// The private key of a file. The message holds nothing of it.
pub(super) fn key(bytes: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(bytes).map_err(|error| match error {
        pem::Error::NoItemsFound => "holds no private key (PEM)".to_owned(),
        other => broken(&other),
    })
}

/// The certificates of a file as those that others are signed by.
pub(super) fn authorities(bytes: &[u8]) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    for (i, certificate) in certificates(bytes)?.into_iter().enumerate() {
        store
            .add(certificate)
            .map_err(|e| format!("certificate {} is no CA's ({e})", i + 1))?;
    }
    Ok(store)
}

/// Some of the library's errors repeat lines of the file.
fn broken(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(cause) => cause.to_string(),
        _ => "is broken PEM".to_owned(),
    }
}
