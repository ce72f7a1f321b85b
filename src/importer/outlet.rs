//! What lies between the reader and its lanes. A lane has two batches: one that
//! it writes, and one that the reader fills meanwhile. So a batch may be large,
//! which is what makes loading cheap, and still a lane that waits gets what is
//! there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;
use tokio::sync::mpsc::{Receiver, Sender};

use super::batch::Batch;
use super::pace::Pace;
use crate::store::lanes::Checkpoint;

/// Which lanes wait for a batch.
#[derive(Debug)]
pub struct Waiting {
    lanes: Vec<AtomicBool>,
    begun: Notify,
}

impl Waiting {
    /// So many lanes, none of which waits yet.
    #[must_use]
    pub fn new(lanes: usize) -> Self {
        Self {
            lanes: (0..lanes).map(|_| AtomicBool::new(false)).collect(),
            begun: Notify::new(),
        }
    }

    /// Notes that a lane waits from now on.
    pub fn begin(&self, lane: usize) {
        if let Some(waits) = self.lanes.get(lane) {
            waits.store(true, Ordering::Release);
            self.begun.notify_one();
        }
    }

    /// Notes that a lane has what it waited for.
    fn end(&self, lane: usize) {
        if let Some(waits) = self.lanes.get(lane) {
            waits.store(false, Ordering::Relaxed);
        }
    }

    /// Whether a lane waits.
    fn is(&self, lane: usize) -> bool {
        let waits = self.lanes.get(lane);
        waits.is_some_and(|waits| waits.load(Ordering::Acquire))
    }

    /// Ends when a lane has begun to wait since this last ended. For one reader.
    pub async fn begun(&self) {
        self.begun.notified().await;
    }
}

/// A lane as the reader sees it.
pub struct Outlet {
    pub(super) lane: usize,
    pub(super) waiting: Arc<Waiting>,
    pub(super) checkpoint: Checkpoint,
    pub(super) batches: Sender<Batch>,
    /// Batches that the lane has written, to be filled again.
    pub(super) spent: Receiver<Batch>,
    pub(super) pace: Arc<Pace>,
    pub(super) batch: Batch,
}

impl Outlet {
    /// Whether the batch is to go to the lane: there is no room for more in it,
    /// or the lane waits and it is worth a transaction.
    pub fn is_due(&self, most_bytes: usize) -> bool {
        let rows = self.batch.len();
        rows >= self.pace.rows()
            || self.batch.bytes() >= most_bytes
            || rows >= self.pace.worth() && self.waits()
    }

    /// Whether the lane waits for a batch.
    pub fn waits(&self) -> bool {
        self.waiting.is(self.lane)
    }

    /// Gives the batch to the lane, which waits for it, and begins another.
    /// Answers false when the lane takes no more.
    pub fn hand_over(&mut self, sorted: bool) -> bool {
        self.waiting.end(self.lane);
        let next = self.spent.try_recv().unwrap_or_default();
        let mut batch = std::mem::replace(&mut self.batch, next);
        batch.seal(sorted);
        self.batches.try_send(batch).is_ok()
    }
}
