//! The end of a task: what it is at may be finished, but not for ever.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::domain::error::Error;

/// When a task shall end, and how much time it has for that.
#[derive(Clone, Debug)]
pub struct Drain {
    /// Cancelled when it shall finish what it is at and end.
    pub begun: CancellationToken,
    /// How long that may take: less than the process itself has, so that a
    /// client or a database that stands still does not make a clean stop a
    /// failure.
    pub grace: Duration,
}

impl Drain {
    /// Runs a task that ends by itself once the drain has begun, and cuts it
    /// off when it takes too long. All that can be cut off so can be repeated:
    /// uploads are all or nothing, calls carry request ids, and the lease of a
    /// job that was not given back runs out.
    ///
    /// # Errors
    /// Those of the task.
    pub async fn within_grace(
        self,
        task: &'static str,
        run: impl Future<Output = Result<(), Error>>,
    ) -> Result<(), Error> {
        let cut_off = async {
            self.begun.cancelled().await;
            sleep(self.grace).await;
        };
        tokio::select! {
            ended = run => ended,
            () = cut_off => {
                let seconds = self.grace.as_secs_f64();
                tracing::warn!(task, seconds, "cut off what was still in flight");
                Ok(())
            }
        }
    }
}
