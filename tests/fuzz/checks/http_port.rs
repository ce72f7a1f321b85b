//! The HTTP port over a real database: uploads of any bytes, downloads, and
//! whatever else is asked of it.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, Response};
use muster::csv::rows::{MAX_ROW_CHARS, RowSplitter};
use muster::http::{self, HttpState};
use muster::operations::admission::Admission;
use muster::operations::callers::Callers;
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt as _;
use url::Url;

use super::http_error;
use super::request::Written;
use super::world::{PATIENCE, POOL, World, jobs};
use crate::support::muster::{TestMuster, admin};

/// Longer bodies are cut into that many pieces.
const PIECES: usize = 3;

pub fn router(test: &TestMuster, callers: Callers) -> Router {
    let (_, ready) = watch::channel(true);
    http::router(HttpState {
        muster: test.muster.clone(),
        callers,
        ready,
        upload_idle_timeout: PATIENCE,
        admission: Admission::unlimited(),
    })
}

/// The first line is `METHOD target`. A target that begins with `$` is the
/// signed URL of a job that takes a file, with what follows put behind it.
pub fn check(world: &World, data: &[u8]) {
    let Some(written) = Written::parse(data) else {
        return;
    };
    let Some((method, target)) = written.first.split_once(' ') else {
        return;
    };
    let Ok(method) = Method::from_bytes(method.as_bytes()) else {
        return;
    };
    world.run(async {
        let (target, signed) = match target.strip_prefix('$') {
            Some("") => (signed_url(world).await, true),
            Some(more) => (signed_url(world).await + more, false),
            None => (target.to_owned(), false),
        };
        let mut request = Request::builder().method(&method).uri(&target);
        for (name, value) in &written.headers {
            request = request.header(name, value);
        }
        let Ok(request) = request.body(body(written.body)) else {
            return;
        };
        let answer = world.http.clone().oneshot(request).await;
        let (head, body) = answer.expect("an answer").into_parts();
        let told = to_bytes(body, 4 << 20).await.expect("a body");
        let head = Response::from_parts(head, ());
        assert!(head.headers().contains_key("x-request-id"), "{head:?}");
        let upload = method == Method::PUT && target.starts_with("/v1/uploads/");
        if head.status() == 200 && upload {
            counted(&told, written.body);
            world.restore().await;
        } else if head.status() != 200 && (method != Method::HEAD || !told.is_empty()) {
            let reason = http_error::reason(&head, &told);
            assert!(!head.status().is_server_error(), "{target}: {head:?}");
            assert!(
                !signed || !upload || reason != "INVALID_SIGNATURE",
                "{target}"
            );
        }
    });
}

/// Path and query of a URL that is good.
async fn signed_url(world: &World) -> String {
    let caller = admin();
    let view = world
        .test
        .muster
        .describe_job(&caller, POOL, jobs::NEW)
        .await;
    let url = view.expect("the job").pre_signed_url.expect("a URL");
    let url = Url::parse(&url).expect("a URL");
    url[url::Position::BeforePath..].to_owned()
}

/// As a network would bring it.
fn body(bytes: &[u8]) -> Body {
    let size = bytes.len() / PIECES + 1;
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> =
        bytes.chunks(size).map(|piece| Ok(piece.to_vec())).collect();
    Body::from_stream(futures_util::stream::iter(pieces))
}

/// A file that was taken in has the size and the rows that are answered.
fn counted(told: &[u8], file: &[u8]) {
    let told: Value = serde_json::from_slice(told).expect("JSON");
    let mut splitter = RowSplitter::new(MAX_ROW_CHARS);
    splitter.push(file);
    splitter.finish();
    let mut rows = 0;
    while splitter.next_row().is_some() {
        rows += 1;
    }
    assert!(rows > 0, "a file without a header was taken in");
    assert_eq!(told, json!({ "bytes": file.len(), "rows": rows - 1 }));
}
