//! Following a job.

use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt as _};

use super::Muster;
use super::jobs::JobView;
use crate::domain::error::Error;
use crate::domain::principal::{Principal, Role};

/// How often a followed job is looked at.
const INTERVAL: Duration = Duration::from_millis(250);

/// A job as it changes, from now to its end.
pub type Changes = BoxStream<'static, Result<JobView, Error>>;

impl Muster {
    /// Answers a job at once, then again whenever it has changed, until it has
    /// ended.
    ///
    /// # Errors
    /// Invalid argument, not found; not found in the stream, too, when the job
    /// is deleted meanwhile.
    pub async fn watch_job(
        &self,
        caller: &Principal,
        user_pool_id: &str,
        job_id: &str,
    ) -> Result<Changes, Error> {
        let named = self
            .named_job(caller, Role::Reader, user_pool_id, job_id)
            .await?;
        let first = self.load_job(&named).await?;
        let muster = self.clone();
        let caller = caller.clone();
        let opening = self.view(&caller, first.clone()).await?;
        let later = stream::unfold(Some(first), move |last| {
            let (muster, caller, named) = (muster.clone(), caller.clone(), named.clone());
            async move {
                let last = last.filter(|job| !job.status.is_terminal())?;
                loop {
                    tokio::time::sleep(INTERVAL).await;
                    match muster.load_job(&named).await {
                        Ok(job) if job == last => {}
                        Ok(job) => {
                            let view = muster.view(&caller, job.clone()).await;
                            return Some((view, Some(job)));
                        }
                        Err(error) => return Some((Err(error), None)),
                    }
                }
            }
        });
        Ok(stream::once(async { Ok(opening) }).chain(later).boxed())
    }
}
