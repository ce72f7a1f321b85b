//! A call of the AWS front: as it is signed, and as it is altered behind the
//! signature's back.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request};
use muster::domain::clock::Clock as _;
use muster::http::aws::Operation;

use super::alter;
use super::request::Written;
use super::world::World;

/// AWS's own example.
pub const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const TARGET: &str = "AWSCognitoIdentityProviderService.";

/// A call as it is sent.
pub struct Call {
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// Whether whoever calls is known, or need not be.
    pub trusted: bool,
    /// Whether a header was altered: what it means may be the same.
    pub touched: bool,
}

impl Call {
    /// Unsigned, and taken for good all the same.
    pub fn new(written: &Written<'_>) -> Self {
        Self {
            headers: headers(written),
            body: written.body.to_vec(),
            trusted: true,
            touched: false,
        }
    }

    /// Signs the call; false when it cannot be signed.
    pub fn sign(&mut self, world: &World) -> bool {
        for ours in ["authorization", "x-amz-date", "x-amz-security-token"] {
            self.headers.remove(ours);
        }
        let texts: Option<Vec<(&str, &str)>> = self
            .headers
            .iter()
            .map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect();
        let Some(texts) = texts.filter(|_| self.headers.contains_key("x-amz-target")) else {
            return false;
        };
        let signable = SignableRequest::new(
            "POST",
            "http://muster.test/",
            texts.into_iter(),
            SignableBody::Bytes(&self.body),
        );
        let identity = Credentials::new(KEY, SECRET, None, None, "test").into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("eu-central-1")
            .name("cognito-idp")
            .time(SystemTime::from(world.test.clock.now()))
            .settings(SigningSettings::default())
            .build()
            .expect("parameters")
            .into();
        let Ok(signed) = signable.and_then(|signable| sign(signable, &params)) else {
            return false;
        };
        let mut request = Request::post("http://muster.test/")
            .body(())
            .expect("a request");
        signed.into_parts().0.apply_to_request_http1x(&mut request);
        self.headers.extend(request.into_parts().0.headers);
        true
    }

    /// Alters what was signed: `how high low what NAME`.
    pub fn alter(&mut self, alteration: &str) {
        let words: Vec<&str> = alteration.split(' ').collect();
        let [a, b, c, d, name] = words[..] else {
            return;
        };
        let numbers: Vec<u8> = [a, b, c, d].iter().filter_map(|n| n.parse().ok()).collect();
        let Ok(how) = <[u8; 4]>::try_from(numbers) else {
            return;
        };
        if name == "body" {
            let altered = alter::bytes(&self.body, how);
            self.trusted = altered == self.body;
            self.body = altered;
            return;
        }
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
            return;
        };
        let Some(value) = self.headers.get(&name) else {
            return;
        };
        let altered = alter::bytes(value.as_bytes(), how);
        if altered == value.as_bytes() {
            return;
        }
        let Ok(altered) = HeaderValue::from_bytes(&altered) else {
            return;
        };
        let same = match name.as_str() {
            "host" | "x-amz-date" | "x-amz-target" => squeezed(&altered) == squeezed(value),
            "authorization" => parameters(&altered) == parameters(value),
            // Signed or not, it need not matter.
            _ => true,
        };
        self.trusted = same;
        self.touched = true;
        self.headers.insert(name, altered);
    }

    /// The operation that is called, if it is one.
    pub fn operation(&self) -> Option<Operation> {
        let mut targets = self.headers.get_all("x-amz-target").iter();
        let target = targets.next()?.to_str().ok()?;
        let mut types = self.headers.get_all("content-type").iter();
        let media = types.next()?.to_str().ok()?.split(';').next()?.trim();
        let right = targets.next().is_none()
            && types.next().is_none()
            && media.eq_ignore_ascii_case("application/x-amz-json-1.1");
        Operation::from_name(target.strip_prefix(TARGET)?).filter(|_| right)
    }
}

/// A value without the space that is not signed.
fn squeezed(value: &HeaderValue) -> Vec<u8> {
    let words = value.as_bytes().split(u8::is_ascii_whitespace);
    words
        .filter(|w| !w.is_empty())
        .collect::<Vec<_>>()
        .join(&b' ')
}

/// What counts of an authorization: the signature, by whom, and of what. The
/// case of a header's name does not.
fn parameters(value: &HeaderValue) -> Vec<Vec<u8>> {
    let after = value.as_bytes().iter().position(|b| *b == b' ');
    let list = &value.as_bytes()[after.unwrap_or_default()..];
    let mut known: Vec<Vec<u8>> = list
        .split(|b| *b == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|parameter| {
            [&b"Credential="[..], b"SignedHeaders=", b"Signature="]
                .iter()
                .any(|name| parameter.starts_with(name))
        })
        .map(
            |parameter| match parameter.strip_prefix(b"SignedHeaders=") {
                Some(names) => names.to_ascii_lowercase(),
                None => parameter.to_vec(),
            },
        )
        .collect();
    known.sort_unstable();
    known
}

fn headers(written: &Written<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("host", "muster.test"),
        ("content-type", "application/x-amz-json-1.1"),
    ] {
        if written.header(name).is_none() {
            headers.append(name, HeaderValue::from_static(value));
        }
    }
    for (name, value) in &written.headers {
        let mut value = value.clone();
        if name == "x-amz-target"
            && let Ok(text) = value.to_str()
            && !text.contains('.')
        {
            value = HeaderValue::from_str(&format!("{TARGET}{text}")).expect("a header");
        }
        headers.append(name, value);
    }
    headers
}
