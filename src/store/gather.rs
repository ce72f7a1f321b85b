//! Looks at jobs that many take at once.
//!
//! A job that runs is looked at again and again, by many callers and watchers,
//! and each look by itself costs a round trip. So who asks while as many
//! queries run as may goes along with the next, which begins after that: an
//! answer is never older than its question.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Database, deadline, jobs};
use crate::domain::error::Error;
use crate::domain::ids::{JobId, UserPoolId};
use crate::domain::job::UserImportJob;

/// Queries that may run at once: one that is slow does not hold up all others.
const AT_ONCE: usize = 2;
/// How long a query may take: others wait for it.
const LONGEST: Duration = Duration::from_secs(5);
/// Most questions that one query answers.
const TOGETHER: usize = 256;

/// Reads jobs, those that are asked for at once together. Cheap to clone.
#[derive(Clone, Debug)]
pub struct JobReader(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Database,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Question>,
    running: usize,
}

type Answer = Result<Option<UserImportJob>, Error>;

#[derive(Debug)]
struct Question {
    pool: UserPoolId,
    job: JobId,
    deadline: Option<Instant>,
    answer: oneshot::Sender<Answer>,
}

impl JobReader {
    /// A reader of a database's jobs.
    #[must_use]
    pub fn new(db: Database) -> Self {
        Self(Arc::new(Inner {
            db,
            queue: Mutex::default(),
        }))
    }

    /// One job as it is now, unless it is deleted.
    ///
    /// # Errors
    /// Unavailable without a database.
    pub async fn get(&self, pool: &UserPoolId, job: JobId) -> Answer {
        let (answer, answered) = oneshot::channel();
        let question = Question {
            pool: pool.clone(),
            job,
            deadline: deadline::current(),
            answer,
        };
        if let Some(turn) = self.ask(question) {
            tokio::spawn(turn.run());
        }
        answered.await.map_err(Error::internal)?
    }

    /// Adds a question; answers a turn where one more query may run.
    fn ask(&self, question: Question) -> Option<Turn> {
        let mut queue = self.queue();
        queue.waiting.push(question);
        (queue.running < AT_ONCE).then(|| {
            queue.running += 1;
            Turn {
                reader: self.clone(),
                over: false,
            }
        })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // What is under the lock is never left half-done.
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to run queries, one after the other.
struct Turn {
    reader: JobReader,
    over: bool,
}

impl Turn {
    async fn run(mut self) {
        while let Some(questions) = self.next() {
            let answer = look(&self.reader.0.db, &questions).await;
            for question in questions {
                let (pool, job) = (&question.pool, question.job);
                let found = answer.as_ref().map_err(Clone::clone).map(|jobs| {
                    let mut jobs = jobs.iter();
                    jobs.find(|found| found.job_id == job && found.user_pool_id == *pool)
                });
                // Whoever asked may be gone.
                let _ = question.answer.send(found.map(Option::<&_>::cloned));
            }
        }
    }

    /// Those that wait and are still there; without any, the turn is over.
    fn next(&mut self) -> Option<Vec<Question>> {
        let mut queue = self.reader.queue();
        queue
            .waiting
            .retain(|question| !question.answer.is_closed());
        let many = queue.waiting.len().min(TOGETHER);
        if many == 0 {
            // Under the same lock: who comes now begins a turn.
            queue.running -= 1;
            self.over = true;
            return None;
        }
        Some(queue.waiting.drain(..many).collect())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.over {
            // Cut off in its midst. Nobody waits for a turn that does not come.
            let mut queue = self.reader.queue();
            queue.running -= 1;
            if queue.running == 0 {
                queue.waiting.clear();
            }
        }
    }
}

/// Looks at all jobs that are asked for. The query may take until the last
/// deadline of those who ask; each of them leaves at its own.
async fn look(db: &Database, questions: &[Question]) -> Result<Vec<UserImportJob>, Error> {
    let mut ids: Vec<_> = questions.iter().map(|question| question.job).collect();
    ids.sort_unstable();
    ids.dedup();
    let longest = Instant::now() + LONGEST;
    let deadlines = questions.iter().map(|q| q.deadline.unwrap_or(longest));
    let last = deadlines.max().map_or(longest, |last| last.min(longest));
    deadline::scope(last, jobs::get_by_ids(db, &ids)).await
}
