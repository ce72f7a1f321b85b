//! Until when the statements of a call may run.
//!
//! A caller whose time is up is answered at once, and what the call had begun
//! must not go on behind its back. So the database is told on each connection
//! how long a statement may take, where that is not what it was told last, and
//! told again where a transaction has used up much of it: the database keeps
//! to that even when this process or the network is gone.

use std::time::Duration;

use tokio::time::Instant;

tokio::task_local! {
    static DEADLINE: Instant;
}

/// How much later than the caller the database gives up: the caller shall be
/// told of its deadline, and not of a statement that was cut off.
const LAG: Duration = Duration::from_millis(50);
/// What the database is told is a multiple of this: calls with the same time
/// limit need not tell it anew.
const GRAIN: Duration = Duration::from_millis(100);
/// How much more time than is left the database may think that a statement has.
const SLACK: Duration = Duration::from_millis(200);

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

/// The deadline of whoever calls this.
pub(super) fn current() -> Option<Instant> {
    DEADLINE.try_with(|deadline| *deadline).ok()
}

/// Whether the time is up.
pub(super) fn is_over() -> bool {
    current().is_some_and(|deadline| deadline <= Instant::now())
}

/// How long statements may take on the connections of a pool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    /// Without a deadline; what a new connection begins with.
    usual: Duration,
}

impl Limit {
    pub(super) fn new(usual: Duration) -> Self {
        Self { usual }
    }

    /// How long a statement may take without a deadline.
    pub(super) fn usual(self) -> Duration {
        self.usual
    }

    /// How long a statement may take that begins now.
    fn allowed(self) -> Duration {
        current().map_or(self.usual, |deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            self.usual.min(left + LAG)
        })
    }

    /// What a connection is to be told that knows of `told`, if that does not
    /// do for a statement that begins now.
    pub(super) fn news(self, told: Duration) -> Option<Duration> {
        let allowed = self.allowed();
        if allowed <= told && told <= allowed + SLACK {
            return None;
        }
        let grains = allowed.as_millis().div_ceil(GRAIN.as_millis());
        let rounded = GRAIN.saturating_mul(u32::try_from(grains).unwrap_or(u32::MAX));
        Some(self.usual.min(rounded))
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

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_told_what_is_news_to_it() {
        let limit = Limit::new(USUAL);
        assert_eq!(limit.news(USUAL), None);
        let soon = Instant::now() + Duration::from_secs(3);
        let told = scope(soon, async { limit.news(USUAL) }).await;
        let told = told.expect("news");
        assert_eq!(told, Duration::from_millis(3_100));
        // Neither the rest of that call nor the next with such a limit is news.
        scope(soon, async {
            assert_eq!(limit.news(told), None);
            tokio::time::advance(Duration::from_millis(100)).await;
            assert_eq!(limit.news(told), None);
        })
        .await;
        let next = Instant::now() + Duration::from_secs(3);
        scope(next, async { assert_eq!(limit.news(told), None) }).await;
        // What would end too late is, and what would be cut off too early.
        scope(soon, async {
            tokio::time::advance(Duration::from_secs(1)).await;
            assert_eq!(limit.news(told), Some(Duration::from_secs(2)));
        })
        .await;
        assert_eq!(limit.news(told), Some(USUAL));
        // Nothing is allowed more than usual.
        let late = Instant::now() + 2 * USUAL;
        scope(late, async { assert_eq!(limit.news(USUAL), None) }).await;
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
