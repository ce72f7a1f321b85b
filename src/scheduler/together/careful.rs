//! Pools in which jobs are imported one by one for a while.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::ids::UserPoolId;
use crate::importer::MOST_TOGETHER;

/// Jobs of a pool that are imported one by one after some collided: who brings
/// users that are there has more of the kind.
const JOBS: usize = 2 * MOST_TOGETHER;
/// Pools that are kept in mind. One that is forgotten is tried once more.
const POOLS: usize = 100;

/// The pools, each with how many of its jobs are to be imported by themselves.
#[derive(Debug, Default)]
pub struct Careful(Mutex<HashMap<UserPoolId, usize>>);

impl Careful {
    /// Notes that jobs of a pool collided.
    pub fn begin(&self, pool: &UserPoolId) {
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pools.len() >= POOLS {
            pools.clear();
        }
        pools.insert(pool.clone(), JOBS);
    }

    /// Whether the next job of a pool is to be imported by itself. Counts it.
    pub fn next_is_alone(&self, pool: &UserPoolId) -> bool {
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(jobs) = pools.get_mut(pool) else {
            return false;
        };
        *jobs -= 1;
        if *jobs == 0 {
            pools.remove(pool);
        }
        true
    }

    /// All such pools.
    pub fn pools(&self) -> Vec<String> {
        let pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pools.keys().map(ToString::to_string).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(n: usize) -> UserPoolId {
        UserPoolId::parse(&format!("local_{n:09}")).expect("a pool id")
    }

    #[test]
    fn a_pool_is_treated_with_care_for_some_jobs_and_others_are_not() {
        let careful = Careful::default();
        careful.begin(&pool(1));
        assert_eq!(careful.pools(), [pool(1).to_string()]);
        assert!(!careful.next_is_alone(&pool(2)));
        assert!((0..JOBS).all(|_| careful.next_is_alone(&pool(1))));
        assert!(!careful.next_is_alone(&pool(1)));
        assert!(careful.pools().is_empty());
    }

    #[test]
    fn no_more_pools_are_kept_in_mind_than_there_is_room_for() {
        let careful = Careful::default();
        for n in 0..=POOLS {
            careful.begin(&pool(n));
        }
        assert!(careful.pools().len() <= POOLS);
        assert!(careful.next_is_alone(&pool(POOLS)));
    }
}
