//! The real programs while the database is away, silent, and back again.
//!
//! Processes are waited for by blocking, so that connections need a thread
//! of their own.

use muster::api::v1::ListUserPoolsRequest;
use muster::api::v1::user_pool_service_client::UserPoolServiceClient;
use nix::sys::signal::Signal;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::support::http;
use crate::support::process::{MUSTER, Process, SCHEDULER, SERVER, code, command, get, word_after};
use crate::support::services::Shared;
use crate::support::wire::Wire;

const BREAKS: [fn(&Wire); 2] = [Wire::cut, Wire::fall_silent];

/// A program that reaches the database by a wire, and is not patient with it.
fn start(shared: &Shared, wire: &Wire, program: &str) -> Process {
    let arguments = [
        "--database-url",
        wire.url(),
        "--database-acquire-timeout=1s",
        "--database-statement-timeout=2s",
        "--database-lock-timeout=1s",
    ];
    shared.start(program, &arguments)
}

/// What `muster health` says, and how it exits.
fn health(arguments: &[&str]) -> (i32, String) {
    let answer = command(MUSTER)
        .arg("health")
        .args(arguments)
        .output()
        .expect("an answer");
    let text = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
    (code(answer.status), text)
}

fn serving() -> (i32, String) {
    (0, "SERVING".to_owned())
}

fn not_serving() -> (i32, String) {
    (1, "NOT_SERVING".to_owned())
}

/// Waits until gRPC's health says so.
fn until(process: &mut Process, arguments: &[&str], says: &(i32, String)) {
    process.wait_for(&says.1, |_| (health(arguments) == *says).then_some(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_without_its_database_says_so_to_all_and_needs_no_restart() {
    let shared = Shared::new();
    let wire = Wire::new(shared.database.url());
    let mut server = start(&shared, &wire, SERVER);
    let line = server.line("muster-server is ready");
    let grpc = word_after(&line, r#""grpc":""#);
    let http = format!("http://{}", word_after(&line, r#""http":""#));
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{grpc}"))
        .expect("an address")
        .connect()
        .await
        .expect("a connection");
    let mut pools = UserPoolServiceClient::new(channel);
    let rejected = format!(
        "{http}/v1/user-import-jobs/import-01890a5d-ac96-774b-bcce-b302099a8057/rejected.csv?user_pool_id=local_abcdefghi"
    );
    let aws = || {
        http::client()
            .post(format!("{http}/"))
            .header("content-type", "application/x-amz-json-1.1")
            .header(
                "x-amz-target",
                "AWSCognitoIdentityProviderService.ListUserPools",
            )
            .body(r#"{"MaxResults": 1}"#)
            .send()
    };
    for break_it in BREAKS {
        let request = ListUserPoolsRequest::default();
        pools.list_user_pools(request).await.expect("a listing");
        assert_eq!(get(&rejected).await, Some(404));
        assert_eq!(aws().await.expect("an answer").status(), 200);
        break_it(&wire);

        let request = ListUserPoolsRequest::default();
        let refused = pools.list_user_pools(request).await.expect_err("refused");
        assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
        let details = refused.get_error_details();
        let retry = details.retry_info().and_then(|info| info.retry_delay);
        assert!(retry.is_some_and(|delay| !delay.is_zero()), "{details:?}");
        let reason = &details.error_info().expect("ErrorInfo").reason;
        assert_eq!(reason, "DATABASE_UNAVAILABLE");

        let answer = http::client()
            .get(&rejected)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers()["retry-after"], "1");
        let text = answer.text().await.expect("a body");
        assert!(text.contains("DATABASE_UNAVAILABLE"), "{text}");

        // What AWS's clients take for a passing fault, and try again.
        let answer = aws().await.expect("an answer");
        assert_eq!(answer.status(), 500);
        let name = &answer.headers()["x-amzn-errortype"];
        assert_eq!(name, "InternalErrorException");

        until(&mut server, &[&grpc], &not_serving());
        assert_eq!(get(&format!("{http}/readyz")).await, Some(503));
        assert_eq!(get(&format!("{http}/healthz")).await, Some(200));
        wire.mend();
        until(&mut server, &[&grpc], &serving());
        assert_eq!(get(&format!("{http}/readyz")).await, Some(200));
    }
    let request = ListUserPoolsRequest::default();
    pools.list_user_pools(request).await.expect("a listing");
    assert_eq!(server.terminate(), 0, "{}", server.errors());
}

#[test]
fn a_scheduler_without_its_database_says_so_and_goes_on_when_it_is_back() {
    let shared = Shared::new();
    let wire = Wire::new(shared.database.url());
    let mut server = shared.start(SERVER, &[]);
    let grpc = word_after(&server.line("muster-server is ready"), r#""grpc":""#);
    let mut scheduler = start(&shared, &wire, SCHEDULER);
    let line = scheduler.line("muster-scheduler is ready");
    let port = word_after(&line, r#""health":""#);
    for break_it in BREAKS {
        until(&mut scheduler, &["--scheduler", &port], &serving());
        break_it(&wire);
        until(&mut scheduler, &["--scheduler", &port], &not_serving());
        wire.mend();
    }
    until(&mut scheduler, &["--scheduler", &port], &serving());

    let muster = |arguments: &[&str]| {
        let answer = command(MUSTER)
            .args(["--server", &grpc, "--output", "json"])
            .args(arguments)
            .output()
            .expect("an answer");
        assert!(answer.status.success(), "{answer:?}");
        serde_json::from_slice::<serde_json::Value>(&answer.stdout).expect("JSON")
    };
    let made = muster(&["pools", "create", "--name", "test"]);
    let pool = made["user_pool"]["user_pool_id"].as_str().expect("an id");
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/users.csv");
    let ended = muster(&["import", sample, "--pool", pool]);
    assert_eq!(ended["user_import_job"]["imported_users"], "958", "{ended}");
    assert_eq!(scheduler.terminate(), 0, "{}", scheduler.errors());
    assert_eq!(server.terminate(), 0, "{}", server.errors());
}

#[test]
fn muster_dev_without_its_database_says_so_and_needs_no_restart() {
    let shared = Shared::new();
    let wire = Wire::new(shared.database.url());
    let data = shared.folder.path().join("data");
    let data = format!("--data-dir={}", data.display());
    let arguments = [
        "dev",
        &data,
        "--database-url",
        wire.url(),
        "--database-acquire-timeout=1s",
        "--grpc-addr=127.0.0.1:0",
        "--http-addr=127.0.0.1:0",
    ];
    let mut dev = Process::start(MUSTER, &arguments, &[]);
    let grpc = word_after(&dev.line("muster is ready"), "gRPC ");
    for break_it in BREAKS {
        for who in [&[grpc.as_str()][..], &["--scheduler", &grpc]] {
            until(&mut dev, who, &serving());
        }
        break_it(&wire);
        for who in [&[grpc.as_str()][..], &["--scheduler", &grpc]] {
            until(&mut dev, who, &not_serving());
        }
        wire.mend();
    }
    until(&mut dev, &[&grpc], &serving());
    dev.signal(Signal::SIGINT);
    assert_eq!(code(dev.wait()), 0, "{}", dev.errors());
}

#[test]
fn a_stop_while_the_database_is_silent_is_a_clean_one() {
    for program in [SERVER, SCHEDULER] {
        let shared = Shared::new();
        let wire = Wire::new(shared.database.url());
        let mut process = start(&shared, &wire, program);
        process.line("is ready");
        wire.fall_silent();
        assert_eq!(process.terminate(), 0, "{}", process.errors());
    }
}
