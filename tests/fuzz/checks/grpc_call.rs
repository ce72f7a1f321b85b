//! A call over gRPC, and what its answer may be.

use std::sync::LazyLock;

use axum::http::Request;
use muster::api::FILE_DESCRIPTOR_SET;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};
use tonic::Code;
use tonic_types::{ErrorDetails, StatusExt as _};

use super::contract::REASONS;
use super::grpc_client::Answer;
use super::world::{POOL, TOKENS};

/// Services that anybody may call.
const PUBLIC: [&str; 3] = [
    "/grpc.health.v1.Health/",
    "/grpc.reflection.v1.ServerReflection/",
    "/grpc.reflection.v1alpha.ServerReflection/",
];
/// Many clients take no more than 8 KiB of headers, as HTTP/2 counts them.
const MAX_HEADERS: usize = 8192;

static POOL_OF_MESSAGES: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("descriptors"));

/// What was asked.
pub struct Call<'a> {
    path: String,
    method: Option<MethodDescriptor>,
    caller: Caller,
    /// Whether no token is asked for.
    public: bool,
    /// The message, if it is sent in a frame.
    message: Option<&'a [u8]>,
    /// Whether the caller bounds the time.
    timeout: bool,
    /// Whether there are headers of gRPC's own that not every call has.
    unusual: bool,
}

impl<'a> Call<'a> {
    /// Of `message`, if it is sent in a frame.
    pub fn new(path: &str, request: &Request<()>, message: Option<&'a [u8]>) -> Self {
        let mut names = request.headers().keys();
        Self {
            path: path.to_owned(),
            method: method(path),
            caller: caller(request),
            public: PUBLIC.iter().any(|service| path.starts_with(service)),
            message,
            timeout: request.headers().contains_key("grpc-timeout"),
            unusual: names.any(|name| name.as_str().starts_with("grpc-")),
        }
    }

    /// Demands of an answer what the contract says.
    pub fn judge(&self, answer: &Answer) {
        assert_eq!(answer.http, 200, "{}: {answer:?}", self.path);
        assert!(answer.headers.contains_key("x-request-id"), "{answer:?}");
        if answer.end.is_none() {
            // Still going on: that is a success so far.
            return self.judge_success(answer);
        }
        let status = answer
            .status()
            .unwrap_or_else(|| panic!("no grpc-status: {answer:?}"));
        if !self.public && self.caller == Caller::Nobody {
            assert_eq!(status.code(), Code::Unauthenticated, "{}", self.path);
        }
        if status.code() == Code::Ok {
            return self.judge_success(answer);
        }
        assert!(answer.messages.is_empty() || self.public, "{answer:?}");
        // Reflection answers by a library, and in its words.
        if self.public {
            assert!(!is_bug(status.code()), "{}: {status:?}", self.path);
            return;
        }
        self.judge_refusal(answer, status.code(), &status.get_error_details());
    }

    fn judge_success(&self, answer: &Answer) {
        let Some(method) = &self.method else {
            assert!(self.public, "{} is no method", self.path);
            return;
        };
        if !method.is_server_streaming() {
            assert_eq!(answer.messages.len(), 1, "{answer:?}");
        }
        for message in &answer.messages {
            let message = DynamicMessage::decode(method.output(), message.clone());
            let message = message.expect("a message of the method's");
            assert_eq!(message.unknown_fields().count(), 0);
            if self.caller == Caller::Stranger {
                let told = format!("{message:?}");
                assert!(!told.contains(POOL), "a stranger sees the pool: {told}");
            }
        }
        if self.caller == Caller::Reader {
            assert!(!changes(method.name()), "a reader may not {}", self.path);
        }
        if let Some(message) = self.message {
            assert!(decodes(method, message), "{} took nonsense", self.path);
        }
    }

