//! [`Budget`]: one amount of memory, and what of it is in use.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::base::observer::Stall;
use crate::base::time::saturating_nanos;
use crate::store::engine::lock;

/// Appends are slowed once this part of what buffers may take is in use.
const SLOW_FROM: usize = 4;

/// The longest that one append is slowed.
const SLOWEST: Duration = Duration::from_millis(10);

/// Counts the bytes that buffers, waiting appends and jobs take, of one store or of many.
///
/// Buffers and appends may take `wait_limit` together, jobs `jobs_limit`; what either holds is
/// counted before it is there. One append and one job of any size are always let in, if nothing
/// else of their kind is: the limits decide when, not whether.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Buffers and waiting appends may take this.
    wait_limit: usize,
    /// Jobs may take this.
    jobs_limit: usize,
    /// Buffers that still take spans.
    live: AtomicUsize,
    /// All buffers.
    buffers: AtomicUsize,
    /// Appends that were let in and are in no buffer yet.
    queued: AtomicUsize,
    jobs: Mutex<Running>,
    peak: AtomicUsize,
    slowed: AtomicU64,
    waited: AtomicU64,
    refused: AtomicU64,
    nanos_stalled: AtomicU64,
    /// Told when a buffer has gone.
    freed: Condvar,
    turn: Mutex<()>,
}

#[derive(Debug, Default)]
struct Running {
    jobs: usize,
    bytes: usize,
}

/// Bytes of an append that is under way; given back when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.queued.fetch_sub(self.bytes, Ordering::Relaxed);
        self.budget.freed.notify_all();
    }
}

impl Reservation {
    /// The append turned out to take so many bytes.
    pub(crate) fn resize(&mut self, bytes: usize) {
        self.budget.queued.fetch_add(bytes, Ordering::Relaxed);
        self.budget.queued.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = bytes;
        self.budget.note_peak();
    }
}

/// Bytes in use, by what uses them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct InUse {
    pub(crate) buffers: usize,
    pub(crate) queued: usize,
    pub(crate) jobs: usize,
    pub(crate) peak: usize,
}

impl Budget {
    /// Nothing in use yet.
    pub(crate) fn new(wait_limit: usize, jobs_limit: usize) -> Self {
        Self {
            wait_limit,
            jobs_limit,
            live: AtomicUsize::new(0),
            buffers: AtomicUsize::new(0),
            queued: AtomicUsize::new(0),
            jobs: Mutex::default(),
            peak: AtomicUsize::new(0),
            slowed: AtomicU64::new(0),
            waited: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            nanos_stalled: AtomicU64::new(0),
            freed: Condvar::new(),
            turn: Mutex::new(()),
        }
    }

    /// What buffers and appends may take.
    pub(crate) const fn wait_limit(&self) -> usize {
        self.wait_limit
    }

    fn held(&self) -> usize {
        self.buffers.load(Ordering::Relaxed) + self.queued.load(Ordering::Relaxed)
    }

    fn note_peak(&self) {
        let jobs = lock(&self.jobs).bytes;
        self.peak.fetch_max(self.held() + jobs, Ordering::Relaxed);
    }

    /// Lets an append of `bytes` in, if there is room.
    pub(crate) fn reserve(self: &Arc<Self>, bytes: usize) -> Option<Reservation> {
        // One at a time, so that what two see as free is not given out twice.
        let turn = lock(&self.turn);
        let held = self.held();
        if held > 0 && held.saturating_add(bytes) > self.wait_limit {
            return None;
        }
        self.queued.fetch_add(bytes, Ordering::Relaxed);
        drop(turn);
        self.note_peak();
        Some(Reservation { budget: Arc::clone(self), bytes })
    }

    /// Waits until some bytes are given back, or for `at_most`.
    pub(crate) fn wait(&self, at_most: Duration) {
        let turn = lock(&self.turn);
        drop(self.freed.wait_timeout(turn, at_most).unwrap_or_else(PoisonError::into_inner));
    }

