//! The real programs with TLS: a server, a scheduler, the command line.

use std::fs;

use muster::process::config::ClientAuth;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::Files;
use super::authority::{Authority, Credentials};
use crate::support::process::{MUSTER, Process, SCHEDULER, SERVER, code, command, word_after};
use crate::support::services::Shared;

const ADMIN: &str = "spiffe://example.org/admin";

/// A server that asks for client certificates, and the command line's files.
struct Site {
    shared: Shared,
    files: Files,
    server: Process,
    grpc: String,
    http: String,
}

impl Site {
    fn new(ca: &Authority) -> Self {
        let files = Files::new(&ca.server(), Some((ca, ClientAuth::Required)));
        let tokens = json!({"tokens": [
            {"certificate": ADMIN, "name": "admin", "role": "admin", "pools": ["*"]},
        ]});
        fs::write(files.path("tokens.json"), tokens.to_string()).expect("a file");
        let Credentials { cert, key } = ca.client(&[ADMIN]);
        fs::write(files.path("client.pem"), cert).expect("a file");
        fs::write(files.path("client-key.pem"), key).expect("a file");
        let shared = Shared::new();
        let path = |name: &str| files.path(name).to_str().expect("UTF-8").to_owned();
        let mut server = shared.start(
            SERVER,
            &[
                &format!("--tls-cert={}", path("cert.pem")),
                &format!("--tls-key={}", path("key.pem")),
                &format!("--tls-client-ca={}", path("ca.pem")),
                "--tls-client-auth=required",
                &format!("--tokens-file={}", path("tokens.json")),
            ],
        );
        let line = server.line("muster-server is ready");
        Self {
            grpc: format!("https://{}", word_after(&line, r#""grpc":""#)),
            http: format!("https://{}", word_after(&line, r#""http":""#)),
            shared,
            files,
            server,
        }
    }

    /// Runs `muster` with certificates; answers its exit code and what it says.
    fn muster(&self, files: &[(&str, &str)], arguments: &[&str]) -> (i32, String, String) {
        let mut command = command(MUSTER);
        command.args(["--server", &self.grpc, "--http", &self.http]);
        for (variable, file) in files {
            command.env(variable, self.files.path(file));
        }
        let answer = command.args(arguments).output().expect("an answer");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            code(answer.status),
            text(&answer.stdout),
            text(&answer.stderr),
        )
    }
}

const ALL: [(&str, &str); 3] = [
    ("MUSTER_CA", "ca.pem"),
    ("MUSTER_CLIENT_CERT", "client.pem"),
    ("MUSTER_CLIENT_KEY", "client-key.pem"),
];

#[test]
fn a_file_is_imported_over_tls_from_the_call_to_the_upload_and_the_report() {
    let site = Site::new(&Authority::new("a CA"));
    let _scheduler = site.shared.start(SCHEDULER, &[]);
    let create = ["-o", "json", "pools", "create", "--name", "a"];
    let (code, made, problem) = site.muster(&ALL, &create);
    assert_eq!(code, 0, "{problem}");
    let made: Value = serde_json::from_str(&made).expect("JSON");
    let pool = made["user_pool"]["user_pool_id"].as_str().expect("an id");
    let csv = site.files.path("users.csv");
    let rows = "cognito:username,email,email_verified\nann,ann@example.com,true\nbob,no,true\n";
    fs::write(&csv, rows).expect("a file");
    let csv = csv.to_str().expect("UTF-8");
    let (code, done, problem) = site.muster(&ALL, &["-o", "json", "import", csv, "--pool", pool]);
    assert_eq!(code, 0, "{problem}");
    let done: Value = serde_json::from_str(&done).expect("JSON");
    let job = &done["user_import_job"];
    assert_eq!(
        (&job["imported_users"], &job["failed_users"]),
        (&json!("1"), &json!("1"))
    );
    let job = job["job_id"].as_str().expect("an id");
    let rejected = ["jobs", "rejected", job, "--pool", pool, "--csv", "-"];
    let (_, report, problem) = site.muster(&ALL, &rejected);
    assert!(report.contains("bob,no,true"), "{report} {problem}");

    let (code, said, problem) = site.muster(&ALL, &["health"]);
    assert_eq!((code, said.trim()), (0, "SERVING"), "{problem}");
}

#[test]
fn what_is_missing_or_wrong_is_told() {
    let site = Site::new(&Authority::new("a CA"));
    fs::write(site.files.path("empty.pem"), "").expect("a file");
    let list = ["pools", "list"];
    // The machine does not trust that CA.
    let (code, _, told) = site.muster(&[], &list);
    assert_eq!(code, 1);
    assert!(told.contains("certificate"), "{told}");
    let (code, _, told) = site.muster(&ALL[..1], &list);
    assert_eq!(code, 1, "{told}");
    let (code, _, told) = site.muster(&ALL[..2], &list);
    assert!(code == 1 && told.contains("needed together"), "{told}");
    let (code, _, told) = site.muster(&[("MUSTER_CA", "empty.pem")], &list);
    assert_eq!(code, 1);
    assert!(told.contains("--ca: ") && told.contains("empty.pem: holds no certificate"));
    assert_eq!(site.muster(&ALL[..1], &["health"]).0, 1);
}

#[test]
fn certificates_are_read_again_on_sighup_and_bad_ones_change_nothing() {
    let (old, new) = (Authority::new("an old CA"), Authority::new("a new CA"));
    let mut site = Site::new(&old);
    let list = ["pools", "list"];
    fs::write(site.files.path("new.pem"), new.pem()).expect("a file");
    let trusting_new = [("MUSTER_CA", "new.pem"), ALL[1], ALL[2]];

    // A key that is another's.
    fs::write(site.files.path("key.pem"), new.server().key).expect("a file");
    site.server.signal(Signal::SIGHUP);
    let told = site.server.line("the certificates of before stay in force");
    assert!(told.contains("is not the key of"), "{told}");
    assert_eq!(site.muster(&ALL, &list).0, 0);

    site.files.write(&new.server());
    site.server.signal(Signal::SIGHUP);
    site.server.line("read the certificates again");
    assert_eq!(site.muster(&ALL, &list).0, 1);
    let (code, _, problem) = site.muster(&trusting_new, &list);
    assert_eq!(code, 0, "{problem}");
    assert_eq!(site.server.terminate(), 0);
}
