//! Small jobs of one pool, imported by one transaction: each of its own costs a
//! transaction, and visits pages of the index that the others visit too.
//!
//! This is for what goes well. When two of the jobs have a username in common,
//! when a user is there already, when a file cannot be imported, when a Stop
//! comes: nothing is done, and the jobs are imported one by one as if nobody had
//! tried.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
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
use crate::domain::job::{Counters, UserImportJob};
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

/// How a job ends whose rows came to so much.
pub type EndOf<'a> = dyn Fn(&Ending, &Counters) -> End + Send + Sync + 'a;

/// A job that came to its end.
#[derive(Debug)]
pub struct Ended {
    /// What it was.
    pub job: Ending,
    /// What its rows came to.
    pub folded: Folded,
    /// How it ended.
    pub end: End,
    /// How many rows its file had.
    pub rows: u64,
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
    /// `end` says. Answers those that came to their end; the others stand where
    /// they stood, and the lease is kept meanwhile.
    ///
    /// # Errors
    /// Unavailable when the database or the object store is away: some may have
    /// come to their end, in which case nobody holds them any more.
    pub async fn run_together(
        &self,
        claims: &[Claim],
        shutdown: &CancellationToken,
        end: &EndOf<'_>,
    ) -> Result<Vec<Ended>, Error> {
        let Some(first) = claims.first() else {
            return Ok(Vec::new());
        };
        let pool_id = &first.job.user_pool_id;
        let ids: Vec<_> = claims.iter().map(|claim| claim.job.job_id).collect();
        let Some((pool, jobs)) = store::jobs::get_of_pool(&self.db, pool_id, &ids).await? else {
            return Ok(Vec::new());
        };
        let share = self.shares.take(READ_AT_ONCE);
        let members = tokio::select! {
            members = self.gather(claims, &pool, &jobs, &share, shutdown) => members?,
            () = self.keep_leases(claims) => return Ok(Vec::new()),
        };
        if members.len() < 2 || shutdown.is_cancelled() {
            return Ok(Vec::new());
        }
        self.write_together(&members, end).await
    }

    /// Reads the files of jobs that can be imported together, as many as there
    /// is memory for.
    async fn gather(
        &self,
        claims: &[Claim],
        pool: &UserPool,
        jobs: &[UserImportJob],
        share: &Share,
        off: &CancellationToken,
    ) -> Result<Vec<Member>, Error> {
        let mut files = Vec::new();
        for claim in claims {
            if let Some(job) = jobs.iter().find(|job| job.job_id == claim.job.job_id) {
                files.push(self.read_whole(claim, job, pool, share, off).boxed());
            }
        }
        let mut reading = stream::iter(files).buffered(READ_AT_ONCE);
        let mut members: Vec<Member> = Vec::new();
        let (mut rows, mut bytes) = (0, 0);
        while let Some(read) = reading.next().await {
            // A file that cannot be imported is told of when its job is alone.
            let Some(member) = read? else { continue };
            rows += member.batch.len();
            bytes += member.batch.bytes();
            if rows > self.settings.batch_rows || bytes > share.bytes() * READ_AT_ONCE {
                break;
            }
            members.push(member);
        }
        Ok(members)
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
        Ok(batch.map(|batch| Member {
            claim: claim.clone(),
            repeats: batch.users().rejections(&[]),
            batch,
            bytes,
        }))
    }

    /// Writes what was read: rows, reports and ends in one transaction, or
    /// nothing.
    async fn write_together(
        &self,
        members: &[Member],
        end: &EndOf<'_>,
    ) -> Result<Vec<Ended>, Error> {
        let begun = Instant::now();
        let parts = members.iter().map(|m| (&m.claim.job, m.batch.users()));
        let (Some(users), Some(first)) = (Merged::of(parts.collect()), members.first()) else {
            return Ok(Vec::new());
        };
        let (pool, token) = (&first.claim.job.user_pool_id, first.claim.token);
        let ids: Vec<_> = members.iter().map(|m| m.claim.job.job_id).collect();
        let mut tx = self.db.begin("together").await?;
        let written = together::lock(&mut tx, pool, &ids, token).await?
            && (users.is_empty() || insert_merged(&mut tx, &users, self.clock.now()).await?);
        if !written {
            tx.rollback().await;
            return Ok(Vec::new());
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
                ended.push(Ended {
                    job,
                    folded,
                    end,
                    rows: member.batch.len() as u64,
                });
            }
        }
        if ended.len() != members.len() {
            tx.rollback().await;
            return Ok(Vec::new());
        }
        match tx.commit().await {
            Ok(()) => {}
            // It may have gone through; its answer was lost.
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                if !self.all_ended(&ended).await? {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
        meters::batch(BatchPath::Together, begun.elapsed());
        for member in members {
            meters::rows(member.folded().counters);
            log_rows(&member.batch, &member.repeats);
        }
        Ok(ended)
    }

    /// Whether jobs have ended as they should.
    async fn all_ended(&self, ended: &[Ended]) -> Result<bool, Error> {
        let Some(first) = ended.first() else {
            return Ok(false);
        };
        let ids: Vec<_> = ended.iter().map(|e| e.job.job.job_id).collect();
        let found = store::jobs::get_of_pool(&self.db, &first.job.job.user_pool_id, &ids).await?;
        Ok(found.is_some_and(|(_, jobs)| {
            ended.iter().all(|e| {
                let status = e.end.transition.to();
                jobs.iter()
                    .any(|job| job.job_id == e.job.job.job_id && job.status == status)
            })
        }))
    }

    /// Renews the leases of jobs. Ends when one is lost, or given back.
    pub async fn keep_leases(&self, claims: &[Claim]) {
        let third = self.settings.lease / 3;
        let mut held = true;
        while held {
            sleep(third).await;
            for claim in claims {
                let renewed = store::lanes::renew(&self.db, claim, self.settings.lease);
                // A database that is away is no proof of a loss.
                held &= !matches!(timeout(third, renewed).await, Ok(Ok(false)));
            }
        }
    }
}
