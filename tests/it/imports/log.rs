//! Cognito's log lines.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing::subscriber::set_default;

use crate::support::imports::{users_csv, work};
use crate::support::muster::TestMuster;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("the log").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Imports what waits, and answers what is logged meanwhile.
async fn logged(test: &TestMuster, filter: &str, json: bool) -> Vec<String> {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || writer.clone())
        .without_time()
        .with_level(false)
        .with_target(false)
        .with_ansi(false);
    let guard = if json {
        set_default(subscriber.json().finish())
    } else {
        set_default(subscriber.finish())
    };
    let scheduler = test.scheduler_with(|s| {
        s.lanes = 1;
        s.max_jobs = 1;
    });
    work(&scheduler).await;
    drop(guard);
    let log = log.0.lock().expect("the log").clone();
    let log = String::from_utf8(log).expect("text");
    log.lines().map(str::to_owned).collect()
}

// One thread: what is set as its subscriber hears the imports, too.
#[tokio::test(flavor = "current_thread")]
async fn each_row_is_logged_by_its_line_and_never_by_a_value() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    let csv = "cognito:username,email,email_verified\n\
               ann,ann@example.com,true\n\
               ANN,ann@example.com,true\n\
               zebra,nonsense,true\n";
    test.started(&pool, csv).await;
    let mut lines = logged(&test, "off,muster::import_log=debug", false).await;
    lines.sort_by_key(|line| line.split("Number ").nth(1).map(str::to_owned));
    assert_eq!(
        lines,
        [
            "[SUCCEEDED] Line Number 2 - The import succeeded.",
            "[SKIPPED] Line Number 3 - The username is on line 2 of this file already.",
            "[FAILED] Line Number 4 - The e-mail address is not valid.",
        ]
    );
}

#[tokio::test(flavor = "current_thread")]
async fn each_row_is_logged_with_its_job_whether_jobs_are_imported_together_or_not() {
    let test = TestMuster::new();
    let pool = test.pool().await;
    for names in [["ann", "bob"], ["carol", "dave"], ["eve", "ann"]] {
        let mut rows = BTreeSet::new();
        for name in names {
            let job = test.started(&pool, users_csv([name])).await;
            test.clock.advance(Duration::from_secs(1));
            rows.insert(job.job_id().to_string());
        }
        let lines = logged(&test, "off,muster=info,muster::import_log=debug", true).await;
        let lines = lines.iter().filter(|line| line.contains("Line Number 2"));
        let told = lines.map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            line["span"]["job_id"].as_str().expect("a job").to_owned()
        });
        assert_eq!(told.collect::<BTreeSet<_>>(), rows);
    }
}
