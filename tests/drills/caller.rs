//! A caller who keeps asking, and what he is told while things go wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::client::{Client, Job};
use crate::look::until;

/// Asks for a job again and again, and follows it as a stream.
pub struct Caller {
    hangs_up: watch::Sender<bool>,
    refused: Arc<AtomicU64>,
    asking: JoinHandle<u64>,
    following: JoinHandle<u64>,
}

impl Caller {
    pub fn start(client: Client, job: &Job) -> Self {
        let hangs_up = watch::Sender::new(false);
        let refused = Arc::new(AtomicU64::new(0));
        let asking = ask(
            client.clone(),
            job.clone(),
            hangs_up.subscribe(),
            refused.clone(),
        );
        Self {
            asking: tokio::spawn(asking),
            following: tokio::spawn(follow(client, job.clone(), hangs_up.subscribe())),
            hangs_up,
            refused,
        }
    }

    /// Waits until he is told to come again.
    pub async fn until_refused(&self) {
        let before = self.refused.load(Ordering::SeqCst);
        until("a refusal", async || {
            (self.refused.load(Ordering::SeqCst) > before).then_some(())
        })
        .await;
    }

    /// Answers how often he was told to come again. Panics if he was answered
    /// anything but that or the job.
    pub async fn end(self) -> u64 {
        self.hangs_up.send_replace(true);
        let answered = self.asking.await.expect("a caller who was answered well");
        assert!(answered > 0, "a caller without an answer");
        let followed = self.following.await.expect("a stream that ended well");
        assert!(followed > 0, "a stream without a word");
        self.refused.load(Ordering::SeqCst)
    }
}

async fn ask(
    mut client: Client,
    job: Job,
    hung_up: watch::Receiver<bool>,
    refused: Arc<AtomicU64>,
) -> u64 {
    let (mut answered, mut processed) = (0, 0);
    while !*hung_up.borrow() {
        match client.describe(&job).await {
            Ok(job) => {
                answered += 1;
                let now = job.imported_users + job.skipped_users + job.failed_users;
                assert!(processed <= now, "{processed}, then {now} rows");
                processed = now;
            }
            Err(status) => {
                assert_is_away(&status);
                let told = u64::from(status.code() == Code::Unavailable);
                refused.fetch_add(told, Ordering::SeqCst);
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    answered
}

async fn follow(mut client: Client, job: Job, mut hung_up: watch::Receiver<bool>) -> u64 {
    let mut heard = 0;
    while !*hung_up.borrow() {
        let end = async {
            let mut stream = client.watch(&job).await?;
            while stream.message().await?.is_some() {
                heard += 1;
            }
            Ok(())
        };
        let ended: Result<(), Status> = tokio::select! {
            ended = end => ended,
            _ = hung_up.changed() => return heard,
        };
        if let Err(status) = ended {
            assert_is_away(&status);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    heard
}

/// What a caller is told while the database is away: to come again, or that
/// the time for the call is up.
fn assert_is_away(status: &Status) {
    if status.code() == Code::DeadlineExceeded {
        return;
    }
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    let retry = status.get_details_retry_info();
    assert!(retry.is_some(), "no RetryInfo: {status:?}");
}
