//! The AWS front by the test's own clock. What AWS's clients see of it is
//! tried in `tests/aws`.

use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use muster::domain::clock::Clock as _;
use muster::domain::ids::UserPoolId;
use muster::http::aws::{AwsKeys, AwsState, Operation, routes};
use muster::operations::admission::Admission;
use muster::store::users;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tower::ServiceExt as _;

use crate::support::imports::users_csv;
use crate::support::muster::TestMuster;

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const ROLE: &str = "arn:aws:iam::111122223333:role/r";
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A front over a test's operations.
struct Front<'t> {
    test: &'t TestMuster,
    keys: AwsKeys,
    region: Option<String>,
    admission: Admission,
}

impl<'t> Front<'t> {
    fn open(test: &'t TestMuster) -> Self {
        Self {
            test,
            keys: AwsKeys::open(),
            region: None,
            admission: Admission::unlimited(),
        }
    }

    /// One that knows a single key, which may do these things.
    fn with_key(test: &'t TestMuster, actions: &Value) -> Self {
        let keys = json!({"keys": [{
            "access_key_id": KEY, "secret_access_key": SECRET, "name": "test",
            "pools": ["*"], "actions": actions,
        }]});
        let keys = AwsKeys::from_json(&keys.to_string()).expect("keys");
        Self {
            keys,
            ..Self::open(test)
        }
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, Value) {
        let state = AwsState {
            muster: self.test.muster.clone(),
            keys: self.keys.clone(),
            region: self.region.clone(),
            clock: self.test.clock.clone(),
            request_timeout: Duration::from_secs(20),
            admission: self.admission.clone(),
        };
        let answer = routes(state).oneshot(request).await.expect("an answer");
        parse(answer).await
    }

    /// Calls an operation, unsigned.
    async fn call(&self, operation: Operation, body: Value) -> (StatusCode, Value) {
        self.send(request(operation, &body)).await
    }

