//! What ends a query before its answer: its deadline, or its caller.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use crate::base::error::{Error, Result};
use crate::disk::clock::Clock;

/// Ends queries from another thread: they fail with [`Error::Cancelled`]. Clones are one token.
///
/// ```
/// use tracekeep::{CancelToken, Error, Options, Query, Store, TraceReader};
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("traces"), Options::default())?;
/// let token = CancelToken::new();
/// let query = Query::spans().cancelled_by(&token);
/// assert!(store.search(&query)?.traces.is_empty());
/// token.cancel();
/// assert!(matches!(store.search(&query), Err(Error::Cancelled)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct CancelToken {
    cancelled: Arc<AtomicBool>,
}

impl CancelToken {
    /// A token that nothing was cancelled with yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends all queries that know the token, those under way within some milliseconds; for good.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether it was used.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// Between so many ticks the clock is not looked at: work of some ten microseconds.
const TICKS: u32 = 64;

/// Asked by everything in a query that loops over what is stored.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Option<Arc<Armed>>);

#[derive(Debug)]
struct Armed {
    token: Option<CancelToken>,
    /// The time that the clock shows as elapsed when the query has to end.
    deadline: Option<(Arc<dyn Clock>, Duration)>,
    ticks: AtomicU32,
}

impl Interrupt {
    /// Of a query that begins now.
    pub fn begin(
        token: Option<&CancelToken>,
        timeout: Option<Duration>,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        if token.is_none() && timeout.is_none() {
            return Self::default();
        }
        let deadline =
            timeout.map(|timeout| (Arc::clone(clock), clock.elapsed().saturating_add(timeout)));
        let ticks = AtomicU32::new(0);
        Self(Some(Arc::new(Armed { token: token.cloned(), deadline, ticks })))
    }

    /// Whether a query has begun with it that may have to end.
    pub const fn is_armed(&self) -> bool {
        self.0.is_some()
    }

    /// Fails once the query has to end.
    pub fn check(&self) -> Result<()> {
        let Some(armed) = &self.0 else { return Ok(()) };
        if armed.token.as_ref().is_some_and(CancelToken::is_cancelled) {
            return Err(Error::Cancelled);
        }
        match &armed.deadline {
            Some((clock, deadline)) if clock.elapsed() >= *deadline => Err(Error::Timeout),
            _ => Ok(()),
        }
    }

    /// The same for steps too small to look at the clock at each.
    pub fn tick(&self) -> Result<()> {
        let Some(armed) = &self.0 else { return Ok(()) };
        // A tick that two threads count once does no harm.
        let ticks = armed.ticks.load(Ordering::Relaxed).wrapping_add(1);
        armed.ticks.store(ticks, Ordering::Relaxed);
        if ticks.is_multiple_of(TICKS) { self.check() } else { Ok(()) }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::disk::clock::ManualClock;

    #[test]
    fn a_deadline_passes_and_a_token_is_seen_within_some_ticks() {
        let manual = Arc::new(ManualClock::default());
        let clock: Arc<dyn Clock> = Arc::clone(&manual) as Arc<dyn Clock>;
        let token = CancelToken::new();
        let until_it_ends = |interrupt: &Interrupt| {
            let mut ticks = (1..1000).map(|n| (n, interrupt.tick()));
            ticks.find(|(_, ticked)| ticked.is_err())
        };
        let never = Interrupt::begin(None, None, &clock);
        let late = Interrupt::begin(None, Some(Duration::from_secs(1)), &clock);
        let both = Interrupt::begin(Some(&token), Some(Duration::MAX), &clock);
        manual.advance(Duration::from_millis(999));
        assert!(until_it_ends(&late).is_none());
        manual.advance(Duration::from_millis(1));
        assert!(matches!(late.check(), Err(Error::Timeout)));
        let (ticks, ended) = until_it_ends(&late).unwrap();
        assert!(ticks <= TICKS && matches!(ended, Err(Error::Timeout)));
        assert!(until_it_ends(&both).is_none());
        token.clone().cancel();
        assert!(matches!(both.check(), Err(Error::Cancelled)));
        assert!(matches!(until_it_ends(&both), Some((_, Err(Error::Cancelled)))));
        assert!(until_it_ends(&never).is_none());
        let at_once = Interrupt::begin(None, Some(Duration::ZERO), &clock);
        assert!(matches!(at_once.check(), Err(Error::Timeout)));
    }
}
