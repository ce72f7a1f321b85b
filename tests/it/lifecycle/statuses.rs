//! One job in each status, brought there by the operations and duties that a
//! real one goes through.

use std::time::Duration;

use muster::domain::job::JobStatus;

use crate::support::imports::{TestJob, users_csv, work};
use crate::support::muster::TestMuster;

pub const DAY: Duration = Duration::from_secs(24 * 3600);

/// A job for each status, in the order of [`JobStatus::ALL`], each in a pool of
/// its own.
pub struct Statuses(Vec<(JobStatus, TestJob)>);

impl Statuses {
    /// The jobs that have ended come first, so that the duties that end them
    /// find no other.
    pub async fn build(test: &TestMuster) -> Self {
        let scheduler = test.scheduler();

        let expired = uploaded(test).await;
        test.clock.advance(DAY);
        assert_eq!(scheduler.expire_tick().await.expect("a sweep"), 1);

        let stopped = started(test).await;
        test.stop(&stopped).await.expect("a stop");
        assert_eq!(scheduler.finish_tick().await.expect("a finish"), 1);

        let succeeded = started(test).await;
        work(&scheduler).await;

        let failed = test.started(&test.pool().await, no_good()).await;
        work(&scheduler).await;

        let in_progress = started(test).await;
        assert_eq!(scheduler.dispatch_tick().await.expect("a dispatch"), 1);

        let stopping = started(test).await;
        test.stop(&stopping).await.expect("a stop");

        let pending = started(test).await;
        let created = uploaded(test).await;

        let all = [
            created,
            pending,
            in_progress,
            stopping,
            stopped,
            succeeded,
            failed,
            expired,
        ];
        let statuses = Self(JobStatus::ALL.into_iter().zip(all).collect());
        statuses.are(test, &[]).await;
        statuses
    }

    pub fn iter(&self) -> impl Iterator<Item = (JobStatus, &TestJob)> {
        self.0.iter().map(|(status, job)| (*status, job))
    }

    /// Asserts that each job is where it was built, but for those that moved.
    pub async fn are(&self, test: &TestMuster, moved: &[(JobStatus, JobStatus)]) {
        for (from, job) in self.iter() {
            let moved = moved.iter().find(|(f, _)| *f == from);
            let expected = moved.map_or(from, |(_, to)| *to);
            assert_eq!(
                test.status(job).await,
                expected,
                "the job that was {from:?}"
            );
        }
    }
}

async fn uploaded(test: &TestMuster) -> TestJob {
    test.uploaded(&test.pool().await, users_csv(["ann", "bob"]))
        .await
}

async fn started(test: &TestMuster) -> TestJob {
    test.started(&test.pool().await, users_csv(["ann", "bob"]))
        .await
}

fn no_good() -> &'static str {
    "cognito:username,email,email_verified\nann,nonsense,true\n"
}
