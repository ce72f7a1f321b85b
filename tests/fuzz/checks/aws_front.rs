//! The AWS front: whatever body, headers and signature, the answer is one that
//! AWS's clients know, and no bug.

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, Response};
use muster::http::aws::{AwsKeys, AwsState, Operation, routes};
use muster::operations::admission::Admission;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::aws_call::{Call, KEY, SECRET};
use super::aws_model::{Fit, fit};
use super::contract::EXCEPTIONS;
use super::request::Written;
use super::world::{PATIENCE, World};
use crate::support::muster::TestMuster;

/// How a call without a good signature is refused.
const UNSIGNED: [&str; 4] = [
    "MissingAuthenticationTokenException",
    "IncompleteSignatureException",
    "UnrecognizedClientException",
    "InvalidSignatureException",
];

/// The front with the access key above, and one that takes anybody.
pub struct Fronts {
    guarded: Router,
    open: Router,
}

impl Fronts {
    pub fn new(test: &TestMuster) -> Self {
        let keys = json!({"keys": [{
            "access_key_id": KEY, "secret_access_key": SECRET, "name": "test",
            "pools": ["*"], "actions": ["*"],
        }]});
        let front = |keys: AwsKeys| {
            routes(AwsState {
                muster: test.muster.clone(),
                keys,
                region: None,
                clock: test.clock.clone(),
                request_timeout: PATIENCE,
                admission: Admission::unlimited(),
            })
        };
        Self {
            guarded: front(AwsKeys::from_json(&keys.to_string()).expect("keys")),
            open: front(AwsKeys::open()),
        }
    }
}

/// How a call is signed, by the input's first line.
enum Signing<'a> {
    /// `open`: the front takes anybody.
    Open,
    /// `keys`: with whatever the input's headers say, which is no signature.
    Own,
    /// `signed`: as it should be. What follows, four numbers and a header's
    /// name or `body`, is altered behind the signature's back.
    Right(&'a str),
}

/// The first line says how the call is signed; headers and body follow. A target
/// without a dot has AWS's prefix put before it.
pub fn check(world: &World, data: &[u8]) {
    let Some(written) = Written::parse(data) else {
        return;
    };
    let signing = match written.first.split_once(' ') {
        None if written.first == "open" => Signing::Open,
        None if written.first == "keys" => Signing::Own,
        None if written.first == "signed" => Signing::Right(""),
        Some(("signed", alteration)) => Signing::Right(alteration),
        _ => return,
    };
    let mut call = Call::new(&written);
    let router = match signing {
        Signing::Open => &world.fronts.open,
        Signing::Own => {
            call.trusted = false;
            &world.fronts.guarded
        }
        Signing::Right(alteration) => {
            if !call.sign(world) {
                return;
            }
            call.alter(alteration);
            &world.fronts.guarded
        }
    };
    let mut request = Request::post("/")
        .body(Body::from(call.body.clone()))
        .expect("a request");
    *request.headers_mut() = call.headers.clone();
    world.run(async {
        let answer = router.clone().oneshot(request).await.expect("an answer");
        let (head, body) = answer.into_parts();
        let body = to_bytes(body, 4 << 20).await.expect("a body");
        if call.judge(&Response::from_parts(head, ()), &body) {
            world.restore().await;
        }
    });
}

impl Call {
    /// Judges the answer, and says whether the call may have changed anything.
    fn judge(&self, head: &Response<()>, body: &Bytes) -> bool {
        let text = |name: &str| {
            let value = head.headers().get(name)?.to_str();
            Some(value.expect("a header of text"))
        };
        assert!(text("x-amzn-requestid").is_some(), "{head:?}");
        assert_eq!(text("content-type"), Some("application/x-amz-json-1.1"));
        let operation = self.operation();
        if head.status() == 200 {
            let operation = operation.expect("an operation");
            assert!(self.trusted, "{operation:?} without a good signature");
            assert_eq!(text("x-amzn-errortype"), None);
            self.judge_success(operation, body);
            let name = operation.as_str();
            return ["Create", "Start", "Stop", "Delete"]
                .iter()
                .any(|verb| name.starts_with(verb));
        }
        let told: Value = serde_json::from_slice(body).expect("an error is JSON");
        let kind = told["__type"]
            .as_str()
            .unwrap_or_else(|| panic!("no __type in {told}"));
        assert_eq!(text("x-amzn-errortype"), Some(kind));
        let message = told["message"].as_str().expect("a message");
        assert!(!message.is_empty(), "{told}");
        assert_eq!(told.as_object().map(|o| o.len()), Some(2), "{told}");
        let status = EXCEPTIONS.get(kind).copied();
        assert_eq!(status, Some(head.status().as_u16()), "{told}");
        assert_ne!(kind, "InternalErrorException", "{told}");
        self.judge_refusal(operation, kind, message);
        false
    }

    fn judge_refusal(&self, operation: Option<Operation>, kind: &str, message: &str) {
        assert!(!message.contains(SECRET), "{message}");
        let unsigned = UNSIGNED.contains(&kind);
        let Some(operation) = operation else {
            assert_eq!(kind, "UnknownOperationException");
            return;
        };
        assert_ne!(kind, "UnknownOperationException", "{operation:?}");
        if !self.trusted {
            assert!(unsigned, "{operation:?}: {kind} without a good signature");
            return;
        }
        if self.touched {
            return;
        }
        assert!(!unsigned, "{operation:?}: {message}");
        match fit(operation.as_str(), &self.body) {
            Fit::WrongType => assert_eq!(kind, "SerializationException", "{message}"),
            Fit::Violation => assert_eq!(kind, "InvalidParameterException", "{message}"),
            Fit::Good => assert_ne!(kind, "SerializationException", "{message}"),
        }
        // A username may be an e-mail address.
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        if let Some(name) = body["Username"].as_str()
            && name.len() > 12
            && body["UserPoolId"]
                .as_str()
                .is_none_or(|id| !id.contains(name))
        {
            assert!(!message.contains(name), "a username is repeated: {message}");
        }
    }

    fn judge_success(&self, operation: Operation, body: &Bytes) {
        assert_eq!(fit(operation.as_str(), &self.body), Fit::Good);
        if operation == Operation::DeleteUserPool {
            assert!(body.is_empty(), "{body:?}");
            return;
        }
        let told: Value = serde_json::from_slice(body).expect("an answer is JSON");
        assert!(told.is_object() && !has_null(&told), "{told}");
    }
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.iter().any(has_null),
        Value::Object(members) => members.values().any(has_null),
        _ => false,
    }
}
