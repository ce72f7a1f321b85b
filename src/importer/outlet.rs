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
    pub fn hand_over(&mut self, sorted: bool, most_bytes: usize) -> bool {
        self.waiting.end(self.lane);
        // One that became large when fewer jobs shared is let go.
        let spent = self.spent.try_recv().ok();
        let next = spent.filter(|batch| batch.capacity() <= 2 * most_bytes);
        let next = next.unwrap_or_default();
        let mut batch = std::mem::replace(&mut self.batch, next);
        batch.seal(sorted);
        self.batches.try_send(batch).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::channel;

    use super::*;
    use crate::domain::rejection::{Rejection, RejectionCode};

    const MUCH: usize = 1 << 30;

    fn reject(outlet: &mut Outlet, lines: std::ops::Range<u64>) {
        for line in lines {
            outlet.batch.reject(Rejection {
                line,
                code: RejectionCode::InvalidEmail,
                column: None,
                detail: None,
            });
        }
    }

    /// An outlet, and the lane's ends of its channels.
    fn outlet(most_rows: usize) -> (Outlet, Receiver<Batch>, Sender<Batch>) {
        let (batches, to_write) = channel(1);
        let (written, spent) = channel(1);
        let outlet = Outlet {
            lane: 0,
            waiting: Arc::new(Waiting::new(1)),
            checkpoint: Checkpoint {
                bytes: 0,
                line: 1,
                finished: false,
            },
            batches,
            spent,
            pace: Arc::new(Pace::new(most_rows, 1)),
            batch: Batch::default(),
        };
        (outlet, to_write, written)
    }

    #[test]
    fn a_batch_is_due_when_it_is_full_or_when_the_lane_waits_and_it_is_worth_it() {
        let (mut outlet, _to_write, _written) = outlet(100_000);
        // The pace has seen quick batches.
        for _ in 0..4 {
            let rows = outlet.pace.rows();
            outlet.pace.took(rows, std::time::Duration::from_millis(1));
        }
        reject(&mut outlet, 0..20_000);
        assert!(!outlet.is_due(MUCH), "the lane is at work");
        assert!(outlet.is_due(20_000), "in bytes");
        outlet.waiting.begin(0);
        assert!(outlet.is_due(MUCH), "the lane waits");
        assert!(outlet.hand_over(true, MUCH));
        assert!(!outlet.waits());
        outlet.waiting.begin(0);
        reject(&mut outlet, 0..10);
        assert!(!outlet.is_due(MUCH), "too little");
        reject(&mut outlet, 10..100_000);
        outlet.waiting.end(0);
        assert!(outlet.is_due(MUCH), "in rows");
    }

    #[test]
    fn a_batch_that_comes_back_is_filled_again_unless_it_holds_too_much() {
        for (most_bytes, kept) in [(MUCH, true), (1, false)] {
            let (mut outlet, mut to_write, written) = outlet(10);
            reject(&mut outlet, 0..1_000);
            assert!(outlet.hand_over(true, MUCH));
            let mut batch = to_write.try_recv().expect("the batch");
            batch.clear();
            written.try_send(batch).expect("room for it");
            assert!(outlet.hand_over(true, most_bytes));
            assert_eq!(outlet.batch.capacity() > 0, kept);
        }
    }

    #[test]
    fn a_lane_that_takes_no_more_is_told_of() {
        let (mut outlet, to_write, _written) = outlet(10);
        drop(to_write);
        assert!(!outlet.hand_over(true, MUCH));
    }
}
