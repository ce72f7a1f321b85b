//! URLs by which callers put files into the store themselves.

use std::time::Duration;

use object_store::signer::{HeaderName, HeaderValue, SignedUrlOptions, Signer};

use super::{Objects, away};
use crate::domain::error::Error;

/// A header that a request must bear.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) name: &'static str,
    pub(super) value: &'static str,
    /// Whether it is part of what is signed.
    pub(super) signed: bool,
}

/// What signs the URLs of a store.
#[derive(Debug)]
pub(super) struct Signed {
    pub(super) signer: Box<dyn Signer>,
    /// What a `PUT` must bear.
    pub(super) headers: Vec<Header>,
}

/// A URL by which one file can be put into the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadUrl {
    /// Takes a `PUT` with the file as its body.
    pub url: String,
    /// The headers that the `PUT` must bear.
    pub headers: Vec<(String, String)>,
}

impl Objects {
    /// Signs a URL for the upload of an object, good for whole seconds. `None`
    /// when the store takes no uploads itself, or there is no such second.
    ///
    /// # Errors
    /// Unavailable when there are no credentials to be had.
    pub async fn upload_url(
        &self,
        name: &str,
        good_for: Duration,
    ) -> Result<Option<UploadUrl>, Error> {
        let good_for = Duration::from_secs(good_for.as_secs());
        let Some(signed) = self.signed.as_ref().filter(|_| !good_for.is_zero()) else {
            return Ok(None);
        };
        let mut options = SignedUrlOptions::new();
        for header in signed.headers.iter().filter(|header| header.signed) {
            options = options.with_signed_header(
                HeaderName::from_static(header.name),
                HeaderValue::from_static(header.value),
            );
        }
        let path = self.path(name)?;
        let url = signed
            .signer
            .signed_url_opts(object_store::signer::Method::PUT, &path, good_for, &options)
            .await
            .map_err(away)?;
        let headers = signed.headers.iter();
        Ok(Some(UploadUrl {
            url: url.into(),
            headers: headers
                .map(|header| (header.name.to_owned(), header.value.to_owned()))
                .collect(),
        }))
    }
}