    /// How long an append should be slowed now.
    pub(crate) fn slow_by(&self) -> Option<Duration> {
        let zone = (self.wait_limit / SLOW_FROM).max(1);
        // What still takes spans is no backlog.
        let live = self.live.load(Ordering::Relaxed);
        let backlog = self.held() > live.saturating_add(self.queued.load(Ordering::Relaxed));
        let over = self.held().checked_sub(self.wait_limit - zone).filter(|_| backlog)?;
        Some(SLOWEST.mul_f64(over.min(zone) as f64 / zone as f64))
    }

    /// The buffers of a store changed from `before` to `after`, each live and in all.
    pub(crate) fn change(&self, before: (usize, usize), after: (usize, usize)) {
        let change = |count: &AtomicUsize, before: usize, after: usize| {
            count.fetch_add(after, Ordering::Relaxed);
            count.fetch_sub(before, Ordering::Relaxed);
        };
        change(&self.live, before.0, after.0);
        change(&self.buffers, before.1, after.1);
        if after.1 < before.1 {
            self.freed.notify_all();
        }
    }

    /// What live buffers take.
    pub(crate) fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    /// Lets a job of `bytes` begin, if there is room.
    pub(crate) fn begin_job(&self, bytes: usize) -> bool {
        let mut running = lock(&self.jobs);
        if running.jobs > 0 && running.bytes.saturating_add(bytes) > self.jobs_limit {
            return false;
        }
        running.jobs += 1;
        running.bytes += bytes;
        drop(running);
        self.note_peak();
        true
    }

    /// A job of `bytes` has ended.
    pub(crate) fn end_job(&self, bytes: usize) {
        let mut running = lock(&self.jobs);
        running.jobs -= 1;
        running.bytes -= bytes;
    }

    /// Counts a stall.
    pub(crate) fn count(&self, stall: Stall, took: Duration) {
        let count = match stall {
            Stall::Slowed => &self.slowed,
            Stall::Waited => &self.waited,
            Stall::Refused => &self.refused,
            // Not for want of memory.
            Stall::Merging => return,
        };
        count.fetch_add(1, Ordering::Relaxed);
        self.nanos_stalled.fetch_add(saturating_nanos(took), Ordering::Relaxed);
    }

    /// How often appends were slowed, waited and were refused, and how long that took in all.
    pub(crate) fn stalls(&self) -> ([u64; 3], Duration) {
        let counts = [&self.slowed, &self.waited, &self.refused];
        let nanos = self.nanos_stalled.load(Ordering::Relaxed);
        (counts.map(|count| count.load(Ordering::Relaxed)), Duration::from_nanos(nanos))
    }

    /// What is in use.
    pub(crate) fn in_use(&self) -> InUse {
        InUse {
            buffers: self.buffers.load(Ordering::Relaxed),
            queued: self.queued.load(Ordering::Relaxed),
            jobs: lock(&self.jobs).bytes,
            peak: self.peak.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn p7_one_of_any_size_is_let_in_alone_and_others_as_far_as_they_fit() {
        let budget = Arc::new(Budget::new(100, 50));
        let large = budget.reserve(1000).unwrap();
        assert!(budget.reserve(1).is_none());
        drop(large);
        let mut small = budget.reserve(60).unwrap();
        assert!(budget.reserve(41).is_none());
        small.resize(50);
        let other = budget.reserve(50).unwrap();
        assert_eq!(budget.in_use().queued, 100);
        budget.change((0, 0), (30, 40));
        drop((small, other));
        assert!(budget.reserve(61).is_none());
        budget.change((30, 40), (0, 0));
        assert!(budget.reserve(61).is_some());
        assert!(budget.begin_job(500) && !budget.begin_job(1));
        budget.end_job(500);
        assert!(budget.begin_job(20) && budget.begin_job(30) && !budget.begin_job(1));
        assert_eq!(budget.in_use().peak, 1000);
    }

    #[test]
    fn appends_are_slowed_only_behind_a_backlog_and_the_more_the_fuller() {
        let budget = Budget::new(100, 50);
        budget.change((0, 0), (90, 90));
        assert_eq!(budget.slow_by(), None, "all of it still takes spans");
        budget.change((90, 90), (30, 90));
        let some = budget.slow_by().unwrap();
        budget.change((30, 90), (30, 100));
        assert_eq!(budget.slow_by(), Some(SLOWEST));
        assert!(some < SLOWEST);
        budget.change((30, 100), (30, 70));
        assert_eq!(budget.slow_by(), None);
    }
}
