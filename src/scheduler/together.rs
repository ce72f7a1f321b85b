//! Small jobs of one pool, imported together: they count as one.

mod careful;

pub(super) use careful::Careful;

use tracing::Instrument as _;

use super::Scheduler;
use super::finish::{step, tell};
use super::import::{note_claim, patiently};
use super::run::PURGE;
use crate::domain::job::Counters;
use crate::importer::{Ended, MOST_TOGETHER};
use crate::meters::{self, BatchPath};
use crate::store::finish::Ending;
use crate::store::lanes::{Claim, release_all};
use crate::store::together::claim_with;
use crate::traces::{self, Parent, Step};

/// How many small jobs may be imported together with one.
pub(super) const WITH_IT: i64 = MOST_TOGETHER as i64 - 1;

impl Scheduler {
    /// A claim, and with it those of jobs that can be imported together with its.
    pub(super) async fn with_others(&self, claim: Claim) -> Vec<Claim> {
        let fresh = !claim.taken_over && matches!(&claim.lanes[..], [lane] if lane.bytes == 0);
        if !fresh || self.0.careful.next_is_alone(&claim.job.user_pool_id) {
            return vec![claim];
        }
        let lease = self.0.settings.lease;
        let others = claim_with(self.db(), &claim, self.0.worker, lease, WITH_IT).await;
        let mut claims = vec![claim];
        match others {
            Ok(others) => claims.extend(others),
            // What may have been claimed all the same is claimed again in time.
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "no jobs could be claimed to be imported together with one"
            ),
        }
        claims
    }

    /// Imports claimed jobs, together if that can be. Of those for which it
    /// cannot, the first is imported by itself; the others are anybody's again,
    /// and a Stop need not wait for their turn.
    pub(super) async fn work_on(&self, claims: &[Claim]) {
        if let [claim] = claims {
            return self.work_alone(claim).await;
        }
        let ended = self.work_together(claims).await;
        let mut left: Vec<Claim> = claims
            .iter()
            .filter(|claim| ended.iter().all(|ended| ended.job.job != claim.job))
            .cloned()
            .collect();
        let keep = usize::from(!self.0.draining.is_cancelled()).min(left.len());
        let others = left.split_off(keep);
        if !others.is_empty()
            && let Err(error) = patiently(|| release_all(self.db(), &others)).await
        {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "claims could not be given back"
            );
        }
        for claim in &left {
            self.work_alone(claim).await;
        }
        if !ended.is_empty() {
            self.purge_at_once(PURGE).await;
        }
    }

    /// Imports small jobs together. Answers which came to their end.
    async fn work_together(&self, claims: &[Claim]) -> Vec<Ended> {
        let Some(first) = claims.first() else {
            return Vec::new();
        };
        let pool = &first.job.user_pool_id;
        let importing: Vec<_> = claims.iter().map(|_| meters::importing()).collect();
        let span =
            tracing::info_span!("import_together", user_pool_id = %pool, jobs = claims.len());
        let begun = traces::now();
        let end = |job: &Ending, counters: &Counters| self.end_of_file(job, counters);
        let working = async {
            let done = self
                .0
                .importer
                .run_together(claims, &self.0.draining, &end)
                .await;
            done.unwrap_or_else(|error| {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "jobs could not be imported together; each is by itself"
                );
                crate::importer::Together::default()
            })
        };
        let done = working.instrument(span).await;
        if done.collided {
            self.0.careful.begin(pool);
        }
        for ended in &done.ended {
            let span = tracing::info_span!(
                "import",
                user_pool_id = %ended.job.job.user_pool_id,
                job_id = %ended.job.job.job_id
            );
            let _entered = span.enter();
            let finish = step(begun, &ended.job);
            tell(&finish, &ended.job, &ended.folded, &ended.end);
            let parent = Parent::of_job(ended.job.trace_parent.as_deref());
            let import = Step::begun_at(begun, "import", &parent);
            if let Some(claim) = claims.iter().find(|claim| claim.job == ended.job.job) {
                note_claim(&import, claim);
            }
            import.set("muster.outcome", "done");
            let batch = Step::begun_at(begun, "batch", &import.parent());
            batch.set("muster.lane", 0);
            batch.set("muster.path", BatchPath::Together.as_str());
            batch.count("muster.rows", ended.folded.counters.total());
        }
        drop(importing);
        done.ended
    }
}