    /// Calls an operation, and expects it to succeed.
    async fn ok(&self, operation: Operation, body: Value) -> Value {
        let (status, answer) = self.call(operation, body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }

    /// Calls an operation, signed at a time, and answers how it is refused.
    async fn signed(&self, operation: Operation, body: Value, at: OffsetDateTime) -> String {
        let request = signed(request(operation, &body), &body, at);
        let (_, answer) = self.send(request).await;
        answer["__type"].as_str().unwrap_or("").to_owned()
    }
}

async fn parse(answer: Response) -> (StatusCode, Value) {
    let status = answer.status();
    assert!(answer.headers().contains_key("x-amzn-requestid"));
    let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    if body.is_empty() {
        return (status, Value::Null);
    }
    (status, serde_json::from_slice(&body).expect("JSON"))
}

fn request(operation: Operation, body: &Value) -> Request<Body> {
    Request::post("/")
        .header("host", "muster.test")
        .header("content-type", "application/x-amz-json-1.1")
        .header(
            "x-amz-target",
            format!("AWSCognitoIdentityProviderService.{}", operation.as_str()),
        )
        .body(Body::from(body.to_string()))
        .expect("a request")
}

fn signed(mut request: Request<Body>, body: &Value, at: OffsetDateTime) -> Request<Body> {
    let text = body.to_string();
    let headers: Vec<(String, String)> = request
        .headers()
        .iter()
        .map(|(name, value)| {
            let value = value.to_str().expect("text");
            (name.to_string(), value.to_owned())
        })
        .collect();
    let signable = SignableRequest::new(
        "POST",
        "http://muster.test/",
        headers.iter().map(|(n, v)| (n.as_str(), v.as_str())),
        SignableBody::Bytes(text.as_bytes()),
    )
    .expect("a request that can be signed");
    let identity = Credentials::new(KEY, SECRET, None, None, "test").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("eu-central-1")
        .name("cognito-idp")
        .time(SystemTime::from(at))
        .settings(SigningSettings::default())
        .build()
        .expect("parameters")
        .into();
    let (instructions, _) = sign(signable, &params).expect("a signature").into_parts();
    instructions.apply_to_request_http1x(&mut request);
    request
}

fn named(job: &Value) -> Value {
    let job = &job["UserImportJob"];
    json!({"UserPoolId": job["UserPoolId"], "JobId": job["JobId"]})
}

#[tokio::test]
async fn a_job_that_nobody_starts_expires() {
    let test = TestMuster::new();
    let front = Front::open(&test);
    let pool = test.pool().await;
    let create = json!({"UserPoolId": pool, "JobName": "j", "CloudWatchLogsRoleArn": ROLE});
    let job = front.ok(Operation::CreateUserImportJob, create).await;
    test.clock.advance(DAY);
    let (status, refused) = front.call(Operation::StartUserImportJob, named(&job)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(refused["__type"], "PreconditionNotMetException");
    assert_eq!(refused["message"], "The user import job has expired.");
    test.scheduler().expire_tick().await.expect("a sweep");
    let expired = front
        .ok(Operation::DescribeUserImportJob, named(&job))
        .await;
    let expired = &expired["UserImportJob"];
    assert_eq!(expired["Status"], "Expired");
    assert_eq!(
        expired["CompletionMessage"],
        "The user import job has expired."
    );
    // 2026-03-02, 12:00, and no job was started.
    assert_eq!(expired["CompletionDate"], 1_772_452_800.0);
    assert!(expired.get("StartDate").is_none() && expired.get("PreSignedUrl").is_none());
}

#[tokio::test]
async fn a_signature_is_good_for_five_minutes_by_the_servers_clock() {
    let test = TestMuster::new();
    let front = Front::with_key(&test, &json!(["*"]));
    let now = test.clock.now();
    let minutes = |n: u64| Duration::from_secs(n * 60);
    let list = || json!({"MaxResults": 1});
    for good in [now - minutes(5), now, now + minutes(5)] {
        assert_eq!(
            front.signed(Operation::ListUserPools, list(), good).await,
            ""
        );
    }
    let second = Duration::from_secs(1);
    for bad in [now - minutes(5) - second, now + minutes(5) + second] {
        let refused = front.signed(Operation::ListUserPools, list(), bad).await;
        assert_eq!(refused, "InvalidSignatureException");
    }
    // The same request again, once the clock has gone on.
    test.clock.advance(minutes(5));
    assert_eq!(
        front.signed(Operation::ListUserPools, list(), now).await,
        ""
    );
    test.clock.advance(second);
    let refused = front.signed(Operation::ListUserPools, list(), now).await;
    assert_eq!(refused, "InvalidSignatureException");
}

#[tokio::test]
async fn a_region_can_be_demanded() {
    let test = TestMuster::new();
    let mut front = Front::with_key(&test, &json!(["*"]));
    for (region, refused) in [
        ("eu-central-1", ""),
        ("eu-west-1", "InvalidSignatureException"),
    ] {
        front.region = Some(region.to_owned());
        let body = json!({"MaxResults": 1});
        let now = test.clock.now();
        assert_eq!(
            front.signed(Operation::ListUserPools, body, now).await,
            refused
        );
    }
}

/// The least that each operation takes.
fn least(operation: Operation, pool: &str) -> Value {
    let job = "import-00000000-0000-7000-8000-000000000000";
    match operation {
        Operation::CreateUserPool => json!({"PoolName": "p"}),
        Operation::ListUserPools => json!({"MaxResults": 1}),
        Operation::ListUserImportJobs => json!({"UserPoolId": pool, "MaxResults": 1}),
        Operation::CreateUserImportJob => {
            json!({"UserPoolId": pool, "JobName": "j", "CloudWatchLogsRoleArn": ROLE})
        }
        Operation::AdminGetUser => json!({"UserPoolId": pool, "Username": "u"}),
        Operation::DescribeUserImportJob
        | Operation::StartUserImportJob
        | Operation::StopUserImportJob => json!({"UserPoolId": pool, "JobId": job}),
        Operation::DeleteUserPool
        | Operation::DescribeUserPool
        | Operation::GetCsvHeader
        | Operation::ListUsers => json!({"UserPoolId": pool}),
    }
}

#[tokio::test]
async fn a_key_may_do_what_its_actions_say_and_nothing_else() {
    let test = TestMuster::new();
    let now = test.clock.now();
    for action in Operation::ALL {
        let front = Front::with_key(&test, &json!([action.as_str()]));
        for operation in Operation::ALL {
            let pool = test.pool().await;
            let refused = front.signed(operation, least(operation, &pool), now).await;
            let denied = refused == "NotAuthorizedException";
            assert_eq!(
                denied,
                operation != action,
                "{action:?} {operation:?} {refused}"
            );
        }
    }
}

#[tokio::test]
async fn without_a_signature_nothing_is_answered() {
    let test = TestMuster::new();
    let front = Front::with_key(&test, &json!(["*"]));
    let pool = test.pool().await;
    for operation in Operation::ALL {
        let (status, refused) = front.call(operation, least(operation, &pool)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(refused["__type"], "MissingAuthenticationTokenException");
    }
}

#[tokio::test]
async fn users_are_counted_while_they_are_few() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    test.import(&pool, users_csv(["ann", "bea", "cem"])).await;
    let front = Front::open(&test);
    let described = front
        .ok(Operation::DescribeUserPool, json!({"UserPoolId": pool}))
        .await;
    assert_eq!(described["UserPool"]["EstimatedNumberOfUsers"], 3);
    let pool = UserPoolId::parse(&pool).expect("a pool id");
    for exact in [2, 3, 4] {
        // Beyond the exact number it is what the jobs brought.
        let users = users::estimate(&test.db, &pool, exact).await;
        assert_eq!(users.expect("a number"), 3);
    }
}

#[tokio::test]
async fn a_hasty_access_key_is_told_so_and_only_for_what_it_does_too_often() {
    let test = TestMuster::new();
    let now = test.clock.now();
    let front = Front {
        admission: Admission::new(10, NonZeroU32::new(1)),
        ..Front::with_key(&test, &json!(["*"]))
    };
    let mut refused = None;
    // More than one a second, on any machine.
    for _ in 0..200 {
        let list = json!({"MaxResults": 1});
        let request = signed(request(Operation::ListUserPools, &list), &list, now);
        let (status, answer) = front.send(request).await;
        if status != StatusCode::OK {
            refused = Some((status, answer));
            break;
        }
    }
    let (status, answer) = refused.expect("a refusal");
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(answer["__type"], "TooManyRequestsException");
    assert_eq!(answer["message"], "Rate exceeded");
    let pool = test.pool().await;
    let least = least(Operation::DescribeUserPool, &pool);
    assert_eq!(
        front.signed(Operation::DescribeUserPool, least, now).await,
        ""
    );
}

#[tokio::test]
async fn a_front_without_a_place_says_that_trying_again_helps() {
    let test = TestMuster::new();
    let front = Front {
        admission: Admission::new(1, None),
        ..Front::open(&test)
    };
    let place = front.admission.enter().expect("the only place");
    let list = json!({"MaxResults": 1});
    let (status, answer) = front.call(Operation::ListUserPools, list.clone()).await;
    // AWS's clients try again after this one by themselves.
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer["__type"], "InternalErrorException");
    drop(place);
    front.ok(Operation::ListUserPools, list).await;
}
