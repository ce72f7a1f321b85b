//! The life of a process: named tasks, until it is asked to stop or one dies.

use std::collections::HashMap;
use std::process::ExitCode;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::drain::Drain;
use super::health::Health;
use super::signals::{Signals, Stop};
use crate::domain::error::Error;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was asked to stop, and every task came to its end.
    Clean,
    /// A task died, or did not come to its end in time.
    Failed,
    /// It was asked a second time, and did not wait any longer.
    Aborted(Stop),
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Clean => Self::SUCCESS,
            Outcome::Failed => Self::FAILURE,
            Outcome::Aborted(stop) => Self::from(stop.code()),
        }
    }
}

/// The tasks of a process. Dropping it aborts them.
#[derive(Debug)]
pub struct Lifecycle {
    tasks: JoinSet<Result<(), Error>>,
    names: HashMap<Id, &'static str>,
    health: Health,
    stop: CancellationToken,
    draining: CancellationToken,
    drain: Duration,
}

impl Lifecycle {
    /// A life without tasks yet, whose health is told by `health`, and which
    /// may take as long as `drain` to end.
    #[must_use]
    pub fn new(health: Health, drain: Duration) -> Self {
        Self {
            tasks: JoinSet::new(),
            names: HashMap::new(),
            health,
            stop: CancellationToken::new(),
            draining: CancellationToken::new(),
            drain,
        }
    }

    /// Cancelled when tasks shall finish what they are at and end.
    #[must_use]
    pub fn draining(&self) -> CancellationToken {
        self.draining.clone()
    }

    /// The same, and how long that may take before it is cut off.
    #[must_use]
    pub fn drain(&self) -> Drain {
        Drain {
            begun: self.draining(),
            grace: self.drain * 3 / 4,
        }
    }

