//! How many bytes the batches of a job may have, so that a process needs no
//! more memory for many jobs than for one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a lane's batch may always have, however many share: smaller ones would
/// cost the database more than they spare in memory.
const LEAST: usize = 1 << 20;

/// Bytes that are shared out among jobs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shares {
    bytes: usize,
    jobs: Arc<AtomicUsize>,
}

impl Shares {
    /// So many bytes, of which nobody has a share yet.
    #[must_use]
    pub fn of(bytes: usize) -> Self {
        Self {
            bytes,
            jobs: Arc::default(),
        }
    }

    /// A share for a job of so many lanes. Those of others become smaller.
    #[must_use]
    pub fn take(&self, lanes: usize) -> Share {
        self.jobs.fetch_add(1, Ordering::Relaxed);
        Share {
            all: self.clone(),
            lanes: lanes.max(1),
        }
    }
}

/// The share of a job, for as long as it is not dropped.
#[derive(Debug)]
pub struct Share {
    all: Shares,
    lanes: usize,
}

impl Share {
    /// How many bytes a lane's batch may have, as things are now.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let jobs = self.all.jobs.load(Ordering::Relaxed).max(1);
        let alone = self.all.bytes / self.lanes;
        (alone / jobs).max(LEAST.min(alone))
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.all.jobs.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn what_one_job_has_alone_is_shared_out_among_several_and_comes_back() {
        let shares = Shares::of(32 * MIB);
        let one = shares.take(2);
        assert_eq!(one.bytes(), 16 * MIB);
        let other = shares.clone().take(1);
        assert_eq!((one.bytes(), other.bytes()), (8 * MIB, 16 * MIB));
        drop(one);
        assert_eq!(other.bytes(), 32 * MIB);
    }

    #[test]
    fn no_share_is_too_small_to_be_worth_a_batch_unless_all_of_it_is() {
        let shares = Shares::of(8 * MIB);
        let many: Vec<_> = (0..64).map(|_| shares.take(4)).collect();
        assert_eq!(many[0].bytes(), MIB);
        assert_eq!(Shares::of(300).take(3).bytes(), 100);
    }
}
