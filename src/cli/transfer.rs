//! Files over HTTP: the upload of a CSV file, the download of rejected rows.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Body, Client, Response};
use rustls::crypto::CryptoProvider;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;
use url::Url;

use super::failure::{Failure, root_cause};
use super::text::one_line;
use super::token::Token;

/// How much is read from a file at a time.
const CHUNK: usize = 256 << 10;

/// Opens a file to upload, and tells its size.
///
/// # Errors
///
/// When it cannot be read, or is none that has a size.
pub async fn open(path: &Path) -> Result<(File, u64), Failure> {
    let failed = |cause| Failure::File {
        path: path.to_owned(),
        cause,
    };
    let file = File::open(path).await.map_err(failed)?;
    let metadata = file.metadata().await.map_err(failed)?;
    if !metadata.is_file() {
        let cause = io::Error::other("is no regular file, so its size is not known beforehand");
        return Err(failed(cause));
    }
    Ok((file, metadata.len()))
}

/// PUTs `size` bytes of a file to a signed URL, with the headers that it asks
/// for. `progress` hears how many are on their way, some five times a second.
///
/// # Errors
///
/// When the server refuses the file, in its own words, or the connection breaks.
pub async fn upload(
    url: &str,
    headers: &HashMap<String, String>,
    file: File,
    size: u64,
    mut progress: impl FnMut(u64) -> io::Result<()>,
) -> Result<(), Failure> {
    const WHAT: &str = "upload";
    let url = Url::parse(url).map_err(|e| broken_off(WHAT, &e))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Failure::UploadScheme(url.scheme().to_owned()));
    }
    let sent = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&sent);
    // A file that grows meanwhile is uploaded as long as it was.
    let chunks = ReaderStream::with_capacity(file.take(size), CHUNK).inspect(move |chunk| {
        if let Ok(chunk) = chunk {
            counter.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        }
    });
    // The token stays out of it: the URL is signed, and may be another server's.
    let mut request = client(&url)
        .map_err(|e| broken_off(WHAT, &e))?
        .put(url)
        .header(CONTENT_TYPE, "text/csv")
        .header(CONTENT_LENGTH, size);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(Body::wrap_stream(chunks)).send();
    tokio::pin!(request);
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    let response = loop {
        tokio::select! {
            response = &mut request => break response.map_err(|e| broken_off(WHAT, &e))?,
            _ = ticks.tick() => progress(sent.load(Ordering::Relaxed))?,
        }
    };
    accepted(WHAT, response).await?;
    progress(size)?;
    Ok(())
}

/// Streams what is behind a URL to what `open` opens once the server has
/// agreed, and tells how many bytes it was.
///
/// # Errors
///
/// When the server refuses, in its own words, the connection breaks, or `out`
/// takes no more ([`Failure::Output`]).
pub async fn download<W: io::Write>(
    url: Url,
    token: &Token,
    open: impl FnOnce() -> io::Result<W>,
) -> Result<u64, Failure> {
    const WHAT: &str = "download";
    let mut request = client(&url).map_err(|e| broken_off(WHAT, &e))?.get(url);
    if let Some(token) = token.expose() {
        request = request.bearer_auth(token);
    }
    let response = request.send().await.map_err(|e| broken_off(WHAT, &e))?;
    let mut chunks = accepted(WHAT, response).await?.bytes_stream();
    // Not before: a refused download must not empty a file that is there.
    let mut out = open()?;
    let mut written = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|e| broken_off(WHAT, &e))?;
        out.write_all(&chunk)?;
        written += chunk.len() as u64;
    }
    out.flush()?;
    Ok(written)
}

fn client(url: &Url) -> reqwest::Result<Client> {
    // The library leaves the choice to the process, and panics without one.
    if CryptoProvider::get_default().is_none() {
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
    }
    let mut client = Client::builder().connect_timeout(Duration::from_secs(5));
    if url.scheme() == "http" {
        // A machine without certificates can do without them.
        client = client.tls_certs_only([]);
    }
    client.build()
}

fn broken_off(what: &'static str, error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::BrokenOff {
        what,
        cause: root_cause(error),
    }
}

/// The response, if it is a success; otherwise what it says.
async fn accepted(what: &'static str, response: Response) -> Result<Response, Failure> {
    /// As much of an error's body as is read.
    const MOST: usize = 64 << 10;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    // A body that breaks off says what it said until then.
    while let Some(Ok(chunk)) = chunks.next().await {
        body.extend_from_slice(&chunk);
        if body.len() > MOST {
            break;
        }
    }
    Err(Failure::Refused {
        what,
        status: status.as_u16(),
        message: message_of(&body)
            .or_else(|| status.canonical_reason().map(str::to_owned))
            .unwrap_or_default(),
    })
}

/// What an error's body says: `message` or `error` of a JSON object, or else
/// its text, in one line.
fn message_of(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let said = match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(value) => ["/message", "/error/message", "/error", "/detail"]
            .iter()
            .find_map(|at| value.pointer(at)?.as_str().map(str::to_owned)),
        // An object store answers XML.
        Err(_) => text
            .split_once("<Message>")
            .and_then(|(_, rest)| rest.split_once("</Message>"))
            .map(|(message, _)| message.to_owned()),
    };
    let line: String = one_line(&said.unwrap_or_else(|| text.into_owned()))
        .chars()
        .take(500)
        .collect();
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_body_speaks_for_itself() {
        for (body, said) in [
            (r#"{"message":"too large"}"#, Some("too large")),
            (r#"{"__type":"X","message":"m"}"#, Some("m")),
            (r#"{"error":{"code":1,"message":"m"}}"#, Some("m")),
            (r#"{"error":"e"}"#, Some("e")),
            (r#"{"other":1}"#, Some(r#"{"other":1}"#)),
            ("plain\ntext\n", Some("plain text")),
            (
                "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
                Some("Request has expired"),
            ),
            ("", None),
        ] {
            assert_eq!(message_of(body.as_bytes()).as_deref(), said, "{body}");
        }
    }
}
