//! The loops that turn the duties, and the signs of life that they give.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::Scheduler;
use crate::domain::error::Error;
use crate::meters;
use crate::store::Wake;

/// The duties, by the places of their pulses.
pub const DUTIES: [&str; 6] = ["dispatch", "import", "finish", "expire", "rescue", "purge"];
pub(super) const DISPATCH: usize = 0;
pub(super) const IMPORT: usize = 1;
pub(super) const FINISH: usize = 2;
pub(super) const EXPIRE: usize = 3;
pub(super) const RESCUE: usize = 4;
pub(super) const PURGE: usize = 5;

/// Those that can be woken.
const WOKEN: [usize; 3] = [DISPATCH, IMPORT, FINISH];

/// Those for which a wake means work.
const fn meant(wake: Option<Wake>) -> &'static [usize] {
    match wake {
        // Dispatch wakes import in turn.
        Some(Wake::Started) => &[DISPATCH],
        Some(Wake::Stopping) => &[FINISH],
        Some(Wake::Released) => &[IMPORT, FINISH],
        None => &WOKEN,
    }
}

/// The longest pause of the sweep that expires jobs: half of the minute that
/// the contract allows.
const LONGEST_SWEEP: Duration = Duration::from_secs(30);
/// The pause of the purge, which nobody waits for.
const PURGE_PAUSE: Duration = Duration::from_secs(15);
/// How many polls long no wake is heard before the connection is probed.
const SILENT_POLLS: u32 = 30;
/// The pause before listening is tried again.
const LISTEN_PAUSE: Duration = Duration::from_secs(1);

/// One round of a duty.
type Tick = fn(Scheduler) -> BoxFuture<'static, Result<(), Error>>;

/// When a duty's loop last turned.
#[derive(Debug)]
pub(super) struct Pulse {
    start: Instant,
    millis: AtomicU64,
}

impl Pulse {
    fn beat(&self) {
        let millis = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.millis.store(millis, Ordering::Relaxed);
    }

    fn age(&self) -> Duration {
        let last = Duration::from_millis(self.millis.load(Ordering::Relaxed));
        self.start.elapsed().saturating_sub(last)
    }
}

pub(super) fn pulses() -> Vec<Pulse> {
    DUTIES
        .iter()
        .map(|_| Pulse {
            start: Instant::now(),
            millis: AtomicU64::new(0),
        })
        .collect()
}

impl Scheduler {
    /// For each duty, how long ago its loop last turned. Judged by whoever
    /// watches over the process, not by the loops themselves.
    #[must_use]
    pub fn heartbeats(&self) -> Vec<(&'static str, Duration)> {
        DUTIES
            .iter()
            .zip(&self.0.pulses)
            .map(|(name, pulse)| (*name, pulse.age()))
            .collect()
    }

    /// A sign of life from within a duty's long round.
    pub(super) fn beat(&self, duty: usize) {
        if let Some(pulse) = self.0.pulses.get(duty) {
            pulse.beat();
        }
    }

    /// Makes duties look for work now.
    pub(super) fn wake(&self, duties: &[usize]) {
        for duty in duties.iter().filter_map(|duty| self.0.wake.get(*duty)) {
            duty.notify_one();
        }
    }

    /// Turns all duties until shutdown; then lets the current batches end and
    /// gives the jobs back.
    ///
    /// # Errors
    /// Internal when a duty's loop dies.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Error> {
        let poll = self.0.settings.poll;
        let sweep = LONGEST_SWEEP.min(poll * 10);
        let duties: [(usize, Duration, Tick); 6] = [
            (DISPATCH, poll, |s| {
                async move { s.dispatch_tick().await.map(drop) }.boxed()
            }),
            (IMPORT, poll, |s| {
                async move { s.import_tick().await.map(drop) }.boxed()
            }),
            (FINISH, poll, |s| {
                async move { s.finish_tick().await.map(drop) }.boxed()
            }),
            (EXPIRE, sweep, |s| {
                async move { s.expire_tick().await.map(drop) }.boxed()
            }),
            (RESCUE, sweep, |s| {
                async move { s.rescue_tick().await.map(drop) }.boxed()
            }),
            (PURGE, PURGE_PAUSE.min(poll * 15), |s| {
                async move { s.purge_tick().await.map(drop) }.boxed()
            }),
        ];
        let mut loops = JoinSet::new();
        for (duty, pause, tick) in duties {
            loops.spawn(turn(self.clone(), duty, pause, shutdown.clone(), tick));
        }
        loops.spawn(listen(self.clone(), shutdown.clone()));

        let mut ended = Ok(());
        while let Some(joined) = loops.join_next().await {
            if let Err(error) = joined {
                ended = ended.and(Err(Error::internal(error)));
            }
            if !shutdown.is_cancelled() && ended.is_ok() {
                ended = Err(Error::internal("a duty's loop ended by itself"));
            }
            if ended.is_err() {
                break;
            }
        }
        loops.shutdown().await;
        self.0.draining.cancel();
        self.0.imports.close();
        self.0.imports.wait().await;
        ended
    }
}

/// Turns one duty: at its pause, or earlier when it is woken.
async fn turn(
    scheduler: Scheduler,
    duty: usize,
    pause: Duration,
    shutdown: CancellationToken,
    tick: Tick,
) {
    let never = Notify::new();
    let wake = scheduler.0.wake.get(duty).unwrap_or(&never);
    while !shutdown.is_cancelled() {
        let span = tracing::info_span!("duty", name = DUTIES[duty]);
        // Not cut off by a shutdown: a duty's round is short and bounded.
        if let Err(error) = tick(scheduler.clone()).instrument(span.clone()).await {
            meters::duty_failed(DUTIES[duty]);
            span.in_scope(|| {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a duty's round failed; it is tried again"
                );
            });
        }
        scheduler.beat(duty);
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = wake.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Hears Start and Stop. What it misses, the poll finds.
async fn listen(scheduler: Scheduler, shutdown: CancellationToken) {
    // Nothing else would tell a silent database from a dead connection.
    let silence = scheduler.0.settings.poll * SILENT_POLLS;
    while !shutdown.is_cancelled() {
        let hear = async {
            let mut listener = scheduler.0.db.listen().await?;
            // Notifications from before, or while it was away, are lost.
            scheduler.wake(&WOKEN);
            loop {
                match timeout(silence, listener.woken()).await {
                    Ok(woken) => scheduler.wake(meant(woken?)),
                    Err(_) => listener.probe().await?,
                }
            }
        };
        let heard: Result<(), Error> = tokio::select! {
            () = shutdown.cancelled() => return,
            heard = hear => heard,
        };
        if let Err(error) = heard {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "listening failed; the poll goes on"
            );
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(LISTEN_PAUSE) => {}
        }
    }
}
