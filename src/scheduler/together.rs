//! Small jobs of one pool, imported together: they count as one.

use std::sync::atomic::Ordering;

use tracing::Instrument as _;

use super::Scheduler;
use super::finish::{step, tell};
use super::import::note_claim;
use super::run::PURGE;
use crate::domain::job::Counters;
use crate::importer::{Ended, MOST_TOGETHER};
use crate::meters::{self, BatchPath};
use crate::store::finish::Ending;
use crate::store::lanes::Claim;
use crate::store::together::claim_with;
use crate::traces::{self, Parent, Step};

/// Jobs that are imported one by one after some could not be imported together:
/// who imports the same users again has more of the kind.
const CAREFUL_JOBS: usize = 2 * MOST_TOGETHER;

impl Scheduler {
    /// A claim, and with it those of jobs that can be imported together with its.
    pub(super) async fn with_others(&self, claim: Claim) -> Vec<Claim> {
        let mut claims = vec![claim];
        let fresh = |claim: &Claim| {
            !claim.taken_over && matches!(&claim.lanes[..], [lane] if lane.bytes == 0)
        };
        let careful = self
            .0
            .careful
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |jobs| {
                jobs.checked_sub(1)
            });
        let Some(first) = claims.first().filter(|claim| fresh(claim)) else {
            return claims;
        };
        if careful.is_ok() {
            return claims;
        }
        let limit = MOST_TOGETHER as i64 - 1;
        let lease = self.0.settings.lease;
        match claim_with(self.db(), first, self.0.worker, lease, limit).await {
            Ok(others) => claims.extend(others),
            // What may have been claimed all the same is claimed again in time.
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "no jobs could be claimed to be imported together with one"
            ),
        }
        claims
    }

    /// Imports claimed jobs, together if that can be.
    pub(super) async fn work_on(&self, claims: &[Claim]) {
        if let [claim] = claims {
            return self.work_alone(claim).await;
        }
        let ended = self.work_together(claims).await;
        let left: Vec<Claim> = claims
            .iter()
            .filter(|claim| ended.iter().all(|ended| ended.job.job != claim.job))
            .cloned()
            .collect();
        let one_by_one = async {
            for claim in &left {
                self.work_alone(claim).await;
            }
        };
        // Those whose turn has not come yet are held on to.
        let hold_on = async {
            loop {
                self.0.importer.keep_leases(&left).await;
            }
        };
        tokio::select! {
            () = one_by_one => {}
            () = hold_on => {}
        }
    }

    /// Imports small jobs together. Answers which came to their end.
    async fn work_together(&self, claims: &[Claim]) -> Vec<Ended> {
        let importing: Vec<_> = claims.iter().map(|_| meters::importing()).collect();
        let span = tracing::info_span!(
            "import_together",
            user_pool_id = claims
                .first()
                .map(|c| tracing::field::display(&c.job.user_pool_id)),
            jobs = claims.len()
        );
        let begun = traces::now();
        let end = |job: &Ending, counters: &Counters| self.end_of_file(job, counters);
        let working = self
            .0
            .importer
            .run_together(claims, &self.0.draining, &end)
            .instrument(span);
        let ended = match working.await {
            Ok(ended) => ended,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "jobs could not be imported together; they are imported one by one"
                );
                Vec::new()
            }
        };
        if ended.is_empty() {
            self.0.careful.store(CAREFUL_JOBS, Ordering::Relaxed);
            return ended;
        }
        for ended in &ended {
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
            batch.count("muster.rows", ended.rows);
        }
        drop(importing);
        self.purge_at_once(PURGE).await;
        ended
    }
}
