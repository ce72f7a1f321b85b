//! Taking in files: what is accepted, what is refused, and what is kept.

use std::time::Duration;

use bytes::Bytes;
use muster::operations::jobs::JobView;
use reqwest::{Body, Response};
use serde_json::Value;
use url::Url;

use super::{TestServer, csv, ids};
use crate::support::http::client;

pub async fn put(url: &str, body: impl Into<Body>) -> (u16, Value) {
    let answer = client().put(url).body(body).send().await;
    told(answer.expect("an answer")).await
}

/// Status and JSON of an answer; of a refusal, what every refusal has.
pub async fn told(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    let header = answer.headers().get("x-request-id").expect("an id").clone();
    let text = answer.text().await.expect("a body");
    let mut json: Value = serde_json::from_str(&text).expect("JSON");
    if status >= 400 {
        json = json["error"].take();
        assert_eq!(json["request_id"], header.to_str().expect("text"));
        assert!(json["message"].as_str().is_some_and(|m| !m.is_empty()));
    }
    (status, json)
}

/// A body of pieces whose length is not told beforehand.
fn chunked(pieces: Vec<Vec<u8>>) -> Body {
    let pieces = pieces
        .into_iter()
        .map(|p| Ok::<_, std::io::Error>(Bytes::from(p)));
    Body::wrap_stream(tokio_stream::iter(pieces))
}

async fn size(server: &TestServer, job: &JobView) -> Option<u64> {
    server.describe(job).await.job.total_bytes
}

#[tokio::test]
async fn a_file_is_taken_in_and_counted() {
    let server = TestServer::new().await;
    let (job, url) = server.open_job().await;
    let file = csv(3);
    let (status, told) = put(&url, file.clone()).await;
    assert_eq!(status, 200);
    assert_eq!(told, serde_json::json!({"bytes": file.len(), "rows": 3}));
    assert_eq!(size(&server, &job).await, Some(file.len() as u64));
    assert_eq!(server.describe(&job).await.job.total_rows, Some(3));
    assert_eq!(server.test.files(), 1);
}

#[tokio::test]
async fn cognitos_documented_request_is_taken() {
    let server = TestServer::new().await;
    let (_, url) = server.open_job().await;
    let answer = client()
        .put(&url)
        .header("x-amz-server-side-encryption", "aws:kms")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("content-encoding", "identity")
        .body(csv(1))
        .send()
        .await;
    assert_eq!(told(answer.expect("an answer")).await.0, 200);
}

#[tokio::test]
async fn an_upload_replaces_the_one_before() {
    let server = TestServer::new().await;
    let (job, url) = server.open_job().await;
    assert_eq!(put(&url, csv(3)).await.0, 200);
    let (status, told) = put(
        &url,
        chunked(vec![csv(1).into(), b"a,b@c.d,true,\n".into()]),
    )
    .await;
    assert_eq!((status, &told["rows"]), (200, &2.into()));
    let now = server.describe(&job).await.job;
    assert_eq!(now.total_rows, Some(2));
    assert_eq!(server.test.files(), 1);
    // And one that is refused replaces nothing.
    assert_eq!(put(&url, "nonsense\n").await.0, 400);
    assert_eq!(server.describe(&job).await.job.upload, now.upload);
    assert_eq!(server.test.files(), 1);
}

#[tokio::test]
async fn a_url_is_good_for_its_time() {
    let server = TestServer::new().await;
    let (job, url) = server.open_job().await;
    server.test.clock.advance(Duration::from_secs(15 * 60 - 1));
    assert_eq!(put(&url, csv(1)).await.0, 200);
    server.test.clock.advance(Duration::from_secs(1));
    let (status, error) = put(&url, csv(2)).await;
    assert_eq!(
        (status, &error["reason"]),
        (403, &"INVALID_SIGNATURE".into())
    );
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|m| m.contains("has expired"))
    );
    // Describe answers one that is good again.
    let fresh = server.describe(&job).await.pre_signed_url.expect("a URL");
    assert_eq!(put(&fresh, csv(2)).await.0, 200);
}