    /// Cancelling it does what the first signal does.
    #[must_use]
    pub fn stopper(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Starts a task that shall end when it is told to drain, and not before.
    pub fn spawn(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Result<(), Error>> + Send + 'static,
    ) {
        let id = self.tasks.spawn(task).id();
        self.names.insert(id, name);
    }

    /// Lives until a signal, [`Lifecycle::stopper`] or the death of a task;
    /// then health says so, the tasks drain, and when all have ended this
    /// returns. A second signal returns at once. Calls `ready` when health is
    /// good for the first time.
    pub async fn run(mut self, signals: &mut Signals, ready: impl FnOnce()) -> Outcome {
        let mut healthy = self.health.ready();
        let mut ready = Some(ready);
        let mut failed = loop {
            tokio::select! {
                stop = signals.next() => {
                    tracing::info!(signal = %stop, "stopping; a second signal ends at once");
                    break false;
                }
                () = self.stop.cancelled() => break false,
                Some(end) = self.tasks.join_next_with_id() => {
                    self.bury(&end, false);
                    break true;
                }
                Ok(_) = healthy.wait_for(|ready| *ready), if ready.is_some() => {
                    if let Some(ready) = ready.take() {
                        ready();
                    }
                }
            }
        };
        // Callers are sent elsewhere before anything is refused here.
        self.health.close().await;
        self.draining.cancel();
        let deadline = Instant::now() + self.drain;
        loop {
            tokio::select! {
                end = self.tasks.join_next_with_id() => match end {
                    Some(end) => failed |= self.bury(&end, true),
                    None => break,
                },
                stop = signals.next() => {
                    tracing::warn!(signal = %stop, tasks = ?self.left(), "ending at once");
                    return Outcome::Aborted(stop);
                }
                () = sleep_until(deadline) => {
                    tracing::error!(
                        tasks = ?self.left(),
                        seconds = self.drain.as_secs_f64(),
                        "these tasks did not end in time",
                    );
                    return Outcome::Failed;
                }
            }
        }
        if failed {
            Outcome::Failed
        } else {
            tracing::info!("stopped");
            Outcome::Clean
        }
    }

    /// Notes the end of a task; whether it was a bad one.
    fn bury(&mut self, end: &Result<(Id, Result<(), Error>), JoinError>, expected: bool) -> bool {
        let id = match end {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let task = self.names.remove(&id).unwrap_or("unnamed");
        match end {
            Ok((_, Ok(()))) if expected => {
                tracing::debug!(task, "ended");
                return false;
            }
            Ok((_, Ok(()))) => tracing::error!(task, "ended, though nobody had asked it to"),
            Ok((_, Err(error))) => {
                let source = std::error::Error::source(error).map(ToString::to_string);
                tracing::error!(task, %error, source, "failed");
            }
            // What it said is in the log already, as far as it may be.
            Err(_) => tracing::error!(task, "panicked"),
        }
        true
    }

    fn left(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.names.values().copied().collect();
        names.sort_unstable();
        names
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    async fn life() -> Lifecycle {
        Lifecycle::new(Health::new(&[""]).await, LONG)
    }

    async fn until(token: CancellationToken) -> Result<(), Error> {
        token.cancelled().await;
        Ok(())
    }

    #[tokio::test]
    async fn a_signal_drains_and_ends_cleanly() {
        let mut life = life().await;
        life.spawn("server", until(life.draining()));
        let (sender, mut signals) = Signals::by_hand();
        sender.send(Stop::Terminate).unwrap();
        assert_eq!(life.run(&mut signals, || ()).await, Outcome::Clean);
    }

    #[tokio::test]
    async fn health_is_gone_before_a_task_is_told_to_drain() {
        let health = Health::new(&[""]).await;
        health.set(true).await;
        let mut life = Lifecycle::new(health.clone(), LONG);
        let (draining, ready) = (life.draining(), health.ready());
        life.spawn("server", async move {
            draining.cancelled().await;
            assert!(!*ready.borrow());
            Ok(())
        });
        let mut was_ready = false;
        let stopper = life.stopper();
        let (_sender, mut signals) = Signals::by_hand();
        let outcome = life
            .run(&mut signals, || {
                was_ready = true;
                stopper.cancel();
            })
            .await;
        assert_eq!((outcome, was_ready), (Outcome::Clean, true));
    }

    #[tokio::test]
    async fn a_task_that_panics_takes_the_others_down() {
        let mut life = life().await;
        life.spawn("server", until(life.draining()));
        life.spawn("scheduler", async { panic!("on purpose") });
        let (_sender, mut signals) = Signals::by_hand();
        assert_eq!(life.run(&mut signals, || ()).await, Outcome::Failed);
    }

    #[tokio::test]
    async fn a_task_that_returns_early_takes_the_others_down() {
        for result in [Ok(()), Err(Error::internal("on purpose"))] {
            let mut life = life().await;
            life.spawn("server", until(life.draining()));
            life.spawn("scheduler", async { result });
            let (_sender, mut signals) = Signals::by_hand();
            assert_eq!(life.run(&mut signals, || ()).await, Outcome::Failed);
        }
    }

    #[tokio::test]
    async fn a_task_that_fails_while_it_drains_is_a_failure() {
        let mut life = life().await;
        let draining = life.draining();
        life.spawn("scheduler", async move {
            draining.cancelled().await;
            Err(Error::internal("on purpose"))
        });
        let (sender, mut signals) = Signals::by_hand();
        sender.send(Stop::Interrupt).unwrap();
        assert_eq!(life.run(&mut signals, || ()).await, Outcome::Failed);
    }

    #[tokio::test]
    async fn a_second_signal_ends_at_once() {
        let mut life = life().await;
        life.spawn("scheduler", pending());
        let (sender, mut signals) = Signals::by_hand();
        sender.send(Stop::Terminate).unwrap();
        sender.send(Stop::Interrupt).unwrap();
        let outcome = life.run(&mut signals, || ()).await;
        assert_eq!(outcome, Outcome::Aborted(Stop::Interrupt));
        assert_eq!(Stop::Interrupt.code(), 130);
    }

    #[tokio::test]
    async fn a_drain_has_an_end() {
        let mut life = life().await;
        life.drain = Duration::from_millis(1);
        life.spawn("scheduler", pending());
        let (sender, mut signals) = Signals::by_hand();
        sender.send(Stop::Terminate).unwrap();
        assert_eq!(life.run(&mut signals, || ()).await, Outcome::Failed);
    }
}
