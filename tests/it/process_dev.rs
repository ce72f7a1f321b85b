//! `muster dev`, as the program that it is.

use std::path::Path;
use std::process::Output;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::process::{MUSTER, Process, code, command, get, open_folder, word_after};

/// A running `muster dev` on ports of its own.
struct Dev {
    process: Process,
    grpc: String,
    http: String,
}

impl Dev {
    fn start(folder: &Path) -> Self {
        let mut process = Self::begin(folder);
        let line = process.line("muster is ready");
        Self {
            grpc: word_after(&line, "gRPC "),
            http: word_after(&line, "HTTP "),
            process,
        }
    }

    /// Started, and not waited for.
    fn begin(folder: &Path) -> Process {
        let folder = folder.to_str().expect("UTF-8");
        let arguments = [
            "dev",
            "--data-dir",
            folder,
            "--grpc-addr=127.0.0.1:0",
            "--http-addr=127.0.0.1:0",
        ];
        Process::start(MUSTER, &arguments, &[])
    }

    fn muster(&self, arguments: &[&str]) -> Output {
        command(MUSTER)
            .args(["--server", &self.grpc])
            .args(arguments)
            .output()
            .expect("an answer")
    }

    fn pools(&self) -> String {
        let answer = self.muster(&["pools", "list", "-o", "json"]);
        assert!(answer.status.success(), "{answer:?}");
        String::from_utf8(answer.stdout).expect("UTF-8")
    }
}

/// The id of the postmaster that has its data in `folder`.
fn postmaster(folder: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(folder.join("postgres/data/postmaster.pid")).ok()?;
    text.lines().next()?.parse().ok().map(Pid::from_raw)
}

#[tokio::test]
async fn dev_stops_on_sigterm_and_finds_its_data_again() {
    let folder = open_folder();
    let data = folder.path().join("data");
    let mut dev = Dev::start(&data);
    assert_eq!(get(&format!("{}/readyz", dev.http)).await, Some(200));
    for arguments in [&["health"][..], &["health", "--scheduler", &dev.grpc]] {
        let answer = dev.muster(arguments);
        assert_eq!(answer.stdout, b"SERVING\n", "{answer:?}");
    }
    assert!(
        dev.muster(&["pools", "create", "--name", "kept"])
            .status
            .success()
    );
    let pools = dev.pools();
    assert!(pools.contains("kept"));

    assert_eq!(dev.process.terminate(), 0, "{}", dev.process.errors());
    assert_eq!(get(&format!("{}/readyz", dev.http)).await, None);
    assert_eq!(postmaster(&data), None);
    let written = dev.process.output() + &dev.process.errors();
    let key = std::fs::read_to_string(data.join("signing-key")).expect("the key");
    let password = std::fs::read_to_string(data.join("postgres/password")).expect("the password");
    for secret in [key.trim(), password.trim()] {
        assert!(!written.contains(secret));
    }

    let mut again = Dev::start(&data);
    assert_eq!(again.pools(), pools);
    again.process.signal(Signal::SIGINT);
    assert_eq!(code(again.process.wait()), 0);
}

#[tokio::test]
async fn dev_ends_with_an_error_when_postgres_dies() {
    let folder = open_folder();
    let data = folder.path().join("data");
    let mut dev = Dev::start(&data);
    kill(postmaster(&data).expect("a postmaster"), Signal::SIGKILL).expect("its end");
    assert_eq!(code(dev.process.wait()), 1);
    assert!(dev.process.errors().contains("PostgreSQL ended"));
}

#[test]
fn dev_that_is_stopped_before_it_is_ready_leaves_no_postgres() {
    let folder = open_folder();
    let data = folder.path().join("data");
    let mut dev = Dev::begin(&data);
    dev.wait_for("a postmaster", |_| postmaster(&data));
    assert_eq!(dev.terminate(), 0, "{}", dev.errors());
    assert_eq!(postmaster(&data), None);
}

#[test]
fn dev_refuses_what_it_cannot_have() {
    let folder = open_folder();
    let data = folder.path().join("data");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("its address").to_string();
    let data_flag = format!("--data-dir={}", data.display());
    for (arguments, flag, word) in [
        (
            [
                data_flag.as_str(),
                &format!("--grpc-addr={taken}"),
                "--http-addr=127.0.0.1:0",
            ],
            "--grpc-addr",
            "another process listens there",
        ),
        (
            [
                &data_flag,
                "--grpc-addr=127.0.0.1:0",
                "--http-addr=0.0.0.0:0",
            ],
            "--http-addr",
            "MUSTER_TOKENS_FILE",
        ),
        (
            [
                "--data-dir=/dev/null/x",
                "--grpc-addr=127.0.0.1:0",
                "--http-addr=127.0.0.1:0",
            ],
            "--data-dir",
            "/dev/null/x",
        ),
        (
            [&data_flag, "--grpc-addr=127.0.0.1:0", "--lease=3"],
            "--lease",
            "MUSTER_LEASE",
        ),
    ] {
        let answer = command(MUSTER)
            .arg("dev")
            .args(arguments)
            .output()
            .expect("an answer");
        let text = String::from_utf8_lossy(&answer.stderr).into_owned();
        assert!(!answer.status.success());
        assert!(text.contains(flag) && text.contains(word), "{text}");
    }
    assert!(!data.exists());
}

#[test]
fn the_demo_comes_out_as_expected_whatever_the_environment_says() {
    let answer = command(MUSTER)
        .arg("demo")
        .env(
            "MUSTER_DATABASE_URL",
            "postgres://nobody@127.0.0.1:1/nowhere",
        )
        .env("MUSTER_TOKENS_FILE", "/nowhere")
        .env("MUSTER_TOKEN", "none")
        .env("MUSTER_SERVER", "127.0.0.1:1")
        .output()
        .expect("an answer");
    let text = String::from_utf8_lossy(&answer.stdout).into_owned();
    assert!(answer.status.success(), "{answer:?}");
    assert!(text.contains("demo: as expected (958 imported"), "{text}");
}
