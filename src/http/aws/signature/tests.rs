use axum::http::{HeaderValue, Method, Request};
use time::macros::datetime;

use super::*;

/// AWS's example secret, which signed the requests below.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// A request that the AWS CLI sent: its target, time, body and signature.
/// They are in `tests/aws/signed_requests.json`, too.
struct Sent {
    target: &'static str,
    date: &'static str,
    body: &'static str,
    signature: &'static str,
}

const SENT: [Sent; 4] = [
    Sent {
        target: "ListUserImportJobs",
        date: "20261120T114335Z",
        body: r#"{"UserPoolId": "us-west-2_aaaaaaaaa", "MaxResults": 20}"#,
        signature: "47041b9a23720c8f8a03658572ace1564d53b352d2d90ba1720743f51b00d827",
    },
    Sent {
        target: "CreateUserImportJob",
        date: "20261120T114339Z",
        body: r#"{"JobName": "j", "UserPoolId": "us-west-2_aaaaaaaaa", "CloudWatchLogsRoleArn": "arn:aws:iam::111122223333:role/r"}"#,
        signature: "6e36bdff01ccca7cf4ca553b244d1b9a46f8bc83353a7d4432121cae6add2845",
    },
    Sent {
        target: "DescribeUserImportJob",
        date: "20261120T114341Z",
        body: r#"{"UserPoolId": "us-west-2_aaaaaaaaa", "JobId": "import-ABCDEFGHIJ"}"#,
        signature: "5233e58a9ddb32ef1db7c0c04cfd60fc4a240728f10b782b29cc9ac584ae2a12",
    },
    Sent {
        target: "GetCSVHeader",
        date: "20261120T114343Z",
        body: r#"{"UserPoolId": "us-west-2_aaaaaaaaa"}"#,
        signature: "3825a19f65ccae8e58f5c24319a0e2a3448d7d699200bdd1b78438c7e00593b0",
    },
];

impl Sent {
    fn parts(&self) -> Parts {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261120/us-west-2/cognito-idp/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature={}",
            self.signature
        );
        let request = Request::builder()
            .method(Method::POST)
            .uri("/")
            .header("Host", "127.0.0.1:50611")
            .header("Accept-Encoding", "identity")
            .header(
                "X-Amz-Target",
                format!("AWSCognitoIdentityProviderService.{}", self.target),
            )
            .header("Content-Type", "application/x-amz-json-1.1")
            .header("User-Agent", "aws-cli/1.45.11")
            .header("X-Amz-Date", self.date)
            .header("Authorization", authorization)
            .header("amz-sdk-request", "attempt=1");
        request.body(()).expect("a request").into_parts().0
    }
}

fn fault(parts: &Parts, region: Option<&str>) -> (&'static str, String) {
    let fault = Signature::parse(&parts.headers, region).expect_err("refused");
    (fault.name, fault.message)
}

fn set(parts: &mut Parts, name: &'static str, value: &str) {
    let value = HeaderValue::from_str(value).expect("a header");
    parts.headers.insert(name, value);
}

#[test]
fn what_the_aws_cli_signed_is_good() {
    for sent in SENT {
        let parts = sent.parts();
        let signature = Signature::parse(&parts.headers, Some("us-west-2")).expect("whole");
        assert_eq!(signature.access_key_id, "AKIAIOSFODNN7EXAMPLE");
        signature
            .check_time(datetime!(2026-11-20 11:46 UTC))
            .expect("in time");
        signature
            .verify(SECRET, &parts, sent.body.as_bytes())
            .expect("the same signature");
    }
}

#[test]
fn whatever_is_changed_after_signing_is_found_out() {
    let sent = &SENT[0];
    let refused = |parts: &Parts, body: &str, secret: &str| {
        let signature = Signature::parse(&parts.headers, None).expect("whole");
        let fault = signature
            .verify(secret, parts, body.as_bytes())
            .expect_err("refused");
        assert_eq!(fault.name, "InvalidSignatureException");
        assert!(
            fault
                .message
                .starts_with("The request signature we calculated")
        );
    };
    refused(&sent.parts(), &sent.body.replace("20}", "21}"), SECRET);
    refused(
        &sent.parts(),
        sent.body,
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEZ",
    );
    for (name, value) in [
        ("host", "127.0.0.1:50612"),
        (
            "x-amz-target",
            "AWSCognitoIdentityProviderService.StopUserImportJob",
        ),
        ("x-amz-date", "20261120T114336Z"),
        ("content-type", "application/x-amz-json-1.0"),
        ("content-type", "é"),
    ] {
        let mut parts = sent.parts();
        set(&mut parts, name, value);
        refused(&parts, sent.body, SECRET);
    }
    let mut parts = sent.parts();
    parts.headers.remove("content-type");
    refused(&parts, sent.body, SECRET);
    let mut parts = sent.parts();
    parts
        .headers
        .append("content-type", HeaderValue::from_static("text/plain"));
    refused(&parts, sent.body, SECRET);
    for uri in ["/other", "/?x=1"] {
        let mut parts = sent.parts();
        parts.uri = uri.parse().expect("a URI");
        refused(&parts, sent.body, SECRET);
    }
    for (from, to) in [
        ("47041b", "57041b"),
        ("00d827", ""),
        ("47041b", "47041B"),
        ("us-west-2", "us-west-1"),
    ] {
        let mut parts = sent.parts();
        let value = parts.headers["authorization"]
            .to_str()
            .expect("text")
            .replace(from, to);
        set(&mut parts, "authorization", &value);
        refused(&parts, sent.body, SECRET);
    }
}

