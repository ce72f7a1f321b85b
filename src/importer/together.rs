//! Small jobs of one pool, imported by one transaction: each of its own costs a
//! transaction, and visits pages of the index that the others visit too.
//!
//! This is for what goes well. When two of the jobs have a username in common,
//! when a user is there already, when a Stop comes meanwhile: nothing is done,
//! and the jobs are left as if nobody had tried. A job that is to stop already,
//! or whose file cannot be read or imported, is left out.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::Importer;
use super::batch::Batch;
use super::lane::log_rows;
use super::outlet::{Outlet, Waiting};
use super::pace::Pace;
use super::reader::{ReadEnd, Reader};
use super::share::Share;
use super::source::Source;
use crate::domain::error::{Error, ErrorKind};
use crate::domain::job::{Counters, JobStatus, UserImportJob};
use crate::domain::pool::UserPool;
use crate::domain::rejection::Rejection;
use crate::meters::{self, BatchPath};
use crate::store::bulk::{Merged, insert_merged};
use crate::store::finish::{self, End, Ending, Folded};
use crate::store::lanes::{Checkpoint, Claim};
use crate::store::{self, rejections, together};

/// Jobs that are imported together, at most.
pub const MOST_TOGETHER: usize = 16;
/// Files that are read at once.
const READ_AT_ONCE: usize = 4;
/// How long others wait for files that are slow to come.
const READ_PATIENCE: Duration = Duration::from_secs(3);

/// How a job ends whose rows came to so much.
pub type EndOf<'a> = dyn Fn(&Ending, &Counters) -> End + Send + Sync + 'a;

/// What came of jobs that were to be imported together.
#[derive(Debug, Default)]
pub struct Together {
    /// Those that came to their ends; the others stand where they stood.
    pub ended: Vec<Ended>,
    /// Whether a user stood in the way, of another of the jobs or of the pool.
    pub collided: bool,
}

/// A job that came to its end.
#[derive(Debug)]
pub struct Ended {
    /// What it was.
    pub job: Ending,
    /// What its rows came to.
    pub folded: Folded,
    /// How it ended.
    pub end: End,
}

/// A job whose file is read.
struct Member {
    claim: Claim,
    batch: Batch,
    /// Rows that repeat a username of their own file.
    repeats: Vec<Rejection>,
    bytes: u64,
}

impl Member {
    fn folded(&self) -> Folded {
        Folded {
            counters: self.batch.added(&self.repeats),
            processed_bytes: self.bytes,
        }
    }
}

impl Importer {
    /// Imports claimed jobs of one pool and one token as one, and ends them as
    /// `end` says.
    ///
    /// # Errors
    /// Unavailable when the database is away: they may have come to their ends,
    /// in which case nobody holds them any more.
    pub async fn run_together(
        &self,
        claims: &[Claim],
        shutdown: &CancellationToken,
        end: &EndOf<'_>,
    ) -> Result<Together, Error> {
        let Some(first) = claims.first() else {
            return Ok(Together::default());
        };
        let pool_id = &first.job.user_pool_id;
        let ids: Vec<_> = claims.iter().map(|claim| claim.job.job_id).collect();
        let Some((pool, jobs)) = store::jobs::get_of_pool(&self.db, pool_id, &ids).await? else {
            return Ok(Together::default());
        };
        let share = self.shares.take(1);
        let members = tokio::select! {
            members = self.gather(claims, &pool, &jobs, &share, shutdown) => members,
            () = shutdown.cancelled() => return Ok(Together::default()),
        };
        if members.len() < 2 {
            tracing::debug!(jobs = claims.len(), "too few of the jobs go together");
            return Ok(Together::default());
        }
        self.write_together(&members, end).await
    }

    /// Reads the files of jobs that can be imported together, as many as there
    /// are memory and time for.
    async fn gather(
        &self,
        claims: &[Claim],
        pool: &UserPool,
        jobs: &[UserImportJob],
        share: &Share,
        off: &CancellationToken,
    ) -> Vec<Member> {
        let mut files = Vec::new();
        for claim in claims {
            let job = jobs.iter().find(|job| job.job_id == claim.job.job_id);
            if let Some(job) = job.filter(|job| job.status == JobStatus::InProgress) {
                files.push(self.read_whole(claim, job, pool, share, off).boxed());
            }
        }
        let mut reading = stream::iter(files).buffer_unordered(READ_AT_ONCE);
        // No longer than leases need no renewal.
        let patience = READ_PATIENCE.min(self.settings.lease / 3);
        let mut patience = std::pin::pin!(sleep(patience));
        let mut members: Vec<Member> = Vec::new();
        let (mut rows, mut bytes) = (0, 0);
        loop {
            let read = tokio::select! {
                biased;
                read = reading.next() => read,
                // What is left out is not lost.
                () = &mut patience => return members,
            };
            let member = match read {
                None => return members,
                // A file that cannot be imported, or a store that is away, is told
                // of when the job is alone.
                Some(Ok(None) | Err(_)) => continue,
                Some(Ok(Some(member))) => member,
            };
            rows += member.batch.len();
            bytes += member.batch.capacity();
            if rows > self.settings.batch_rows || bytes > share.bytes() {
                return members;
            }
            members.push(member);
        }
    }

