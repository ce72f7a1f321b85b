//! `muster-server` and `muster-scheduler`, as the programs that they are.

use nix::sys::signal::Signal;
use sha2::{Digest as _, Sha256};

use crate::support::process::{MUSTER, SCHEDULER, SERVER, code, command, get, word_after};
use crate::support::services::{KEY, Shared};

fn health(arguments: &[&str]) -> (i32, String) {
    let answer = command(MUSTER)
        .arg("health")
        .args(arguments)
        .output()
        .expect("an answer");
    (
        code(answer.status),
        String::from_utf8_lossy(&answer.stdout).trim().to_owned(),
    )
}

#[tokio::test]
async fn both_serve_health_and_end_cleanly() {
    let shared = Shared::new();
    let mut server = shared.start(SERVER, &[]);
    let mut scheduler = shared.start(SCHEDULER, &[]);
    let line = server.line("muster-server is ready");
    let grpc = word_after(&line, r#""grpc":""#);
    let http = word_after(&line, r#""http":""#);
    let port = word_after(
        &scheduler.line("muster-scheduler is ready"),
        r#""health":""#,
    );

    let serving = (0, "SERVING".to_owned());
    assert_eq!(health(&[&grpc]), serving);
    assert_eq!(health(&["--scheduler", &port]), serving);
    // A server is no scheduler.
    assert_eq!(health(&["--scheduler", &grpc]).0, 1);
    assert_eq!(get(&format!("http://{http}/readyz")).await, Some(200));

    assert_eq!(server.terminate(), 0, "{}", server.errors());
    assert_eq!(scheduler.terminate(), 0, "{}", scheduler.errors());
    assert_eq!(health(&[&grpc]).0, 1);
    assert!(!server.errors().contains(KEY));
}

#[tokio::test]
async fn a_watcher_of_health_holds_up_no_drain_and_hears_of_it_first() {
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_client::HealthClient;

    let shared = Shared::new();
    let mut server = shared.start(SERVER, &[]);
    let grpc = word_after(&server.line("muster-server is ready"), r#""grpc":""#);
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{grpc}"))
        .expect("an address")
        .connect()
        .await
        .expect("a connection");
    let mut watch = HealthClient::new(channel)
        .watch(HealthCheckRequest::default())
        .await
        .expect("a stream")
        .into_inner();
    assert_eq!(
        watch.message().await.expect("a word").map(|w| w.status),
        Some(1)
    );
    server.signal(Signal::SIGTERM);
    assert_eq!(
        watch.message().await.expect("a word").map(|w| w.status),
        Some(2)
    );
    assert_eq!(code(server.wait()), 0, "{}", server.errors());
}

#[test]
fn tokens_are_read_again_on_sighup_and_a_bad_file_changes_nothing() {
    let shared = Shared::new();
    let file = shared.folder.path().join("tokens.json");
    let write = |token: &str| {
        let hash = hex::encode(Sha256::digest(token));
        let json = format!(
            r#"{{"tokens": [{{"sha256": "{hash}", "name": "ci", "role": "admin", "pools": ["*"]}}]}}"#
        );
        std::fs::write(&file, json).expect("a file");
    };
    write("first");
    let mut server = shared.start(SERVER, &["--tokens-file", file.to_str().expect("UTF-8")]);
    let grpc = word_after(&server.line("muster-server is ready"), r#""grpc":""#);
    let may = |token: &str| {
        let answer = command(MUSTER)
            .args(["--server", &grpc, "--token", token, "pools", "list"])
            .output()
            .expect("an answer");
        answer.status.success()
    };
    assert!(may("first") && !may("second"));

    std::fs::write(&file, "{").expect("a file");
    server.signal(Signal::SIGHUP);
    server.line("the tokens of before stay in force");
    assert!(may("first"));

    write("second");
    server.signal(Signal::SIGHUP);
    server.line("read the tokens file again");
    assert!(may("second") && !may("first"));
    assert_eq!(server.terminate(), 0);
}

#[test]
fn migrate_says_what_it_did() {
    let shared = Shared::new();
    let answer = command(MUSTER)
        .arg("migrate")
        .env("MUSTER_DATABASE_URL", shared.database.url())
        .output()
        .expect("an answer");
    assert!(answer.status.success(), "{answer:?}");
    assert_eq!(answer.stdout, b"The schema was up to date.\n");
}

#[test]
fn a_stop_while_the_database_is_waited_for_is_a_clean_one() {
    let shared = Shared::new();
    let away = "postgres://muster@127.0.0.1:1/muster";
    for program in [SERVER, SCHEDULER] {
        let mut process = shared.start(program, &["--database-url", away]);
        process.line("waiting for the database");
        assert_eq!(process.terminate(), 0, "{}", process.errors());
    }
}

#[test]
fn a_database_that_stays_away_is_waited_for_as_long_as_was_said() {
    let shared = Shared::new();
    let away = "postgres://muster@127.0.0.1:1/muster";
    for program in [SERVER, SCHEDULER] {
        let arguments = ["--database-url", away, "--database-wait=1s"];
        let mut process = shared.start(program, &arguments);
        assert_eq!(code(process.wait()), 1);
        let text = process.errors();
        assert!(text.contains("within 1 s"), "{text}");
    }
    let mut migrate = command(MUSTER);
    migrate.args(["migrate", "--database-url", away, "--database-wait=1s"]);
    let answer = migrate.output().expect("an answer");
    assert_eq!(code(answer.status), 1);
    let text = String::from_utf8_lossy(&answer.stderr);
    assert!(text.contains("within 1 s"), "{text}");
}

#[test]
fn the_programs_say_their_version_and_what_they_are_made_of() {
    for (program, name) in [
        (MUSTER, "muster"),
        (SERVER, "muster-server"),
        (SCHEDULER, "muster-scheduler"),
    ] {
        let answer = command(program).arg("--version").output();
        let answer = answer.expect("an answer");
        assert_eq!(
            String::from_utf8_lossy(&answer.stdout),
            format!("{name} {}\n", muster::VERSION)
        );
    }
    let (number, origin) = muster::VERSION.split_once(' ').expect("two words");
    assert_eq!(number, env!("CARGO_PKG_VERSION"));
    assert!(origin.len() > 2 && origin.starts_with('(') && origin.ends_with(')'));
}

#[test]
fn a_database_that_turns_them_down_is_told_at_once() {
    let shared = Shared::new();
    let mut url = url::Url::parse(shared.database.url()).expect("a URL");
    url.set_path("nowhere");
    for program in [SERVER, SCHEDULER] {
        let mut process = shared.start(program, &["--database-url", url.as_str()]);
        assert_eq!(code(process.wait()), 1);
        let text = process.errors();
        assert!(
            text.contains("MUSTER_DATABASE_URL") && text.contains("nowhere"),
            "{text}"
        );
    }
}
