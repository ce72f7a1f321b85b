//! Signed upload URLs: what was signed is good, and nothing else.

use axum::body::Body;
use axum::http::{Method, Request};
use muster::domain::ids::{JobId, UserPoolId};
use muster::operations::SigningKey;
use muster::operations::signing::UploadGrant;
use url::{Url, form_urlencoded};
use uuid::Uuid;

use super::offline::{MAX_BYTES, NOW, Offline};
use super::{alter, http_error};

/// Regions that a pool's id may begin with.
const REGIONS: [&str; 4] = ["local", "eu-central-1", "_", "-"];

/// The first byte says which: a URL that somebody made up, or one that was
/// signed. Of the latter the next bytes say how it is altered, and what it is
/// good for.
pub fn check(offline: &Offline, data: &[u8]) {
    match data.split_first() {
        None => {}
        Some((kind, rest)) if kind % 2 == 0 => made_up(offline, rest),
        Some((_, rest)) => signed(offline, rest),
    }
}

/// Nothing that is made up gets past the signature.
fn made_up(offline: &Offline, text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let (method, target) = text.split_once(' ').unwrap_or(("PUT", text));
    let Ok(method) = Method::from_bytes(method.as_bytes()) else {
        return;
    };
    if let Some(reason) = refusal(offline, method, target) {
        assert_ne!(reason, "DATABASE_UNAVAILABLE", "{target} passed for signed");
    }
}

fn signed(offline: &Offline, data: &[u8]) {
    let Some(([a, b, c, d, seconds, region, job @ ..], pool)) = data.split_first_chunk::<14>()
    else {
        return;
    };
    let random = Uuid::from_u64_pair(0, pool.iter().fold(0, |n, b| n << 5 ^ u64::from(*b)));
    let region = REGIONS[usize::from(*region) % REGIONS.len()];
    let grant = UploadGrant {
        user_pool_id: UserPoolId::generate(region, random),
        job_id: JobId(Uuid::from_u64_pair(7, u64::from_be_bytes(*job))),
        // A second before or after now, or far from it.
        expires: NOW.unix_timestamp() + i64::from(*seconds as i8),
        max_bytes: MAX_BYTES,
    };
    let signature = offline.key.sign_upload(&grant).expect("a signature");
    pure(offline, &grant, &signature);
    let target = format!(
        "/v1/uploads/{}/{}?expires={}&max-bytes={}&signature={signature}",
        grant.user_pool_id, grant.job_id, grant.expires, grant.max_bytes
    );
    let in_time = grant.expires > NOW.unix_timestamp();
    let reason = refusal(offline, Method::PUT, &target);
    let expected = if in_time {
        "DATABASE_UNAVAILABLE"
    } else {
        "INVALID_SIGNATURE"
    };
    assert_eq!(reason.as_deref(), Some(expected), "{target}");
    let altered = alter::bytes(target.as_bytes(), [*a, *b, *c, *d]);
    let Ok(altered) = String::from_utf8(altered) else {
        return;
    };
    let reason = refusal(offline, Method::PUT, &altered);
    if reason.as_deref() == Some("DATABASE_UNAVAILABLE") {
        assert!(in_time, "{altered} is too late");
        assert!(
            says_the_same(&altered, &grant, &signature),
            "{altered} passed for {target}"
        );
    }
}

/// The grant alone, without a server.
fn pure(offline: &Offline, grant: &UploadGrant, signature: &str) {
    let at = |seconds| {
        grant.verify(
            &offline.key,
            signature,
            NOW + time::Duration::seconds(seconds),
        )
    };
    let left = grant.expires - NOW.unix_timestamp();
    assert!(at(left - 1).is_ok());
    assert!(at(left).is_err());
    let other = SigningKey::new([8; 32]).expect("long enough");
    assert!(grant.verify(&other, signature, NOW).is_err());
    let mut more = grant.clone();
    more.max_bytes += 1;
    let mut later = grant.clone();
    later.expires += 1;
    for forged in [more, later] {
        assert!(forged.verify(&offline.key, signature, NOW).is_err());
    }
}

/// Whether a URL names just what was signed, be it in other words: with escapes,
/// with parameters that mean nothing, or with digits above nine as capitals.
fn says_the_same(target: &str, grant: &UploadGrant, signature: &str) -> bool {
    let url = Url::parse(&format!("http://host{target}")).expect("a URL that was served");
    let decoded = |text: &str| {
        // As in a query, but for `+`, which is itself in a path.
        let text = text.replace('+', "%2B");
        let mut pairs = form_urlencoded::parse(text.as_bytes());
        pairs.next().map(|(name, _)| name.into_owned())
    };
    let path: Vec<Option<String>> = url.path().split('/').skip(1).map(decoded).collect();
    let named = [
        "v1".to_owned(),
        "uploads".to_owned(),
        grant.user_pool_id.to_string(),
        grant.job_id.to_string(),
    ]
    .map(Some);
    let only = |name: &str| {
        let mut found = url.query_pairs().filter(|(n, _)| n == name);
        let (_, value) = found.next()?;
        found.next().is_none().then(|| value.into_owned())
    };
    path == named
        && only("expires").and_then(|v| v.parse().ok()) == Some(grant.expires)
        && only("max-bytes").and_then(|v| v.parse().ok()) == Some(grant.max_bytes)
        && only("signature").is_some_and(|v| v.eq_ignore_ascii_case(signature))
}

/// How a request is refused; `None` when it is not, or cannot be sent.
fn refusal(offline: &Offline, method: Method, target: &str) -> Option<String> {
    let probe = matches!(method, Method::GET | Method::HEAD);
    let request = Request::builder()
        .method(method)
        .uri(target)
        .body(Body::empty())
        .ok()?;
    let (head, body) = offline.send(request);
    if head.status().is_success() {
        assert!(probe, "{target} was answered {}", head.status());
        return None;
    }
    if body.is_empty() && probe {
        return None;
    }
    let reason = http_error::reason(&head, &body);
    let told = String::from_utf8_lossy(&body);
    let secrets = target.split(['=', '&']).filter(|part| part.len() == 64);
    for secret in secrets {
        assert!(!told.contains(secret), "a signature is repeated: {told}");
    }
    Some(reason)
}
