//! A caller who keeps asking, and what he is told while things go wrong.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::client::{Client, Job};

/// How often he was answered, and how often told to come again.
#[derive(Debug, Default)]
pub struct Told {
    pub answered: u64,
    pub refused: u64,
}

/// Asks for a job again and again, and follows it as a stream.
pub struct Caller {
    hangs_up: watch::Sender<bool>,
    asking: JoinHandle<Told>,
    following: JoinHandle<u64>,
}

impl Caller {
    pub fn start(client: Client, job: &Job) -> Self {
        let hangs_up = watch::Sender::new(false);
        Self {
            asking: tokio::spawn(ask(client.clone(), job.clone(), hangs_up.subscribe())),
            following: tokio::spawn(follow(client, job.clone(), hangs_up.subscribe())),
            hangs_up,
        }
    }

    /// Panics if anything was answered but the job, or that the service is
    /// away for the moment.
    pub async fn end(self) -> Told {
        self.hangs_up.send_replace(true);
        let told = self.asking.await.expect("a caller who was answered well");
        assert!(told.answered > 0, "{told:?}");
        let followed = self.following.await.expect("a stream that ended well");
        assert!(followed > 0, "a stream without a word");
        told
    }
}

async fn ask(mut client: Client, job: Job, hung_up: watch::Receiver<bool>) -> Told {
    let mut told = Told::default();
    let mut processed = 0;
    while !*hung_up.borrow() {
        match client.describe(&job).await {
            Ok(job) => {
                told.answered += 1;
                let now = job.imported_users + job.skipped_users + job.failed_users;
                assert!(processed <= now, "{processed}, then {now} rows");
                processed = now;
            }
            Err(status) => {
                told.refused += 1;
                assert_is_away(&status);
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    told
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

/// What a caller is told while the database is away: to come again.
pub fn assert_is_away(status: &Status) {
    if status.code() == Code::DeadlineExceeded {
        return;
    }
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    let retry = status.get_details_retry_info();
    assert!(retry.is_some(), "no RetryInfo: {status:?}");
}
