//! How many calls are served at once, and how often each caller may call.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::error::{Error, Reason};
use crate::domain::principal::Principal;

/// How many pairs of caller and method are counted before those are forgotten
/// that have not called for a while.
const MANY: usize = 4_096;

/// Who is let in. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Admission {
    places: Arc<Semaphore>,
    rates: Option<Arc<Rates>>,
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission")
            .field("places", &self.places.available_permits())
            .field("counts", &self.rates.is_some())
            .finish()
    }
}

/// A call's place among those that are served. It is free again when this is
/// dropped.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Admission {
    /// So many calls at once, and so many a second of one method by one caller;
    /// `None`: any number.
    #[must_use]
    pub fn new(at_once: usize, calls_per_second: Option<NonZeroU32>) -> Self {
        let rates = calls_per_second.map(|n| Arc::new(Rates::new(n, DefaultClock::default())));
        Self {
            places: places(at_once),
            rates,
        }
    }

    /// No limits.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::new(Semaphore::MAX_PERMITS, None)
    }

    /// The same counts of calls, and places of its own: for another port, whose
    /// long calls shall not be in the way of this one's.
    #[must_use]
    pub fn beside(&self, at_once: usize) -> Self {
        Self {
            places: places(at_once),
            rates: self.rates.clone(),
        }
    }

    /// A place for a call.
    ///
    /// # Errors
    /// Unavailable, at once, when all are taken: a caller that comes back later
    /// is better off than one that waits in line.
    pub fn enter(&self) -> Result<Place, Error> {
        let permit = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            Error::unavailable(
                Reason::Overloaded,
                "The server has as many calls in hand as it takes at once; call again.",
            )
        })?;
        Ok(Place { _permit: permit })
    }

    /// Counts a call of a caller that is known by its credentials. `method` is
    /// one of few: each is remembered.
    ///
    /// # Errors
    /// Rate limited, with the time to wait.
    pub fn count(&self, caller: &Principal, method: &str) -> Result<(), Error> {
        match &self.rates {
            Some(rates) => rates.count(caller, method),
            None => Ok(()),
        }
    }
}

fn places(at_once: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(at_once.min(Semaphore::MAX_PERMITS)))
}

/// Caller and method.
type Key = (String, String);
type Limiter<C> =
    RateLimiter<Key, HashMapStateStore<Key>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// Counts calls. Who has not called for a second may make a second's calls at
/// once.
struct Rates<C: Clock + Clone = DefaultClock> {
    limiter: Limiter<C>,
    clock: C,
}

impl<C: Clock + Clone> Rates<C> {
    fn new(calls_per_second: NonZeroU32, clock: C) -> Self {
        let quota = Quota::per_second(calls_per_second);
        Self {
            limiter: RateLimiter::new(quota, HashMapStateStore::default(), clock.clone()),
            clock,
        }
    }

    fn count(&self, caller: &Principal, method: &str) -> Result<(), Error> {
        if self.limiter.len() >= MANY {
            // Only those that are as if they had never called.
            self.limiter.retain_recent();
        }
        let key = (caller.name.clone(), method.to_owned());
        self.limiter.check_key(&key).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            Error::rate_limited(wait.max(Duration::from_millis(1)))
        })
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;
    use crate::domain::error::{Detail, ErrorKind};
    use crate::domain::principal::{Pools, Role};

    fn caller(name: &str) -> Principal {
        Principal {
            name: name.to_owned(),
            role: Role::Reader,
            pools: Pools::All,
        }
    }

    #[test]
    fn a_place_is_free_again_when_its_call_has_ended() {
        let admission = Admission::new(2, None);
        let clone = admission.clone();
        let first = admission.enter().expect("a place");
        let _second = clone.enter().expect("a place");
        let refused = admission.enter().expect_err("no place");
        assert_eq!(refused.kind(), ErrorKind::Unavailable);
        assert_eq!(refused.reason(), Reason::Overloaded);
        assert!(matches!(refused.detail(), Detail::RetryAfter(_)));
        assert!(admission.beside(1).enter().is_ok());
        drop(first);
        assert!(clone.enter().is_ok());
    }

    #[test]
    fn each_caller_is_counted_for_each_method_by_itself() {
        let clock = FakeRelativeClock::default();
        let two = NonZeroU32::new(2).expect("not 0");
        let rates = Rates::new(two, clock.clone());
        let (ann, bob) = (caller("ann"), caller("bob"));
        for _ in 0..2 {
            rates.count(&ann, "List").expect("let in");
        }
        let refused = rates.count(&ann, "List").expect_err("too often");
        assert_eq!(refused.kind(), ErrorKind::RateLimited);
        assert_eq!(
            refused.detail(),
            &Detail::RetryAfter(Duration::from_millis(500))
        );
        assert!(rates.count(&ann, "Describe").is_ok());
        assert!(rates.count(&bob, "List").is_ok());
        clock.advance(Duration::from_millis(500));
        assert!(rates.count(&ann, "List").is_ok());
        assert!(rates.count(&ann, "List").is_err());
    }

    #[test]
    fn who_has_not_called_for_a_while_is_forgotten() {
        let clock = FakeRelativeClock::default();
        let one = NonZeroU32::MIN;
        let rates = Rates::new(one, clock.clone());
        for i in 0..MANY {
            rates
                .count(&caller(&i.to_string()), "List")
                .expect("let in");
        }
        clock.advance(Duration::from_secs(5));
        rates.count(&caller("one more"), "List").expect("let in");
        assert_eq!(rates.limiter.len(), 1);
    }
}
