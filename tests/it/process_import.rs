//! Whole imports through the real binaries: a server, schedulers, the command
//! line, each a process of its own.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use nix::sys::signal::Signal;
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};

use crate::support::process::{MUSTER, Process, SCHEDULER, SERVER, code, command, word_after};
use crate::support::services::Shared;

/// Enough one-row batches to be in the middle of when a signal comes.
const ROWS: usize = 4_000;
const SLOWLY: [&str; 4] = ["--batch-rows", "1", "--lease", "10s"];

/// A running server, and the command line pointed at it.
struct Site {
    shared: Shared,
    _server: Process,
    grpc: String,
}

impl Site {
    fn new() -> Self {
        let shared = Shared::new();
        let mut server = shared.start(SERVER, &[]);
        let grpc = word_after(&server.line("muster-server is ready"), r#""grpc":""#);
        Self {
            shared,
            _server: server,
            grpc,
        }
    }

    /// Runs `muster`; answers its exit code and what it says in JSON.
    fn muster(&self, arguments: &[&str]) -> (i32, Value) {
        let answer = command(MUSTER)
            .args(["--server", &self.grpc, "--output", "json"])
            .args(arguments)
            .output()
            .expect("an answer");
        let text = String::from_utf8_lossy(&answer.stdout);
        (
            code(answer.status),
            serde_json::from_str(&text).unwrap_or(Value::Null),
        )
    }

    fn pool(&self) -> String {
        let (code, answer) = self.muster(&["pools", "create", "--name", "test"]);
        assert_eq!(code, 0);
        text(&answer["user_pool"]["user_pool_id"])
    }

    /// A file of good rows.
    fn file(&self) -> PathBuf {
        let mut csv = "cognito:username,email,email_verified\n".to_owned();
        for n in 0..ROWS {
            writeln!(csv, "user-{n},user-{n}@example.com,true").expect("a string");
        }
        let path = self.shared.folder.path().join("users.csv");
        fs::write(&path, csv).expect("a file");
        path
    }

    /// Starts to import the file, and answers the job's id.
    fn begin(&self, pool: &str) -> String {
        let file = self.file();
        let file = file.to_str().expect("a path");
        let (code, answer) = self.muster(&["import", file, "--pool", pool, "--no-follow"]);
        assert_eq!(code, 0, "{answer}");
        text(&answer["user_import_job"]["job_id"])
    }

    fn job(&self, pool: &str, job: &str) -> Value {
        let (code, mut answer) = self.muster(&["jobs", "describe", "--pool", pool, job]);
        assert_eq!(code, 0, "{answer}");
        answer["user_import_job"].take()
    }

    /// Waits until a job has imported something.
    fn under_way(&self, scheduler: &mut Process, pool: &str, job: &str) {
        scheduler.wait_for("rows", |_| {
            let now = self.job(pool, job);
            (number(&now["imported_users"]) > 0).then_some(())
        });
        assert_eq!(
            self.job(pool, job)["status"],
            "USER_IMPORT_JOB_STATUS_IN_PROGRESS"
        );
    }

    /// Users of a pool, and how many lines they came from.
    async fn users(&self, pool: &str) -> (i64, i64) {
        let mut connection = PgConnection::connect(self.shared.database.url())
            .await
            .expect("a connection");
        sqlx::query_as(
            "SELECT count(*), count(DISTINCT import_line) FROM users WHERE user_pool_id = $1",
        )
        .bind(pool)
        .fetch_one(&mut connection)
        .await
        .expect("two numbers")
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

/// 64-bit numbers are strings in proto3 JSON.
fn number(value: &Value) -> i64 {
    text(value).parse().expect("a number")
}

#[test]
fn three_processes_import_the_sample() {
    let site = Site::new();
    let mut scheduler = site.shared.start(SCHEDULER, &[]);
    let pool = site.pool();
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/users.csv");
    let (code, answer) = site.muster(&["import", sample, "--pool", &pool]);
    assert_eq!(code, 0, "{answer}");
    let job = &answer["user_import_job"];
    assert_eq!(job["status"], "USER_IMPORT_JOB_STATUS_SUCCEEDED");
    let counts = ["imported_users", "skipped_users", "failed_users"].map(|c| number(&job[c]));
    assert_eq!(counts, [958, 5, 37]);
    assert_eq!(job["total_bytes"], job["processed_bytes"]);

    // A file of which too much is rejected ends in another exit code.
    let (code, answer) = site.muster(&["import", sample, "--pool", &pool]);
    assert_eq!(code, 1, "{answer}");
    assert_eq!(
        answer["user_import_job"]["status"],
        "USER_IMPORT_JOB_STATUS_FAILED"
    );
    assert_eq!(scheduler.terminate(), 0, "{}", scheduler.errors());
    // Nothing of a row is in the log.
    assert!(
        !scheduler.errors().contains("@example"),
        "a log with values"
    );
}

#[tokio::test]
async fn a_job_that_is_stopped_writes_no_more_rows() {
    let site = Site::new();
    let mut scheduler = site.shared.start(SCHEDULER, &SLOWLY);
    let pool = site.pool();
    let job = site.begin(&pool);
    site.under_way(&mut scheduler, &pool, &job);
    let (code, answer) = site.muster(&["jobs", "stop", "--pool", &pool, &job]);
    assert_eq!(code, 0, "{answer}");
    let stopped = scheduler.wait_for("STOPPED", |_| {
        let now = site.job(&pool, &job);
        (now["status"] == "USER_IMPORT_JOB_STATUS_STOPPED").then_some(now)
    });
    assert_eq!(
        stopped["completion_message"],
        "The Import Job was stopped by the developer."
    );
    let imported = number(&stopped["imported_users"]);
    assert!(imported < ROWS as i64, "it was stopped too late");
    assert_eq!(scheduler.terminate(), 0, "{}", scheduler.errors());
    assert_eq!(site.users(&pool).await, (imported, imported));
}

/// What `signal` does to a scheduler in the middle of a job, another makes good.
async fn another_goes_on_after(signal: Signal, ends_with: i32) {
    let site = Site::new();
    let mut first = site.shared.start(SCHEDULER, &SLOWLY);
    let pool = site.pool();
    let job = site.begin(&pool);
    site.under_way(&mut first, &pool, &job);
    first.signal(signal);
    assert_eq!(code(first.wait()), ends_with, "{}", first.errors());
    let left = site.job(&pool, &job);
    assert_eq!(left["status"], "USER_IMPORT_JOB_STATUS_IN_PROGRESS");
    let done = number(&left["imported_users"]);
    assert!(done < ROWS as i64, "the signal came too late");
    assert_eq!(site.users(&pool).await, (done, done));

    let mut second = site.shared.start(SCHEDULER, &[]);
    let (code, answer) = site.muster(&["jobs", "watch", "--pool", &pool, &job]);
    let ended = site.job(&pool, &job);
    assert_eq!(
        ended["status"], "USER_IMPORT_JOB_STATUS_SUCCEEDED",
        "{code} {answer}"
    );
    assert_eq!(number(&ended["imported_users"]), ROWS as i64);
    assert_eq!(site.users(&pool).await, (ROWS as i64, ROWS as i64));
    assert_eq!(second.terminate(), 0, "{}", second.errors());
}

#[tokio::test]
async fn a_scheduler_that_is_asked_to_end_gives_its_job_to_another() {
    another_goes_on_after(Signal::SIGTERM, 0).await;
}

#[tokio::test]
async fn a_scheduler_that_is_killed_loses_and_doubles_nothing() {
    another_goes_on_after(Signal::SIGKILL, 128 + 9).await;
}
