//! The file of a job is changed, cut short or taken away in mid-import, behind
//! muster's back.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use futures_util::StreamExt as _;
use muster::api::v1::{FailureReason, UserImportJobStatus};
use muster::domain::error::Reason;
use muster::domain::job::Upload;
use muster::objects::{LARGE, Objects};
use url::Url;

use crate::file::Spec;
use crate::look::until;
use crate::seeds::{Rng, each};
use crate::site::{QUICK, Site};
use crate::tally::Tally;

const SPEC: Spec = Spec {
    rows: 800,
    aliases: false,
};

/// What is done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Harm {
    Truncated,
    Extended,
    Edited,
    /// In such a way that size and time of change are as before.
    EditedUnseen,
    Removed,
    /// While its worker lives.
    TruncatedAtWork,
}

impl Harm {
    const ALL: [Self; 6] = [
        Self::Truncated,
        Self::Extended,
        Self::Edited,
        Self::EditedUnseen,
        Self::Removed,
        Self::TruncatedAtWork,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Truncated => "file truncated",
            Self::Extended => "file extended",
            Self::Edited => "file edited",
            Self::EditedUnseen => "file edited with its time kept",
            Self::Removed => "file removed",
            Self::TruncatedAtWork => "file truncated under a worker",
        }
    }

    fn inflict(self, path: &Path) {
        let file = OpenOptions::new()
            .append(self == Self::Extended)
            .write(true)
            .open(path);
        let mut file = file.expect("the file");
        let before = file.metadata().expect("the file");
        match self {
            Self::Truncated | Self::TruncatedAtWork => {
                file.set_len(before.len() / 2 + 3)
                    .expect("half of the file");
            }
            Self::Extended => file
                .write_all(b"more,more@example.com,true,\n")
                .expect("a row"),
            Self::Edited | Self::EditedUnseen => {
                file.write_all_at(b"USER", before.len() - 40)
                    .expect("an edit");
                if self == Self::EditedUnseen {
                    let then = before.modified().expect("a time");
                    file.set_modified(then).expect("the time of before");
                }
            }
            Self::Removed => fs::remove_file(path).expect("no file"),
        }
    }
}

#[test]
fn a_file_that_changes_in_mid_import_fails_its_job_and_nothing_more_is_written() {
    each("changed file", (6, 10), drill);
}

async fn drill(seed: u64) -> Tally {
    let harm = Harm::ALL[seed as usize % Harm::ALL.len()];
    let mut rng = Rng::new(seed);
    let mut tally = Tally::default();
    let mut arguments = QUICK.to_vec();
    arguments.extend(["--batch-rows", "5"]);
    let mut site = Site::new(1, &arguments);
    site.slow_down(5).await;
    let job = site.begin(SPEC).await;
    let path = site.files(&job).pop().expect("the file");
    let mut watcher = site.watch(&job).await;
    watcher.until_processed(rng.within(10..200) as i64).await;
    rng.pause(8).await;

    if harm == Harm::TruncatedAtWork {
        harm.inflict(&path);
    } else {
        site.schedulers[0].kill();
        tally.fault("scheduler killed");
        // What it was writing is rolled back, or committed, but soon.
        until("the end of its transactions", async || {
            let open: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND backend_xid IS NOT NULL",
            )
            .fetch_one(watcher.connection())
            .await
            .expect("the transactions");
            (open == 0).then_some(())
        })
        .await;
        harm.inflict(&path);
    }
    tally.fault(harm.name());
    let before = watcher.look().await;
    assert_eq!(before.status, "IN_PROGRESS");
    if harm != Harm::TruncatedAtWork {
        site.schedulers[0].restart();
    }
    let ended = watcher.until_ended().await;
    if harm != Harm::TruncatedAtWork {
        assert_eq!(
            ended.processed(),
            before.processed(),
            "rows of a changed file"
        );
    }
    let failed = site.client().describe(&job).await.expect("the job");
    assert_eq!(failed.status(), UserImportJobStatus::Failed);
    let reason = match harm {
        Harm::Removed => FailureReason::UploadMissing,
        _ => FailureReason::UploadChanged,
    };
    assert_eq!(failed.failure_reason(), reason);
    assert!(!failed.completion_message.is_empty());
    let counted = failed.imported_users + failed.skipped_users + failed.failed_users;
    assert_eq!(counted, ended.processed());
    site.end();
    // The watcher holds it against what it saw at the end.
    watcher.look().await;
    tally
}

#[tokio::test]
async fn a_file_that_is_cut_short_while_it_is_read_has_no_end_that_passes_for_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = Url::from_directory_path(folder.path()).expect("an absolute path");
    let objects = Objects::open_folder(&url).expect("a store");
    let mut writer = objects.writer("uploads/a").await.expect("a writer");
    writer
        .write(vec![b'x'; 2_000_000].into())
        .await
        .expect("room");
    let stored = writer.finish().await.expect("a file");
    let upload = Upload {
        object: stored.name,
        bytes: stored.bytes,
        rows: None,
        e_tag: stored.e_tag,
        version: None,
        blake3: None,
    };
    let all = 0..upload.bytes;
    let stream = objects.read(&upload, all, LARGE).await.expect("the store");
    let mut stream = stream.expect("the file");
    let first = stream.next().await.expect("a piece").expect("a piece");
    assert!(!first.is_empty());
    let file = OpenOptions::new()
        .write(true)
        .open(folder.path().join("uploads/a"));
    file.expect("the file")
        .set_len(1_000_000)
        .expect("a shorter file");
    let mut rest = stream.take(1_000).collect::<Vec<_>>().await;
    let last = rest.pop().expect("more pieces");
    let error = last.expect_err("an object that is not whole");
    assert_eq!(error.reason(), Reason::ObjectStoreUnavailable);
    assert!(rest.iter().all(Result::is_ok));
}
