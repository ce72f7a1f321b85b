//! Following a job to its end, over whatever happens to the connection.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::failure::{Failure, describe};
use super::jobs::JobRef;
use super::reporter::Reporter;
use super::retry::{Backoff, is_transient};
use super::session::{Session, required};
use super::text;
use crate::api::v1::{UserImportJob, UserImportJobStatus, WatchUserImportJobRequest};

/// With waits of up to 5 s: about five minutes without any answer.
const TRIES: u32 = 60;

/// Follows a job until its status is final, and answers it. When the server
/// goes away, calls it again.
///
/// # Errors
///
/// When the server refuses, or stays away for about five minutes.
pub async fn follow(
    session: &Session,
    job: &JobRef,
    reporter: &mut dyn Reporter,
    started: Instant,
) -> Result<UserImportJob, Failure> {
    let (watch, stop) = (
        session.command(&format!("jobs watch {job}")),
        session.command(&format!("jobs stop {job}")),
    );
    session.on_interrupt(Some(format!(
        "The job goes on. `{watch}` follows it again, `{stop}` stops it."
    )));
    let mut backoff = Backoff::new(TRIES);
    let ended = loop {
        let status = match watch_once(session, job, reporter, started, &mut backoff).await {
            Ok(Some(job)) => break job,
            // A server that drains may end the stream without a word.
            Ok(None) => None,
            Err(Failure::Rpc(status)) if is_transient(&status) => Some(status),
            Err(failure) => return Err(failure),
        };
        let why = status
            .as_ref()
            .map_or_else(|| "the server ended the stream".to_owned(), describe);
        let Some(wait) = backoff.wait(status.as_ref()) else {
            let status = status.unwrap_or_else(|| tonic::Status::unavailable(why));
            let advice = format!("The job may well go on; `{watch}` follows it again.");
            return Err(Failure::from(status).advise(advice));
        };
        reporter.note(&format!("{why}; again in {}", text::duration(wait)))?;
        sleep(wait).await;
    };
    session.on_interrupt(None);
    Ok(ended)
}

/// Follows a job for as long as one stream lasts. `None`: it ended before the job did.
async fn watch_once(
    session: &Session,
    job: &JobRef,
    reporter: &mut dyn Reporter,
    started: Instant,
    backoff: &mut Backoff,
) -> Result<Option<UserImportJob>, Failure> {
    let mut stream = session
        .imports()
        .watch_user_import_job(WatchUserImportJobRequest {
            user_pool_id: job.pool.clone(),
            job_id: job.job_id.clone(),
        })
        .await?
        .into_inner();
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last: Option<UserImportJob> = None;
    loop {
        tokio::select! {
            answer = stream.message() => {
                let Some(answer) = answer? else { return Ok(None) };
                backoff.reset();
                let job = required(answer.user_import_job, "user_import_job")?;
                reporter.job(&job, started.elapsed())?;
                if is_final(job.status()) {
                    return Ok(Some(job));
                }
                last = Some(job);
            }
            // Speeds fall and times grow also while nothing is heard.
            _ = ticks.tick() => if let Some(job) = &last {
                reporter.job(job, started.elapsed())?;
            },
        }
    }
}

/// Whether the job stays as it is.
const fn is_final(status: UserImportJobStatus) -> bool {
    match status {
        UserImportJobStatus::Stopped
        | UserImportJobStatus::Succeeded
        | UserImportJobStatus::Failed
        | UserImportJobStatus::Expired => true,
        UserImportJobStatus::Unspecified
        | UserImportJobStatus::Created
        | UserImportJobStatus::Pending
        | UserImportJobStatus::InProgress
        | UserImportJobStatus::Stopping => false,
    }
}
