//! The real programs over a server that speaks S3, and what they say of a
//! store that is not the right one.

use std::fs;

use nix::sys::signal::Signal;
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};

use crate::support::exposition::Exposition;
use crate::support::process::{MUSTER, Process, SCHEDULER, SERVER, code, command, get, word_after};
use crate::support::s3::S3Server;
use crate::support::services::{KEY, Shared};

/// Starts a program over a store, with variables of its own.
fn start(shared: &Shared, program: &str, store: &str, more: &[(String, String)]) -> Process {
    let mut variables = vec![
        ("MUSTER_DATABASE_URL", shared.database.url()),
        ("MUSTER_OBJECT_STORE", store),
        ("MUSTER_SIGNING_KEY", KEY),
        ("MUSTER_GRPC_ADDR", "127.0.0.1:0"),
        ("MUSTER_HTTP_ADDR", "127.0.0.1:0"),
        ("MUSTER_SCHEDULER_ADDR", "127.0.0.1:0"),
    ];
    variables.extend(
        more.iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    Process::start(program, &[], &variables)
}

fn muster(grpc: &str, arguments: &[&str]) -> (i32, Value, String) {
    let answer = command(MUSTER)
        .args(["--server", grpc, "--output", "json"])
        .args(arguments)
        .output()
        .expect("an answer");
    let text = String::from_utf8_lossy(&answer.stdout);
    (
        code(answer.status),
        serde_json::from_str(&text).unwrap_or(Value::Null),
        String::from_utf8_lossy(&answer.stderr).into_owned(),
    )
}

#[tokio::test]
async fn the_command_line_imports_a_file_past_muster_into_the_store_and_on() {
    let s3 = S3Server::new();
    let shared = Shared::new();
    let (store, variables) = (s3.url(), s3.variables());
    let metrics = ("MUSTER_METRICS_ADDR".to_owned(), "127.0.0.1:0".to_owned());
    let told = [&variables[..], &[metrics]].concat();
    let mut server = start(&shared, SERVER, &store, &told);
    let metrics = word_after(&server.line("metrics are served"), r#""address":""#);
    let line = server.line("muster-server is ready");
    let grpc = word_after(&line, r#""grpc":""#);
    let http = word_after(&line, r#""http":""#);
    let mut scheduler = start(&shared, SCHEDULER, &store, &variables);
    scheduler.line("muster-scheduler is ready");

    let (code, pool, _) = muster(&grpc, &["pools", "create", "--name", "test"]);
    assert_eq!(code, 0);
    let pool = pool["user_pool"]["user_pool_id"].as_str().expect("an id");
    let path = shared.folder.path().join("users.csv");
    let csv = "cognito:username,email,email_verified\nann,ann@example.com,true\nb b,,\n";
    fs::write(&path, csv).expect("a file");
    let file = path.to_str().expect("a path");
    let (code, answer, errors) = muster(&grpc, &["import", file, "--pool", pool]);
    assert_eq!(code, 0, "{errors}");
    let job = &answer["user_import_job"];
    assert_eq!(job["status"], "USER_IMPORT_JOB_STATUS_SUCCEEDED");
    assert_eq!(
        (&job["imported_users"], &job["failed_users"]),
        (&"1".into(), &"1".into())
    );
    assert_eq!(s3.files(), 1);
    let puts = s3.seen("PUT ");
    assert_eq!(puts.len(), 1, "{puts:?}");
    assert!(puts[0].contains("X-Amz-Signature="), "{puts:?}");

    let id = job["job_id"].as_str().expect("an id");
    let report = format!("http://{http}/v1/user-import-jobs/{id}/rejected.csv");
    assert_eq!(get(&report).await, Some(200));

    // A file that Start refuses is told of in its words.
    fs::write(&path, "email\n").expect("a file");
    let (code, _, errors) = muster(&grpc, &["import", file, "--pool", pool]);
    assert_ne!(code, 0);
    assert!(errors.contains("cognito:username"), "{errors}");

    let told = Exposition::of(&metrics).await;
    let uploads = |result| told.sum("muster_uploads_total", &[("result", result)]);
    assert_eq!(
        (uploads("kept"), uploads("refused")),
        (Some(1.0), Some(1.0))
    );
    let bytes = told.sum("muster_upload_bytes_total", &[]);
    assert_eq!(bytes, Some(csv.len() as f64));

    assert_eq!((server.terminate(), scheduler.terminate()), (0, 0));
    for process in [&server, &scheduler] {
        let log = process.errors();
        assert!(!log.contains("Signature="), "{log}");
        assert!(!log.contains("wJalrXUtnFEMI"), "{log}");
    }
}

#[test]
fn a_bucket_that_is_not_there_and_keys_that_are_wrong_are_told_at_the_start() {
    let s3 = S3Server::new();
    let shared = Shared::new();
    let wrong_key = s3.variables().into_iter().map(|(name, value)| {
        let secret = name == "AWS_SECRET_ACCESS_KEY";
        (
            name,
            if secret {
                "not the one".to_owned()
            } else {
                value
            },
        )
    });
    let wrong_key: Vec<_> = wrong_key.collect();
    for (store, variables, said) in [
        ("s3://no-such-bucket/x", s3.variables(), "NoSuchBucket"),
        (&s3.url(), wrong_key, "SignatureDoesNotMatch"),
        ("s3://", s3.variables(), "a bucket and a prefix"),
    ] {
        for program in [SERVER, SCHEDULER] {
            let mut process = start(&shared, program, store, &variables);
            assert_eq!(code(process.wait()), 1, "{}", process.errors());
            let errors = process.errors();
            assert!(errors.contains("MUSTER_OBJECT_STORE"), "{errors}");
            assert!(errors.contains(said), "{errors}");
            assert!(!errors.contains("not the one"), "{errors}");
        }
    }
}

#[test]
fn a_store_that_does_not_answer_is_a_warning() {
    let s3 = S3Server::new();
    s3.be(crate::support::s3::Mood::Busy);
    let shared = Shared::new();
    let mut server = start(&shared, SERVER, &s3.url(), &s3.variables());
    server.line("the object store does not answer");
    server.line("muster-server is ready");
    server.signal(Signal::SIGTERM);
    assert_eq!(code(server.wait()), 0);
}

#[tokio::test]
async fn a_folder_that_lacks_what_the_database_names_is_a_warning() {
    const WARNING: &str = "the folder lacks uploads that the database names";
    let shared = Shared::new();
    let mut server = shared.start(SERVER, &[]);
    let line = server.line("muster-server is ready");
    assert!(!server.errors().contains("folder"), "{}", server.errors());
    let grpc = word_after(&line, r#""grpc":""#);
    let (_, pool, _) = muster(&grpc, &["pools", "create", "--name", "test"]);
    let pool = pool["user_pool"]["user_pool_id"].as_str().expect("an id");
    let path = shared.folder.path().join("users.csv");
    fs::write(&path, "cognito:username\n").expect("a file");
    let file = path.to_str().expect("a path");
    let arguments = ["import", file, "--pool", pool, "--no-follow"];
    assert_eq!(muster(&grpc, &arguments).0, 0);

    let elsewhere = tempfile::tempdir().expect("a folder");
    let elsewhere = format!("file://{}", elsewhere.path().display());
    // The queue stays as it is.
    let mut lock = PgConnection::connect(shared.database.url())
        .await
        .expect("a connection");
    sqlx::raw_sql("BEGIN; LOCK TABLE import_lanes IN ACCESS EXCLUSIVE MODE")
        .execute(&mut lock)
        .await
        .expect("a lock");
    for program in [SERVER, SCHEDULER] {
        let mut right = shared.start(program, &["--drain-timeout", "1s"]);
        right.line("is ready");
        assert!(!right.errors().contains(WARNING), "{}", right.errors());
        let soon = ("MUSTER_DRAIN_TIMEOUT".to_owned(), "1s".to_owned());
        let mut wrong = start(&shared, program, &elsewhere, &[soon]);
        let warning = wrong.line(WARNING);
        assert!(warning.contains("WARN") && warning.contains("MUSTER_OBJECT_STORE"));
        wrong.line("is ready");
    }
}

#[test]
fn a_folder_in_kubernetes_is_a_warning() {
    let shared = Shared::new();
    let store = format!("file://{}", shared.folder.path().display());
    let variable = ("KUBERNETES_SERVICE_HOST".to_owned(), "10.0.0.1".to_owned());
    let mut server = start(&shared, SERVER, &store, &[variable]);
    let warning = server.line("in Kubernetes it must be on a volume that all servers");
    assert!(warning.contains("WARN"), "{warning}");
    server.line("muster-server is ready");
}
