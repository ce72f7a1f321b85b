//! Versions of objects, for a server that speaks S3 and keeps the last only.

use std::collections::HashMap;
use std::sync::Mutex;

use axum::body::to_bytes;
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderValue, LAST_MODIFIED, RANGE};
use hyper::{Method, Request, Response, StatusCode};
use s3s::service::S3Service;

/// What an object was at a time.
#[derive(Clone)]
struct Version {
    content: Bytes,
    tag: HeaderValue,
}

/// All versions of all objects, by path; a version's name is its number.
#[derive(Default)]
pub struct Versions(Mutex<HashMap<String, Vec<Version>>>);

type Answer = Result<Response<s3s::Body>, s3s::HttpError>;

impl Versions {
    /// Has the server answer, and puts the versions in.
    pub async fn answer(&self, request: Request<Incoming>, service: &S3Service) -> Answer {
        match *request.method() {
            Method::PUT => self.put(request, service).await,
            Method::GET | Method::HEAD => self.get(request, service).await,
            _ => service.call(request.map(s3s::Body::from)).await,
        }
    }

    async fn put(&self, request: Request<Incoming>, service: &S3Service) -> Answer {
        let path = request.uri().path().to_owned();
        let (parts, body) = request.into_parts();
        let content = to_bytes(axum::body::Body::new(body), 1 << 30).await;
        let content = content.expect("a whole file");
        let request = Request::from_parts(parts, s3s::Body::from(content.clone()));
        let mut answer = service.call(request).await?;
        if let Some(tag) = answer.headers().get(ETAG).cloned() {
            let mut all = self.0.lock().expect("the versions");
            let versions = all.entry(path).or_default();
            versions.push(Version { content, tag });
            mark(&mut answer, versions.len());
        }
        Ok(answer)
    }

    async fn get(&self, request: Request<Incoming>, service: &S3Service) -> Answer {
        let path = request.uri().path().to_owned();
        let query = request.uri().query().unwrap_or_default().to_owned();
        let range = request.headers().get(RANGE).cloned();
        let head = request.method() == Method::HEAD;
        // It knows who may ask.
        let mut answer = service.call(request.map(s3s::Body::from)).await?;
        let all = self.0.lock().expect("the versions");
        let Some(versions) = all.get(&path).filter(|_| answer.status().is_success()) else {
            return Ok(answer);
        };
        let asked = query.split('&').find_map(|p| p.strip_prefix("versionId="));
        let Some(number) = asked.map(|n| n.parse::<usize>().expect("a version")) else {
            mark(&mut answer, versions.len());
            return Ok(answer);
        };
        let version = &versions[number - 1];
        let mut old = Response::new(s3s::Body::empty());
        let size = version.content.len();
        let length = match range {
            Some(range) => {
                let range = range.to_str().expect("text");
                let range = range.strip_prefix("bytes=").expect("bytes");
                let (first, last) = range.split_once('-').expect("a range");
                let first: usize = first.parse().expect("a number");
                let last = last.parse::<usize>().expect("a number").min(size - 1);
                *old.body_mut() = version.content.slice(first..=last).into();
                *old.status_mut() = StatusCode::PARTIAL_CONTENT;
                let place = format!("bytes {first}-{last}/{size}");
                let place = place.parse().expect("a header");
                old.headers_mut().insert(CONTENT_RANGE, place);
                last + 1 - first
            }
            None => {
                if !head {
                    *old.body_mut() = version.content.clone().into();
                }
                size
            }
        };
        let changed = answer.headers()[LAST_MODIFIED].clone();
        let headers = old.headers_mut();
        headers.insert(ETAG, version.tag.clone());
        headers.insert(LAST_MODIFIED, changed);
        headers.insert(CONTENT_LENGTH, length.into());
        mark(&mut old, number);
        Ok(old)
    }
}

fn mark(answer: &mut Response<s3s::Body>, number: usize) {
    let header = answer.headers_mut();
    header.insert("x-amz-version-id", number.into());
}
