//! The time of day, and time that only passes, injected.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crate::base::time::{Timestamp, saturating_nanos};

/// Tells the time. It may jump in both directions, as a computer's clock does.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// How long it has been since some moment, always the same one. It never goes back: deadlines
    /// are told by it.
    fn elapsed(&self) -> Duration;
}

/// The computer's clock.
#[derive(Clone, Copy, Default, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }

    fn elapsed(&self) -> Duration {
        static FIRST: OnceLock<Instant> = OnceLock::new();
        FIRST.get_or_init(Instant::now).elapsed()
    }
}

/// A clock that stands still until it is moved.
#[derive(Default, Debug)]
pub struct ManualClock {
    now: AtomicU64,
    /// What it was moved on by, in nanoseconds: setting it does not count.
    elapsed: AtomicU64,
}

impl ManualClock {
    /// A clock that shows `time`.
    pub fn new(time: Timestamp) -> Self {
        Self { now: AtomicU64::new(time.nanos()), elapsed: AtomicU64::new(0) }
    }

    /// Sets the clock, forwards or back.
    pub fn set(&self, time: Timestamp) {
        self.now.store(time.nanos(), Ordering::SeqCst);
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        let moved = |nanos| Some(Timestamp::from_nanos(nanos).saturating_add(by).nanos());
        // The closures never decline, so there is no failure to report.
        let _ = self.now.fetch_update(Ordering::SeqCst, Ordering::SeqCst, moved);
        let passed = |nanos: u64| Some(nanos.saturating_add(saturating_nanos(by)));
        let _ = self.elapsed.fetch_update(Ordering::SeqCst, Ordering::SeqCst, passed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.now.load(Ordering::SeqCst))
    }

    fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.elapsed.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told_and_saturates() {
        let clock = ManualClock::new(Timestamp::from_nanos(5));
        assert_eq!(clock.now(), Timestamp::from_nanos(5));
        clock.advance(Duration::from_nanos(3));
        assert_eq!(clock.now(), Timestamp::from_nanos(8));
        assert_eq!(clock.elapsed(), Duration::from_nanos(3));
        clock.set(Timestamp::from_nanos(1));
        assert_eq!(clock.elapsed(), Duration::from_nanos(3));
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX);
    }
}
