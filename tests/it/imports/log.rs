//! Cognito's log lines.

use std::io;
use std::sync::{Arc, Mutex};

use tracing::subscriber::set_default;

use crate::support::imports::work;
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
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter("off,muster::import_log=debug")
        .with_writer(move || writer.clone())
        .without_time()
        .with_level(false)
        .with_target(false)
        .with_ansi(false)
        .finish();
    let guard = set_default(subscriber);
    work(&test.scheduler_with(|s| s.lanes = 1)).await;
    drop(guard);

    let log = log.0.lock().expect("the log").clone();
    let log = String::from_utf8(log).expect("text");
    let mut lines: Vec<&str> = log.lines().collect();
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
