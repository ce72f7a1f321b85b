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

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use tokio::io::copy_bidirectional;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::Notify;
    use tonic::Status;

    use super::*;
    use crate::cli::fake::{self, Fake, Script};
    use crate::cli::reporter::Lines;

    async fn followed(
        watches: Vec<Vec<Result<UserImportJob, Status>>>,
    ) -> (Result<UserImportJob, Failure>, String, Option<String>) {
        let script = Script {
            watches: watches.into(),
            ..Default::default()
        };
        let session = Fake::serve(script).await.session().await;
        let job = JobRef {
            pool: "local_a".to_owned(),
            job_id: "import-1".to_owned(),
        };
        let mut out = Vec::new();
        let result = follow(&session, &job, &mut Lines::new(&mut out), Instant::now()).await;
        (result, String::from_utf8(out).unwrap(), session.farewell())
    }

    #[tokio::test]
    async fn a_watch_that_is_cut_off_is_taken_up_again() {
        use UserImportJobStatus::{InProgress, Pending, Succeeded};
        let (result, out, farewell) = followed(vec![
            vec![Ok(fake::job(Pending, 0))],
            vec![
                Ok(fake::job(InProgress, 5)),
                Err(Status::unavailable("draining")),
            ],
            vec![Ok(fake::job(Succeeded, 9))],
        ])
        .await;
        assert_eq!(result.unwrap(), fake::job(Succeeded, 9));
        assert_eq!(
            out,
            "PENDING: 0 rows\n\
             the server ended the stream; again in 1 s\n\
             IN_PROGRESS: 5 rows\n\
             UNAVAILABLE: draining; again in 1 s\n\
             SUCCEEDED: 9 rows\n"
        );
        assert_eq!(farewell, None);
    }

    #[tokio::test]
    async fn a_refusal_ends_it() {
        let (result, out, farewell) = followed(Vec::new()).await;
        assert_eq!(result.unwrap_err().to_string(), "NOT_FOUND: no such job");
        assert_eq!(out, "");
        // As it is set while a job is followed.
        assert!(
            farewell
                .unwrap()
                .contains("jobs stop --pool local_a import-1")
        );
    }

    #[tokio::test]
    async fn a_connection_that_breaks_is_made_again() {
        use UserImportJobStatus::{Pending, Succeeded};
        let fake = Fake::serve(Script {
            watches: [Pending, Succeeded]
                .map(|status| vec![Ok(fake::job(status, 0))])
                .into(),
            hang: true,
            ..Default::default()
        })
        .await;
        let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = proxy.local_addr().unwrap();
        // The first connection is cut once the first answer has passed.
        let cut = Arc::new(Notify::new());
        let answered = Arc::clone(&cut);
        tokio::spawn(async move {
            loop {
                let (mut near, _) = proxy.accept().await.unwrap();
                let mut far = TcpStream::connect(fake.grpc).await.unwrap();
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => {}
                    () = cut.notified() => {}
                }
            }
        });
        let session = Fake::session_at(address).await;
        let job = JobRef {
            pool: "local_a".to_owned(),
            job_id: "import-1".to_owned(),
        };
        let mut reporter = Cutter(answered, Vec::new());
        let ended = follow(&session, &job, &mut reporter, Instant::now()).await;
        assert_eq!(ended.unwrap(), fake::job(Succeeded, 0));
        let note = &reporter.1[0];
        assert!(
            note.starts_with("the connection to the server broke"),
            "{note}"
        );
    }

    /// Lets the first connection be cut, and keeps the notes.
    struct Cutter(Arc<Notify>, Vec<String>);

    impl Reporter for Cutter {
        fn upload(&mut self, _: u64, _: u64, _: Duration) -> io::Result<()> {
            Ok(())
        }

        fn job(&mut self, job: &UserImportJob, _: Duration) -> io::Result<()> {
            if job.status() == UserImportJobStatus::Pending && self.1.is_empty() {
                self.0.notify_one();
            }
            Ok(())
        }

        fn note(&mut self, text: &str) -> io::Result<()> {
            self.1.push(text.to_owned());
            Ok(())
        }
    }
}
