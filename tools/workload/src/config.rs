//! What to generate.

use std::time::Duration;

use tracekeep::Timestamp;

/// What to generate; plain data with chained setters.
///
/// ```
/// use std::time::Duration;
/// use tracekeep_workload::Config;
/// let config = Config::default().seed(7).spans(10_000).length(Duration::from_secs(600));
/// assert!(config.rate() > 16.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// The same seed gives the same spans, byte for byte, everywhere.
    pub seed: u64,
    /// How many spans there are to be; the last trace is finished, so there may be some more.
    pub spans: u64,
    /// When the first trace begins.
    pub start: Timestamp,
    /// The time over which traces begin, whole nanoseconds of it.
    pub length: Duration,
    /// Spans of a batch; the last one may have fewer.
    pub batch_spans: usize,
    /// The share of spans that arrive late, from 0 to 1.
    pub late: f64,
    /// The latest that a late span arrives after its end.
    pub late_by_at_most: Duration,
    /// Whether to make, instead of the shop's traces, what no one expects: unique names, resources
    /// and keys on every span, sequential ids, odd times.
    pub hostile: bool,
}

impl Default for Config {
    /// 200,000 spans of three hours, none late, in batches of 2000.
    fn default() -> Self {
        Self {
            seed: 1,
            spans: 200_000,
            start: Timestamp::from_nanos(1_763_800_000_000_000_000),
            length: Duration::from_secs(3 * 3600),
            batch_spans: 2000,
            late: 0.0,
            late_by_at_most: Duration::ZERO,
            hostile: false,
        }
    }
}

impl Config {
    /// The bench store: these many spans over these hours, 1 % of them up to 6 hours late.
    pub fn bench_store(spans: u64, hours: u64) -> Self {
        let length = Duration::from_secs(hours * 3600);
        Self::default().spans(spans).length(length).late(0.01, Duration::from_secs(6 * 3600))
    }

    /// Spans a second, on average.
    pub fn rate(&self) -> f64 {
        self.spans as f64 / self.length.as_secs_f64().max(1e-9)
    }

    /// Sets [`Config::seed`].
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Sets [`Config::spans`].
    pub fn spans(self, spans: u64) -> Self {
        Self { spans, ..self }
    }

    /// Sets [`Config::start`].
    pub fn start(self, start: Timestamp) -> Self {
        Self { start, ..self }
    }

    /// Sets [`Config::length`].
    pub fn length(self, length: Duration) -> Self {
        Self { length, ..self }
    }

    /// Sets the length so that this many spans a second arrive on average.
    pub fn at_rate(self, spans_per_second: f64) -> Self {
        let length = Duration::from_secs_f64(self.spans as f64 / spans_per_second.max(1e-3));
        Self { length, ..self }
    }

    /// Sets [`Config::batch_spans`].
    pub fn batch_spans(self, batch_spans: usize) -> Self {
        Self { batch_spans: batch_spans.max(1), ..self }
    }

    /// Sets [`Config::late`] and [`Config::late_by_at_most`].
    pub fn late(self, share: f64, late_by_at_most: Duration) -> Self {
        Self { late: share, late_by_at_most, ..self }
    }

    /// Sets [`Config::hostile`].
    pub fn hostile(self, hostile: bool) -> Self {
        Self { hostile, ..self }
    }
}