#[tokio::test]
async fn a_url_is_good_as_it_is_only() {
    let server = TestServer::new().await;
    let (job, url) = server.open_job().await;
    let (other, other_url) = server.open_job().await;
    let (url, other_url) = [url, other_url]
        .map(|u| Url::parse(&u).expect("a URL"))
        .into();
    let (pool, id) = ids(&job);
    let (other_pool, other_id) = ids(&other);
    let mut forged = Vec::new();
    let query = |change: &dyn Fn(&str, &str) -> Option<String>| {
        let mut changed = url.clone();
        let pairs: Vec<_> = url
            .query_pairs()
            .filter_map(|(k, v)| Some((k.to_string(), change(&k, &v)?)))
            .collect();
        changed.query_pairs_mut().clear().extend_pairs(pairs);
        changed.to_string()
    };
    for name in ["expires", "max-bytes", "signature"] {
        forged.push(query(&|k, v| (k != name).then(|| v.to_owned())));
        forged.push(query(&|k, v| {
            Some(if k == name {
                String::new()
            } else {
                v.to_owned()
            })
        }));
        forged.push(query(&|k, v| {
            Some(if k == name {
                format!("{v}0")
            } else {
                v.to_owned()
            })
        }));
        forged.push(query(&|k, v| {
            Some(if k == name { "-1".into() } else { v.to_owned() })
        }));
        forged.push(format!("{url}&{name}=1"));
    }
    let text = url.to_string();
    forged.push(text.replace(&pool, &other_pool));
    forged.push(text.replace(&id, &other_id));
    forged.push(text.replace(&id, "import-1"));
    forged.push(text.replace(&id, "%FF"));
    let its_own: &str = other_url.query().expect("a query");
    forged.push(text.replace(url.query().expect("a query"), its_own));
    forged.push(text.split('?').next().expect("a path").to_owned());
    for url in forged {
        let (status, error) = put(&url, csv(1)).await;
        assert_eq!(status, 403, "{url}");
        assert_eq!(error["reason"], "INVALID_SIGNATURE", "{url}");
    }
    assert_eq!(server.test.files(), 0);
    assert_eq!(put(url.as_str(), csv(1)).await.0, 200);
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_by_what_it_says_and_by_what_it_is() {
    let server = TestServer::new().await;
    let (job, url) = server.open_job().await;
    let limit = 1 << 20;
    let mut file = csv(1).into_bytes();
    file.resize(limit, b'\n');
    assert_eq!(put(&url, file.clone()).await.0, 200);
    file.push(b'\n');
    let pieces = file.chunks(100_000).map(<[u8]>::to_vec).collect();
    for body in [Body::from(file.clone()), chunked(pieces)] {
        let (status, error) = put(&url, body).await;
        assert_eq!(
            (status, &error["reason"]),
            (413, &"UPLOAD_TOO_LARGE".into())
        );
        let limit = limit.to_string();
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|m| m.contains(&limit))
        );
    }
    let (status, error) = put(&url, csv(10_001)).await;
    assert_eq!(status, 413);
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|m| m.contains("more rows"))
    );
    assert_eq!(size(&server, &job).await, Some(limit as u64));
    assert_eq!(server.test.files(), 1);
}

#[tokio::test]
async fn a_job_that_is_not_created_any_more_takes_no_file() {
    let server = TestServer::new().await;
    let (job, url) = server.open_job().await;
    assert_eq!(put(&url, csv(1)).await.0, 200);
    server.start(&job).await;
    let (status, error) = put(&url, csv(2)).await;
    assert_eq!((status, &error["reason"]), (409, &"UPLOAD_CLOSED".into()));
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|m| m.contains("PENDING"))
    );
    assert_eq!(server.describe(&job).await.job.total_rows, Some(1));
    assert_eq!(server.test.files(), 1);
}

#[tokio::test]
async fn a_file_that_cannot_be_imported_is_refused_at_once() {
    let server = TestServer::new().await;
    let (job, url) = server.open_job().await;
    let utf_16: Vec<u8> = std::iter::once(0xfeff)
        .chain(csv(2).encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let columns: Vec<_> = (0..10_000).map(|i| format!("custom:c{i}")).collect();
    let garbage: Vec<u8> = (0..200_000_u32)
        .map(|i| (i.wrapping_mul(i) >> 7) as u8)
        .collect();
    let good = csv(1);
    for (what, file, says) in [
        ("empty", Vec::new(), "empty"),
        ("one byte", b"x".to_vec(), ""),
        ("garbage", garbage, ""),
        ("UTF-16", utf_16, ""),
        ("10,000 columns", columns.join(",").into_bytes(), ""),
        ("one long line", vec![b'a'; 900_000], ""),
        (
            "unknown column",
            good.replace("email,", "e-mail,").into_bytes(),
            "e-mail",
        ),
        (
            "repeated column",
            good.replace("cognito:mfa_enabled", "email").into_bytes(),
            "email",
        ),
        (
            "no username",
            good.replace("cognito:username", "name").into_bytes(),
            "cognito:username",
        ),
        ("no header", b"\n\n\n".to_vec(), ""),
    ] {
        let (status, error) = put(&url, file).await;
        assert_eq!(
            (status, &error["reason"]),
            (400, &"INVALID_UPLOAD".into()),
            "{what}"
        );
        let message = error["message"].as_str().expect("text");
        assert!(message.contains(says), "{what}: {message}");
        assert!(message.chars().count() <= 128, "{what}: {message}");
    }
    assert_eq!(size(&server, &job).await, None);
    assert_eq!(server.test.files(), 0);
}

#[tokio::test]
async fn a_compressed_file_is_refused() {
    let server = TestServer::new().await;
    let (_, url) = server.open_job().await;
    let answer = client()
        .put(&url)
        .header("content-encoding", "gzip")
        .body(csv(1))
        .send()
        .await;
    let (status, error) = told(answer.expect("an answer")).await;
    assert_eq!(status, 400);
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|m| m.contains("not compressed"))
    );
}
