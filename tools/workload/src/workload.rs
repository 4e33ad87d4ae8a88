//! The generator: an iterator of batches.

use std::iter;

use tracekeep::{ResourceSpans, Timestamp};

use crate::arrivals::{Arrivals, Batch};
use crate::config::Config;
use crate::hostile::Hostile;
use crate::protobuf;
use crate::rng::Rng;
use crate::walk::{Made, Walker};

/// Spans of a trace on average: the gaps between traces follow from it.
const MEAN_SPANS: f64 = 36.0;

/// A stream of batches, as a collector would send them; each as the owned model.
#[derive(Debug)]
pub struct Workload {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Shop(Box<Shop>),
    Hostile(Hostile),
}

#[derive(Debug)]
struct Shop {
    config: Config,
    rng: Rng,
    /// Draws who is late, apart, so that lateness changes no span.
    lateness: Rng,
    walker: Walker,
    arrivals: Arrivals,
    /// When the next trace begins: all that arrives before it is known.
    next_start: u64,
    made: u64,
    trace: Vec<Made>,
    batch: Batch,
}

/// A stream of batches, each as the bytes of an `ExportTraceServiceRequest`.
pub type Requests = iter::Map<Workload, fn(Vec<ResourceSpans>) -> Vec<u8>>;

/// The workload of the bench store: these many spans over these hours, 1 % of them up to 6 hours
/// late. DESIGN's figures are for 2,000,000 spans over 24 hours.
pub fn bench_store(spans: u64, hours: u64) -> Workload {
    Workload::new(&Config::bench_store(spans, hours))
}

/// How many spans a batch holds.
pub fn count(batch: &[ResourceSpans]) -> u64 {
    batch.iter().flat_map(|r| &r.scope_spans).map(|s| s.spans.len() as u64).sum()
}

impl Workload {
    /// The workload of this configuration.
    pub fn new(config: &Config) -> Self {
        let kind = if config.hostile {
            Kind::Hostile(Hostile::new(config))
        } else {
            Kind::Shop(Box::new(Shop::new(config)))
        };
        Self { kind }
    }

    /// The batches as encoded protobuf requests.
    pub fn requests(self) -> Requests {
        self.map(|batch| protobuf::encode(&batch))
    }
}

impl Iterator for Workload {
    type Item = Vec<ResourceSpans>;

    fn next(&mut self) -> Option<Vec<ResourceSpans>> {
        match &mut self.kind {
            Kind::Shop(shop) => shop.next_batch(),
            Kind::Hostile(hostile) => hostile.next_batch(),
        }
    }
}

impl Shop {
    fn new(config: &Config) -> Self {
        Self {
            rng: Rng::new(config.seed),
            lateness: Rng::new(!config.seed),
            walker: Walker::new(config.seed, config.start),
            arrivals: Arrivals::default(),
            next_start: config.start.nanos(),
            made: 0,
            trace: Vec::new(),
            batch: Batch::default(),
            config: config.clone(),
        }
    }

    fn next_batch(&mut self) -> Option<Vec<ResourceSpans>> {
        while self.batch.spans < self.config.batch_spans {
            let finished = self.made >= self.config.spans;
            let until = if finished { u64::MAX } else { self.next_start };
            match self.arrivals.pop(until) {
                Some(made) => self.batch.push(made),
                None if finished => break,
                None => self.make_trace(),
            }
        }
        let batch = std::mem::take(&mut self.batch);
        (batch.spans > 0).then(|| batch.finish(&self.walker.fleet))
    }

    fn make_trace(&mut self) {
        let start = self.next_start;
        let mut trace = std::mem::take(&mut self.trace);
        self.walker.trace(&mut self.rng, Timestamp::from_nanos(start), &mut trace);
        self.made += trace.len() as u64;
        let mut delays = Vec::new();
        for made in trace.drain(..) {
            let delay = self.delay(&mut delays, made.resource);
            // A clock that is ahead must not make a span arrive before it is due.
            let arrival = made.span.end.nanos().max(start).saturating_add(delay);
            self.arrivals.push(arrival, made);
        }
        self.trace = trace;
        self.next_start = start.saturating_add(self.gap(start));
    }

    /// How late this resource's spans of the trace arrive: what lost its connection holds all back.
    fn delay(&mut self, known: &mut Vec<(u32, u64)>, resource: u32) -> u64 {
        if let Some(&(_, delay)) = known.iter().find(|(of, _)| *of == resource) {
            return delay;
        }
        let late = self.config.late > 0.0 && self.lateness.chance(self.config.late);
        let most = self.config.late_by_at_most.as_nanos() as u64;
        let delay = if late { self.lateness.below(most) } else { 0 };
        known.push((resource, delay));
        delay
    }

    /// The time to the next trace, aiming at the end of the length with the last span.
    fn gap(&mut self, now: u64) -> u64 {
        let end = self.config.start.nanos().saturating_add(self.config.length.as_nanos() as u64);
        let time_left = end.saturating_sub(now) as f64;
        let spans_left = self.config.spans.saturating_sub(self.made) as f64;
        let mean = time_left * (MEAN_SPANS / spans_left.max(MEAN_SPANS));
        (self.rng.exponential() * mean).min(time_left) as u64
    }
}
