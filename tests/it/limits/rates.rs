//! How often a caller may call.

use std::num::NonZeroU32;

use futures_util::future::join_all;
use muster::api::v1::ListUserPoolsRequest;
use muster::operations::callers::Callers;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;

use crate::support::http;
use crate::transport::{Options, TestServer, bearing, tokens};

/// So many calls at once are more than one a second, on any machine.
const MANY: usize = 60;

const ONCE: Option<NonZeroU32> = NonZeroU32::new(1);

/// A server that counts the calls of a reader and of an admin.
async fn server() -> TestServer {
    let callers = tokens(&[("r", "reader", "*"), ("a", "admin", "*")]);
    TestServer::with(Options {
        callers: Callers::from_tokens(&callers).expect("a tokens file"),
        calls_per_second: ONCE,
        ..Options::default()
    })
    .await
}

async fn list(server: &TestServer, token: &str) -> Result<(), Status> {
    let request = bearing(token, ListUserPoolsRequest::default());
    let mut pools = server.pools().await;
    pools.list_user_pools(request).await.map(drop)
}

#[tokio::test]
async fn a_hasty_caller_is_told_when_to_come_back_and_others_are_let_in() {
    let server = server().await;
    let answers = join_all((0..MANY).map(|_| list(&server, "r"))).await;
    assert!(answers.iter().any(Result::is_ok));
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert!(!refused.is_empty());
    for status in refused {
        assert_eq!(status.code(), Code::ResourceExhausted);
        let details = status.get_error_details();
        let info = details.error_info().expect("ErrorInfo");
        assert_eq!(info.reason, "RATE_LIMITED");
        let wait = details.retry_info().and_then(|info| info.retry_delay);
        assert!(wait.is_some_and(|wait| !wait.is_zero()));
    }
    list(&server, "a").await.expect("another caller");
    // Who is nobody is told so, however often.
    for answer in join_all((0..MANY).map(|_| list(&server, "x"))).await {
        assert_eq!(answer.unwrap_err().code(), Code::Unauthenticated);
    }
    let mut health = HealthClient::new(server.channel().await);
    for _ in 0..MANY {
        let answer = health.check(HealthCheckRequest::default()).await;
        answer.expect("an answer");
    }
}

#[tokio::test]
async fn downloads_are_counted_and_the_probes_are_not() {
    let server = server().await;
    let job = "import-0192f0c1-2d4e-7a00-8000-000000000000";
    let url = server.url(&format!("/v1/user-import-jobs/{job}/rejected.csv"));
    let client = http::client();
    let get = || async {
        let request = client.get(&url).bearer_auth("r");
        request.send().await.expect("an answer")
    };
    let answers = join_all((0..MANY).map(|_| get())).await;
    let statuses: Vec<_> = answers.iter().map(|a| a.status().as_u16()).collect();
    assert!(
        statuses.contains(&404) && statuses.contains(&429),
        "{statuses:?}"
    );
    let refused = answers.iter().find(|answer| answer.status() == 429);
    let wait = refused.and_then(|answer| answer.headers().get("retry-after"));
    assert_eq!(wait.expect("a time to wait"), "1");
    for _ in 0..MANY {
        let answer = client.get(server.url("/readyz")).send().await;
        assert_eq!(answer.expect("an answer").status(), 200);
    }
}

#[tokio::test]
async fn where_everybody_is_admin_nobody_is_counted() {
    let server = TestServer::with(Options {
        calls_per_second: ONCE,
        ..Options::default()
    })
    .await;
    for answer in join_all((0..MANY).map(|_| list(&server, ""))).await {
        answer.expect("let in");
    }
}
