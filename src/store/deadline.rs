//! Until when the statements of a call may run.
//!
//! A caller whose time is up is answered at once, and what the call had begun
//! must not go on behind its back. So the database is told with each
//! connection how long a statement may take, and told again where a
//! transaction has used up much of it: the database keeps to that even when
//! this process or the network is gone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

tokio::task_local! {
    static DEADLINE: Instant;
}

/// How much later than the caller the database gives up: the caller shall be
/// told of its deadline, and not of a statement that was cut off.
const LAG: Duration = Duration::from_millis(50);

/// Runs work whose statements end at a deadline.
pub async fn scope<F: Future>(deadline: Instant, work: F) -> F::Output {
    DEADLINE.scope(deadline, work).await
}

/// The same work, under the deadline of whoever calls this, for a task of its
/// own.
pub fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let deadline = current();
    async move {
        match deadline {
            Some(deadline) => scope(deadline, work).await,
            None => work.await,
        }
    }
}

fn current() -> Option<Instant> {
    DEADLINE.try_with(|deadline| *deadline).ok()
}

/// Whether the time is up.
pub(super) fn is_over() -> bool {
    current().is_some_and(|deadline| deadline <= Instant::now())
}

/// How long statements may take on the connections of a pool.
#[derive(Debug)]
pub(super) struct Limit {
    /// Without a deadline; what a new connection begins with.
    usual: Duration,
    /// Whether a connection was ever told of less: until then, none needs to be
    /// told of more.
    lowered: AtomicBool,
}

impl Limit {
    pub(super) fn new(usual: Duration) -> Self {
        Self {
            usual,
            lowered: AtomicBool::new(false),
        }
    }

    /// How long a statement may take without a deadline.
    pub(super) fn usual(&self) -> Duration {
        self.usual
    }

    /// How long a statement may take that begins now.
    pub(super) fn allowed(&self) -> Duration {
        current().map_or(self.usual, |deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            self.usual.min(left + LAG)
        })
    }

    /// What tells a connection that statements may take so long, if that is
    /// news to it. `fresh`: it knows the usual.
    pub(super) fn news(&self, allowed: Duration, fresh: bool) -> Option<String> {
        if allowed < self.usual {
            self.lowered.store(true, Ordering::Relaxed);
        } else if fresh || !self.lowered.load(Ordering::Relaxed) {
            return None;
        }
        Some(statement(allowed))
    }
}

/// What tells the database how long statements may take.
pub(super) fn statement(allowed: Duration) -> String {
    // 0 would be no limit at all.
    format!("SET statement_timeout = {}", allowed.as_millis().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_statement_may_take_what_is_left_and_no_more_than_usual() {
        let limit = Limit::new(USUAL);
        assert_eq!(limit.allowed(), USUAL);
        let deadline = Instant::now() + Duration::from_secs(3);
        scope(deadline, async {
            assert_eq!(limit.allowed(), Duration::from_millis(3_050));
            let short = Limit::new(Duration::from_secs(1));
            assert_eq!(short.allowed(), Duration::from_secs(1));
            tokio::time::advance(Duration::from_secs(2)).await;
            assert_eq!(limit.allowed(), Duration::from_millis(1_050));
            assert!(!is_over());
            tokio::time::advance(Duration::from_secs(2)).await;
            assert!(is_over());
            assert_eq!(limit.allowed(), LAG);
        })
        .await;
        assert!(!is_over());
    }

    #[test]
    fn a_connection_is_told_what_is_news_to_it() {
        let limit = Limit::new(USUAL);
        // Nothing was ever lowered.
        assert_eq!(limit.news(USUAL, true), None);
        assert_eq!(limit.news(USUAL, false), None);
        let lowered = limit.news(LAG, true);
        assert_eq!(lowered.as_deref(), Some("SET statement_timeout = 50"));
        assert_eq!(limit.news(USUAL, true), None);
        let raised = limit.news(USUAL, false);
        assert_eq!(raised.as_deref(), Some("SET statement_timeout = 60000"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_of_its_own_keeps_the_deadline() {
        let deadline = Instant::now() + Duration::from_secs(3);
        let task = scope(deadline, async {
            tokio::spawn(carried(async { current() })).await
        });
        assert_eq!(task.await.expect("a task"), Some(deadline));
        let free = tokio::spawn(carried(async { current() }));
        assert_eq!(free.await.expect("a task"), None);
    }
}