    /// Reads the file of a job as one batch. `None` when it is none.
    async fn read_whole(
        &self,
        claim: &Claim,
        job: &UserImportJob,
        pool: &UserPool,
        share: &Share,
        off: &CancellationToken,
    ) -> Result<Option<Member>, Error> {
        let checkpoint = Checkpoint {
            bytes: 0,
            line: 1,
            finished: false,
        };
        let opened = Source::open(
            &self.objects,
            job,
            &pool.schema,
            self.settings.max_row_chars,
            (checkpoint.bytes, checkpoint.line),
            false,
        );
        let Ok(source) = opened.await? else {
            return Ok(None);
        };
        let bytes = source.bytes();
        let waiting = Arc::new(Waiting::new(1));
        waiting.begin(0);
        let (batches, mut receiver) = mpsc::channel(1);
        let (_give_back, spent) = mpsc::channel(1);
        let reader = Reader {
            schema: &pool.schema,
            algorithm: job.password_hashing_algorithm,
            settings: &self.settings,
            ids: self.ids.clone(),
            outlets: vec![Outlet {
                lane: 0,
                waiting: waiting.clone(),
                checkpoint,
                batches,
                spent,
                pace: Arc::new(Pace::whole_files()),
                batch: Batch::default(),
            }],
            waiting,
            sorted: true,
            share,
            rows: 0,
        };
        let off = off.child_token();
        let first = async {
            let batch = receiver.recv().await;
            // The first is the last, or there is not enough memory for it.
            if !batch.as_ref().is_some_and(Batch::finishes) {
                off.cancel();
            }
            batch
        };
        let (read, batch) = tokio::join!(reader.run(source, &off), first);
        if read? != ReadEnd::EndOfFile {
            return Ok(None);
        }
        Ok(batch.filter(Batch::finishes).map(|batch| Member {
            claim: claim.clone(),
            repeats: batch.users().rejections(&[]),
            batch,
            bytes,
        }))
    }

    /// Writes what was read: rows, reports and ends in one transaction, or
    /// nothing.
    async fn write_together(&self, members: &[Member], end: &EndOf<'_>) -> Result<Together, Error> {
        let begun = Instant::now();
        let collided = || Together {
            collided: true,
            ..Together::default()
        };
        let parts = members.iter().map(|m| (&m.claim.job, m.batch.users()));
        let Some(users) = Merged::of(parts.collect()) else {
            return Ok(collided());
        };
        let Some(first) = members.first() else {
            return Ok(Together::default());
        };
        let (pool, token) = (&first.claim.job.user_pool_id, first.claim.token);
        let ids: Vec<_> = members.iter().map(|m| m.claim.job.job_id).collect();
        let mut tx = self.db.begin("together").await?;
        if !together::lock(&mut tx, pool, &ids, token).await? {
            tx.rollback().await;
            return Ok(Together::default());
        }
        if !users.is_empty() && !insert_merged(&mut tx, &users, self.clock.now()).await? {
            tx.rollback().await;
            return Ok(collided());
        }
        for member in members {
            let rejected = member.batch.all_rejections(&member.repeats);
            rejections::insert(&mut tx, &member.claim.job, rejected.into_iter()).await?;
        }
        let mut ended = Vec::new();
        for job in together::take(&mut tx, pool, &ids, token).await? {
            let member = members.iter().find(|m| m.claim.job == job.job);
            let Some(member) = member else { continue };
            let folded = member.folded();
            let end = end(&job, &folded.counters);
            if finish::end(&mut tx, &job.job, folded, &end).await? {
                ended.push(Ended { job, folded, end });
            }
        }
        if ended.len() != members.len() {
            tx.rollback().await;
            tracing::debug!("one of the jobs was changed meanwhile");
            return Ok(Together::default());
        }
        match tx.commit().await {
            // It may have gone through; its answer was lost.
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                if !self.all_ended(&ended).await? {
                    return Err(error);
                }
            }
            other => other?,
        }
        meters::batch(BatchPath::Together, begun.elapsed());
        for member in members {
            meters::rows(member.folded().counters);
            let job = &member.claim.job;
            let span = tracing::info_span!(
                "import",
                user_pool_id = %job.user_pool_id,
                job_id = %job.job_id
            );
            span.in_scope(|| log_rows(&member.batch, &member.repeats));
        }
        Ok(Together {
            ended,
            collided: false,
        })
    }

    /// Whether jobs have ended as they should, once that is decided.
    async fn all_ended(&self, ended: &[Ended]) -> Result<bool, Error> {
        let Some(first) = ended.first() else {
            return Ok(false);
        };
        let pool = &first.job.job.user_pool_id;
        let ids: Vec<_> = ended.iter().map(|e| e.job.job.job_id).collect();
        let mut tx = self.db.begin("settled").await?;
        let found = together::settled(&mut tx, pool, &ids).await?;
        tx.rollback().await;
        Ok(ended.iter().all(|e| {
            let right = (e.job.job.job_id, e.end.transition.to());
            found.contains(&right)
        }))
    }
}