    fn judge_refusal(&self, answer: &Answer, code: Code, details: &ErrorDetails) {
        let end = answer.end.iter().flatten();
        let size: usize = end.map(|(n, v)| n.as_str().len() + v.len() + 32).sum();
        assert!(size < MAX_HEADERS, "{size} bytes of headers");
        let info = details.error_info().expect("ErrorInfo");
        assert_eq!(info.domain, "muster");
        let id = details.request_info().expect("RequestInfo");
        let sent = answer.headers.get("x-request-id").map(|v| v.as_bytes());
        assert_eq!(sent, Some(id.request_id.as_bytes()));
        assert!(!is_bug(code), "{}: {code:?} {details:?}", self.path);
        assert_ne!(code, Code::Unavailable, "{details:?}");
        assert!(
            code != Code::DeadlineExceeded || self.timeout,
            "{details:?}"
        );
        let reason = info.reason.as_str();
        let name = name(code);
        match REASONS.get(reason) {
            Some(known) => {
                assert_eq!(known.grpc.as_deref(), Some(&*name), "{reason}");
                if let Some(detail) = &known.detail {
                    assert!(has(details, detail), "{reason} without {detail}");
                }
            }
            // Of a call that no method has seen.
            None => assert_eq!(reason, name),
        }
        let Some(method) = &self.method else { return };
        if code == Code::Unimplemented {
            // Compressed; the method is there.
            assert_eq!(reason, "UNIMPLEMENTED", "{}", self.path);
            assert!(answer.headers.contains_key("grpc-accept-encoding"));
        }
        let good = self.message.map(|message| decodes(method, message));
        if reason == "MALFORMED_MESSAGE" {
            assert_ne!(good, Some(true), "{}", self.path);
        } else if good == Some(false) {
            // Whatever is wrong with the head comes first.
            let head = code == Code::Unauthenticated || self.unusual;
            assert!(head, "{}: {reason} for nonsense", self.path);
        }
    }

    /// Whether the call may change anything.
    pub fn may_change(&self) -> bool {
        let method = self.method.as_ref();
        method.is_some_and(|method| changes(method.name()))
    }

    /// Whether it may have, by its answer.
    pub fn has_changed(&self, answer: &Answer) -> bool {
        let code = answer.status().map_or(Code::Ok, |status| status.code());
        matches!(code, Code::Ok | Code::DeadlineExceeded) && self.may_change()
    }
}

/// Who calls, by the token that is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Caller {
    Admin,
    /// Of [`POOL`] alone.
    Reader,
    /// Of another pool alone.
    Stranger,
    Nobody,
    /// A token in another form than the usual one.
    Unclear,
}

fn caller(request: &Request<()>) -> Caller {
    let mut values = request.headers().get_all("authorization").iter();
    let (first, second) = (values.next(), values.next());
    let text = first.and_then(|v| v.to_str().ok()).unwrap_or_default();
    let known = [Caller::Admin, Caller::Reader, Caller::Stranger];
    for ((token, _, _), caller) in TOKENS.iter().zip(known) {
        if text == format!("Bearer {token}") && second.is_none() {
            return caller;
        }
        if request
            .headers()
            .get_all("authorization")
            .iter()
            .any(|v| v.to_str().is_ok_and(|v| v.contains(token)))
        {
            return Caller::Unclear;
        }
    }
    Caller::Nobody
}

/// The method of `proto/` at a path.
fn method(path: &str) -> Option<MethodDescriptor> {
    let (service, method) = path.strip_prefix('/')?.split_once('/')?;
    let service = POOL_OF_MESSAGES.get_service_by_name(service)?;
    service.methods().find(|m| m.name() == method)
}

/// Whether a method of that name changes anything.
fn changes(method: &str) -> bool {
    ["Create", "Start", "Stop", "Delete"]
        .iter()
        .any(|verb| method.starts_with(verb))
}

/// Whether a code says that the server, and not the caller, is at fault.
fn is_bug(code: Code) -> bool {
    matches!(
        code,
        Code::Internal | Code::Unknown | Code::DataLoss | Code::Cancelled | Code::Aborted
    )
}

fn decodes(method: &MethodDescriptor, message: &[u8]) -> bool {
    DynamicMessage::decode(method.input(), message).is_ok()
}

fn has(details: &ErrorDetails, detail: &str) -> bool {
    match detail {
        "BadRequest" => details.bad_request().is_some(),
        "ResourceInfo" => details.resource_info().is_some(),
        "PreconditionFailure" => details.precondition_failure().is_some(),
        "QuotaFailure" => details.quota_failure().is_some(),
        "RetryInfo" => details.retry_info().is_some(),
        other => panic!("the contract names a detail that is not known here: {other}"),
    }
}

/// gRPC's own name of a code.
fn name(code: Code) -> String {
    let mut name = String::new();
    for c in format!("{code:?}").chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_uppercase());
    }
    name
}
