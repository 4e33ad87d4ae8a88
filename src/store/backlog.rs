//! Holding appends up while merges are behind: else a partition that is written faster than it is
//! merged would get ever more segments, and every read of it slower.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::error::{Error, Result};
use crate::base::observer::{Stall, StoreEvent};
use crate::store::engine::{Engine, lock};
use crate::store::options::OnFull;

/// The longest that one append is slowed.
const SLOWEST: Duration = Duration::from_millis(10);

/// How long a waiting append waits before it looks again by itself.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

impl Engine {
    /// Slows an append while some partition has more segments to be merged than
    /// `Options::max_unmerged`, the more the longer; from twice as many on it waits, or fails with
    /// `Busy`.
    pub(crate) fn await_merges(self: &Arc<Self>) -> Result<()> {
        let limit = self.options.unmerged_limit();
        let unmerged = self.most_unmerged(limit);
        if unmerged < limit {
            return Ok(());
        }
        let begin = Instant::now();
        self.wake_jobs();
        let over = unmerged - limit;
        let (stall, result) = if over >= limit {
            match self.wait_for_merges(limit.saturating_mul(2)) {
                Err(Error::Busy) => (Stall::Refused, Err(Error::Busy)),
                waited => (Stall::Merging, waited),
            }
        } else if self.environment.executor.is_inline() {
            // This thread has merged already what no other is at.
            return Ok(());
        } else {
            self.jobs.wait(SLOWEST.mul_f64(over as f64 / limit as f64));
            (Stall::Merging, Ok(()))
        };
        self.watch.tell(&StoreEvent::Stalled { stall, took: begin.elapsed() });
        result
    }

    /// Waits while some partition has so many segments to be merged, and somebody is at it.
    fn wait_for_merges(self: &Arc<Self>, limit: usize) -> Result<()> {
        while self.jobs.are_busy() && self.most_unmerged(limit) >= limit {
            if self.options.on_full == OnFull::Reject {
                return Err(Error::Busy);
            }
            self.jobs.wait(LOOK_AGAIN);
            self.check_writable()?;
            self.wake_jobs();
        }
        Ok(())
    }

    /// How many segments wait to be merged in the partition with the most of them, if it has at
    /// least `limit` segments.
    fn most_unmerged(&self, limit: usize) -> usize {
        let crowds = lock(&self.agenda).crowds(limit);
        if crowds.is_empty() {
            return 0;
        }
        let state = self.state();
        let unmerged = |key| self.jobs.unmerged(state.partitions().get(&key)?, key, self.look());
        crowds.into_iter().filter_map(unmerged).max().unwrap_or(0)
    }
}
