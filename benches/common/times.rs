//! Latencies: collected, sorted, read at percentiles.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// No further round begins after this time.
const ENOUGH: Duration = Duration::from_secs(3);

/// Measured latencies, sorted.
pub struct Times(Vec<Duration>);

impl Times {
    /// Calls `work` once for each item to warm up, and again in up to `rounds` rounds.
    pub fn of<T, R, E>(
        items: &[T],
        rounds: usize,
        mut work: impl FnMut(&T) -> Result<R, E>,
    ) -> Result<Self, E> {
        for item in items {
            black_box(work(item)?);
        }
        let mut times = Vec::with_capacity(items.len() * rounds);
        let first = Instant::now();
        for round in 0..rounds {
            if round > 0 && first.elapsed() > ENOUGH {
                break;
            }
            for item in items {
                let begin = Instant::now();
                let result = black_box(work(item)?);
                times.push(begin.elapsed());
                // Freeing the answer is the caller's business, as it is for the yardstick.
                drop(result);
            }
        }
        times.sort_unstable();
        Ok(Self(times))
    }

    /// Latencies that were measured elsewhere.
    pub fn from(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// The latency that `share` (0 to 1) of all calls stay below.
    pub fn at(&self, share: f64) -> Duration {
        let place = (self.0.len() as f64 * share) as usize;
        let last = self.0.len().saturating_sub(1);
        self.0.get(place.min(last)).copied().unwrap_or_default()
    }
}
