//! The one reader of a job: rows come off the file in order, are checked, and
//! go to their lane. The file is never split: reading is far cheaper than
//! writing.

use std::sync::Arc;

use tokio::task::yield_now;
use tokio_util::sync::CancellationToken;

use super::outlet::{Outlet, Waiting};
use super::share::Share;
use super::source::Source;
use super::{Fault, ImportSettings};
use crate::csv::fields::Fields;
use crate::csv::header::Header;
use crate::csv::row::RowRules;
use crate::domain::error::Error;
use crate::domain::ids::Ids;
use crate::domain::job::FailureReason;
use crate::domain::pool::PoolSchema;
use crate::domain::rules::password_hash::PasswordHashingAlgorithm;

/// Rows after which others have a turn: some tenths of a millisecond, in which
/// a database works off much of what a socket holds. The reader is seldom
/// without work, and the thread that runs it may be the one that looks at the
/// sockets: lanes waited for as long as 40 ms.
const TURN: u32 = 256;

/// How reading came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadEnd {
    /// The whole file went to the lanes.
    EndOfFile,
    /// The work was called off, or a lane takes no more.
    CalledOff,
    /// The file cannot be imported (any further).
    Unusable(Fault),
}

/// Reads a file for its lanes.
pub struct Reader<'a> {
    pub(super) schema: &'a PoolSchema,
    pub(super) algorithm: Option<PasswordHashingAlgorithm>,
    pub(super) settings: &'a ImportSettings,
    pub(super) ids: Arc<dyn Ids>,
    pub(super) outlets: Vec<Outlet>,
    pub(super) waiting: Arc<Waiting>,
    /// Whether rows of a batch may be put in order of their keys. Not with
    /// aliases: two usernames may compete for one alias, and file order decides.
    pub(super) sorted: bool,
    /// What the batches may have of the process's memory.
    pub(super) share: &'a Share,
    /// Rows that earlier workers have accounted for.
    pub(super) rows: u64,
}

/// What to do after a row.
enum Next {
    GoOn,
    Flush(usize),
    MoreInput,
    TooManyRows,
}