#[test]
fn a_signature_is_good_for_five_minutes() {
    let parts = SENT[0].parts();
    let signature = Signature::parse(&parts.headers, None).expect("whole");
    for good in [
        datetime!(2026-11-20 11:38:35 UTC),
        datetime!(2026-11-20 11:43:35 UTC),
        datetime!(2026-11-20 11:48:35 UTC),
    ] {
        signature.check_time(good).expect("in time");
    }
    let fault = signature
        .check_time(datetime!(2026-11-20 11:48:36 UTC))
        .expect_err("too old");
    assert_eq!(fault.name, "InvalidSignatureException");
    assert_eq!(
        fault.message,
        "Signature expired: 20261120T114335Z is now earlier than 20261120T114336Z (20261120T114836Z - 5 min.)"
    );
    let fault = signature
        .check_time(datetime!(2026-11-20 11:38:34 UTC))
        .expect_err("too early");
    assert_eq!(
        fault.message,
        "Signature not yet current: 20261120T114335Z is still later than 20261120T114334Z (20261120T113834Z + 5 min.)"
    );
}

#[test]
fn each_fault_has_awss_name() {
    let mut parts = SENT[0].parts();
    parts.headers.remove("authorization");
    assert_eq!(fault(&parts, None).0, "MissingAuthenticationTokenException");

    let scope = "AKIAIOSFODNN7EXAMPLE/20261120/us-west-2/cognito-idp/aws4_request";
    let signed = "content-type;host;x-amz-date;x-amz-target";
    for (authorization, told) in [
        ("Bearer abc".to_owned(), "requires the algorithm"),
        ("AWS4-HMAC-SHA256".to_owned(), "requires the algorithm"),
        ("AWS4-HMAC-SHA256 ".to_owned(), "requires the algorithm"),
        (
            format!("AWS4-ECDSA-P256-SHA256 Credential={scope}"),
            "requires the algorithm",
        ),
        (
            format!("AWS4-HMAC-SHA256 Credential={scope}"),
            "requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter.",
        ),
        (
            format!("AWS4-HMAC-SHA256 Signature=ab, SignedHeaders={signed}"),
            "requires 'Credential' parameter.",
        ),
        (
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={signed}, Signature="),
            "requires 'Signature' parameter.",
        ),
        (
            format!("AWS4-HMAC-SHA256 Credential={scope} SignedHeaders, Signature=ab, x"),
            "missing equal-sign",
        ),
        (
            format!(
                "AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={signed}, Signature=ab, Signature=cd"
            ),
            "'Signature' twice",
        ),
        (
            format!(
                "AWS4-HMAC-SHA256 Credential=AKIA/20261120, SignedHeaders={signed}, Signature=ab"
            ),
            "exactly 5 slash-delimited",
        ),
    ] {
        let mut parts = SENT[0].parts();
        set(&mut parts, "authorization", &authorization);
        let (name, message) = fault(&parts, None);
        assert_eq!(name, "IncompleteSignatureException", "{authorization}");
        assert!(message.contains(told), "{message} lacks {told}");
        assert!(!message.contains(scope));
    }
    for date in [
        "",
        "20261120",
        "2026-11-20T11:43:35Z",
        "20261120T114335+0",
        "+0261120T114335Z",
        "20261320T114335Z",
    ] {
        let mut parts = SENT[0].parts();
        set(&mut parts, "x-amz-date", date);
        assert_eq!(
            fault(&parts, None).0,
            "IncompleteSignatureException",
            "{date}"
        );
    }
    for name in ["authorization", "x-amz-date"] {
        let mut parts = SENT[0].parts();
        let again = parts.headers[name].clone();
        parts.headers.append(name, again);
        assert_eq!(
            fault(&parts, None).0,
            "IncompleteSignatureException",
            "{name}"
        );
    }
    let mut parts = SENT[0].parts();
    parts.headers.remove("x-amz-date");
    assert!(fault(&parts, None).1.contains("'X-Amz-Date' header"));

    for (from, to, told) in [
        ("aws4_request", "aws5_request", "valid terminator"),
        ("cognito-idp", "iam", "correct service: 'cognito-idp'"),
        ("/20261120/", "/20261119/", "does not match YYYYMMDD"),
        ("/20261120/", "/2026/", "does not match YYYYMMDD"),
        (
            ";host;",
            ";",
            "'Host' or ':authority' must be a 'SignedHeader'",
        ),
        (";x-amz-date;", ";", "'X-Amz-Date' must be"),
        (";x-amz-target", "", "'X-Amz-Target' must be"),
    ] {
        let mut parts = SENT[0].parts();
        let value = parts.headers["authorization"]
            .to_str()
            .expect("text")
            .replace(from, to);
        set(&mut parts, "authorization", &value);
        let (name, message) = fault(&parts, None);
        assert_eq!(name, "InvalidSignatureException", "{to}");
        assert!(message.contains(told), "{message} lacks {told}");
    }
    assert!(
        fault(&SENT[0].parts(), Some("eu-west-1"))
            .1
            .contains("valid region")
    );
}
