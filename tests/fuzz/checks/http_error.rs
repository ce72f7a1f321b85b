//! An error over plain HTTP, by the contract's table.

use axum::http::Response;
use serde_json::Value;

use super::contract::REASONS;

/// Demands the contract's form of an error, and answers its reason.
pub fn reason(head: &Response<()>, body: &[u8]) -> String {
    let status = head.status().as_u16();
    let body: Value = serde_json::from_slice(body).expect("an error is JSON");
    let error = &body["error"];
    let text = |member: &str| {
        let text = error[member].as_str();
        text.unwrap_or_else(|| panic!("no {member} in {body}"))
            .to_owned()
    };
    let reason = text("reason");
    let expected = REASONS
        .get(&reason)
        .unwrap_or_else(|| panic!("a reason of no table: {body}"));
    assert_eq!(expected.http, Some(status), "{body}");
    assert!(!text("message").is_empty(), "{body}");
    let id = head
        .headers()
        .get("x-request-id")
        .expect("a request id")
        .to_str();
    assert_eq!(id.expect("text"), text("request_id"), "{body}");
    assert_eq!(error.as_object().map(|e| e.len()), Some(3), "{body}");
    reason
}