impl Reader<'_> {
    /// Reads to the end of the file.
    ///
    /// # Errors
    /// Unavailable when the object store is.
    pub async fn run(
        mut self,
        mut source: Source,
        off: &CancellationToken,
    ) -> Result<ReadEnd, Error> {
        let header: Header = source.header.clone();
        let rules = RowRules::new(self.schema, &header, self.algorithm);
        let mut fields = Fields::new();
        let mut rows = self.rows;
        let mut more = true;
        let mut turn = 0;
        let mut most_bytes = self.share.bytes();
        while more {
            match self.read_on(&mut source, off).await? {
                Ok(Some(m)) => more = m,
                Ok(None) => return Ok(ReadEnd::CalledOff),
                Err(fault) => return Ok(ReadEnd::Unusable(fault)),
            }
            loop {
                turn += 1;
                if turn == TURN {
                    turn = 0;
                    yield_now().await;
                    most_bytes = self.share.bytes();
                }
                match self.row(&mut source, &rules, &mut fields, &mut rows, most_bytes) {
                    Next::GoOn => {}
                    Next::MoreInput => break,
                    // The end of the file is next, and goes with this batch.
                    Next::Flush(lane) if self.outlets[lane].batch.reaches(source.bytes()) => {}
                    Next::Flush(lane) => {
                        if !self.flush(lane, off).await {
                            return Ok(ReadEnd::CalledOff);
                        }
                    }
                    Next::TooManyRows => {
                        return Ok(ReadEnd::Unusable(Fault {
                            reason: FailureReason::TooManyRows,
                            message: format!(
                                "The file has more rows than the limit of {}.",
                                self.settings.max_rows
                            ),
                        }));
                    }
                }
            }
        }
        // Only now: a small file is read at once, long before it is imported.
        let unchanged = tokio::select! {
            biased;
            () = off.cancelled() => return Ok(ReadEnd::CalledOff),
            unchanged = source.check() => unchanged?,
        };
        if let Err(fault) = unchanged {
            return Ok(ReadEnd::Unusable(fault));
        }
        let (end, line) = (source.bytes(), source.splitter.next_line());
        for outlet in &mut self.outlets {
            if !outlet.checkpoint.finished {
                outlet.batch.reach(end, line);
                outlet.batch.finish();
            }
        }
        for lane in 0..self.outlets.len() {
            // Unless it went while another was waited for.
            let is_left = self.outlets[lane].batch.finishes();
            if is_left && !self.flush(lane, off).await {
                return Ok(ReadEnd::CalledOff);
            }
        }
        Ok(ReadEnd::EndOfFile)
    }

    /// The next bytes, unless the work is called off first (`None`).
    async fn read_on(
        &mut self,
        source: &mut Source,
        off: &CancellationToken,
    ) -> Result<Result<Option<bool>, Fault>, Error> {
        tokio::select! {
            biased;
            () = off.cancelled() => Ok(Ok(None)),
            read = source.read_on() => Ok(read?.map(Some)),
        }
    }

    /// Takes one row off the source and puts it into its lane's batch.
    fn row(
        &mut self,
        source: &mut Source,
        rules: &RowRules<'_>,
        fields: &mut Fields,
        rows: &mut u64,
        most_bytes: usize,
    ) -> Next {
        let Some(row) = source.splitter.next_row() else {
            return Next::MoreInput;
        };
        let (line, start, end) = (row.line, row.start, row.end);
        let lanes = self.outlets.len();
        let lane = match rules.check(&row, fields) {
            Ok(user) => {
                let lane = lane_of(user.username_key.as_bytes(), lanes);
                let outlet = &mut self.outlets[lane];
                // An earlier worker wrote it already.
                if start < outlet.checkpoint.bytes {
                    return Next::GoOn;
                }
                *rows += 1;
                if *rows > self.settings.max_rows {
                    return Next::TooManyRows;
                }
                let sub = self.ids.random();
                outlet
                    .batch
                    .push(&user, sub, &self.schema.custom_attributes);
                lane
            }
            Err(rejection) => {
                let lane = lane_of(&line.to_le_bytes(), lanes);
                let outlet = &mut self.outlets[lane];
                if start < outlet.checkpoint.bytes {
                    return Next::GoOn;
                }
                *rows += 1;
                if *rows > self.settings.max_rows {
                    return Next::TooManyRows;
                }
                outlet.batch.reject(rejection);
                lane
            }
        };
        let next_line = source.splitter.next_line();
        let outlet = &mut self.outlets[lane];
        outlet.batch.reach(end, next_line);
        if outlet.is_due(most_bytes) {
            Next::Flush(lane)
        } else {
            Next::GoOn
        }
    }

    /// Hands a lane its batch, once the lane waits for it; meanwhile others that
    /// wait get what there is for them. Answers false when a lane takes no more.
    async fn flush(&mut self, lane: usize, off: &CancellationToken) -> bool {
        // While the lane is still at work.
        self.outlets[lane].batch.seal(self.sorted);
        let most_bytes = self.share.bytes();
        loop {
            let mut done = false;
            for outlet in &mut self.outlets {
                let wanted = outlet.lane == lane;
                if outlet.waits() && (wanted || outlet.batch.len() > 0) {
                    if !outlet.hand_over(self.sorted, most_bytes) {
                        return false;
                    }
                    done |= wanted;
                }
            }
            if done {
                return true;
            }
            tokio::select! {
                biased;
                () = off.cancelled() => return false,
                () = self.waiting.begun() => {}
            }
        }
    }
}

/// The lane of a key: FNV-1a, because the same rows must go to the same lanes
/// in every process and version that may go on with a job.
fn lane_of(key: &[u8], lanes: usize) -> usize {
    let hash = key.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    // The low bits alone are poor; the fold brings the high ones in.
    ((hash ^ (hash >> 32)) % lanes.max(1) as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::lane_of;

    #[test]
    fn keys_go_to_the_same_lane_for_ever_and_to_all_lanes() {
        // Changing these would mix up jobs that are under way during an upgrade.
        assert_eq!(
            ["ann", "bob", "carol", "dave", "eve"].map(|k| lane_of(k.as_bytes(), 4)),
            PINNED
        );
        for lanes in 1..=4 {
            let mut counts = vec![0; lanes];
            for n in 0..1_000 {
                counts[lane_of(format!("user-{n}").as_bytes(), lanes)] += 1;
            }
            assert!(counts.iter().all(|c| *c > 1_000 / lanes / 2), "{counts:?}");
        }
    }

    const PINNED: [usize; 5] = [1, 1, 1, 0, 1];
}
