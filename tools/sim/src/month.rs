//! A store's partitions, an hour each, as the engine fills, merges and seals them.

use std::collections::BTreeMap;
use std::time::Duration;

use tracekeep::Timestamp;
use tracekeep::simulation::{Candidate, Facts, Policy, Step};

use crate::arrivals::Arrivals;
use crate::size;

/// The engine's default: a buffer is flushed after ten minutes, or when it has so many spans, a
/// quarter of its memory.
const SEAL_MINUTES: u64 = 10;
const SEAL_SPANS: f64 = 64.0 * 1024.0 * 1024.0 / 400.0;

/// How often the store looks for work, in minutes.
const LOOK_MINUTES: u64 = 5;

/// Space is looked at from the second day on: in the first hours, what is being merged is most of
/// what there is.
const FIRST_LOOK: u64 = 24 * 60;

/// What a simulation came to, in spans and bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    pub spans: f64,
    pub segments: usize,
    pub partitions: usize,
    pub most_segments: usize,
    pub sealings: usize,
    /// Bytes of flushed segments.
    pub flushed: f64,
    /// Bytes of all segments ever written.
    pub written: f64,
    /// Bytes of those that are left.
    pub kept: f64,
    /// Bytes of one merged segment a partition.
    pub ideal: f64,
    /// The most that there was at a time for each such byte, with what a merge reads and writes.
    pub worst_space: f64,
}

/// The store.
#[derive(Debug)]
pub struct Month {
    policy: Policy,
    partitions: BTreeMap<u64, Partition>,
    last_id: u64,
    outcome: Outcome,
}

#[derive(Debug, Default)]
struct Partition {
    spans: f64,
    /// Parts of spans that have come: whole ones are what arrives.
    fraction: f64,
    buffered: f64,
    buffered_since: u64,
    last_arrival: u64,
    sealed: Option<u64>,
    segments: Vec<(Candidate, f64)>,
}

fn moment(minute: u64) -> Timestamp {
    Timestamp::ZERO.saturating_add(Duration::from_secs(minute * 60))
}

impl Partition {
    fn bytes(&self) -> f64 {
        self.segments.iter().map(|(segment, _)| segment.bytes as f64).sum()
    }

    fn next(&self, policy: &Policy, hour: u64, minute: u64) -> Option<Step> {
        let segments: Vec<Candidate> = self.segments.iter().map(|(segment, _)| *segment).collect();
        let facts = Facts {
            last: moment(hour * 60 + 60),
            first_arrival: moment(hour * 60),
            last_arrival: moment(self.last_arrival),
            is_flushed: self.buffered == 0.0,
            sealed: self.sealed,
            segments: &segments,
        };
        policy.next(&facts, moment(minute))
    }
}

impl Month {
    /// An empty store.
    pub fn new(policy: Policy) -> Self {
        let outcome = Outcome::default();
        Self { policy, partitions: BTreeMap::new(), last_id: 0, outcome }
    }

    /// Lets spans come for so many minutes, and the store come to rest.
    pub fn run(mut self, arrivals: &Arrivals, minutes: u64) -> Outcome {
        // Old partitions in which nothing happens any more need not be looked at each minute.
        let mut at_rest = Outcome::default();
        for minute in 0..minutes + 48 * 60 {
            if minute < minutes {
                let spans = arrivals.in_minute(minute);
                spans.into_iter().for_each(|(hour, spans)| self.arrive(hour, spans, minute));
            }
            if !minute.is_multiple_of(LOOK_MINUTES) {
                continue;
            }
            let mut merging = 0.0f64;
            let hours: Vec<u64> = self.partitions.keys().copied().collect();
            for hour in hours {
                merging = merging.max(self.work(hour, minute));
            }
            self.look(minute, merging, &at_rest);
            let oldest = minute.saturating_sub(arrivals.late_minutes + 48 * 60) / 60;
            let rest = self.partitions.split_off(&oldest);
            let done = std::mem::replace(&mut self.partitions, rest);
            done.values().for_each(|partition| at_rest.add(partition));
        }
        self.partitions.values().for_each(|partition| at_rest.add(partition));
        let Outcome { spans, segments, partitions, kept, ideal, .. } = at_rest;
        Outcome { spans, segments, partitions, kept, ideal, ..self.outcome }
    }

    fn arrive(&mut self, hour: u64, spans: f64, minute: u64) {
        let partition = self.partitions.entry(hour).or_default();
        partition.fraction += spans;
        let whole = partition.fraction.floor();
        if whole == 0.0 {
            return;
        }
        partition.fraction -= whole;
        if partition.buffered == 0.0 {
            partition.buffered_since = minute;
        }
        partition.buffered += whole;
        partition.spans += whole;
        partition.last_arrival = minute;
    }

    /// Does what is due in a partition; the most bytes that a merge has written beside its inputs.
    fn work(&mut self, hour: u64, minute: u64) -> f64 {
        let Some(partition) = self.partitions.get_mut(&hour) else { return 0.0 };
        let mut merging = 0.0f64;
        let is_old = minute >= partition.buffered_since + SEAL_MINUTES;
        if partition.buffered > 0.0 && (is_old || partition.buffered >= SEAL_SPANS) {
            let spans = std::mem::take(&mut partition.buffered);
            let bytes = size::flushed(spans);
            self.last_id += 1;
            let id = self.last_id;
            let segment = Candidate { id, bytes: bytes as u64, is_merged: false, is_full: false };
            partition.segments.push((segment, spans));
            self.outcome.flushed += bytes;
            self.outcome.written += bytes;
        }
        self.outcome.most_segments = self.outcome.most_segments.max(partition.segments.len());
        while let Some(step) = partition.next(&self.policy, hour, minute) {
            let (ids, seals) = match step {
                Step::Merge(ids) => (ids, false),
                Step::Seal(ids) => (ids, true),
            };
            self.outcome.sealings += usize::from(seals);
            let spans: f64 = (partition.segments.iter())
                .filter(|(segment, _)| ids.contains(&segment.id))
                .map(|(_, spans)| spans)
                .sum();
            if !ids.is_empty() {
                let bytes = size::merged(spans);
                self.last_id += 1;
                let id = self.last_id;
                partition.segments.retain(|(segment, _)| !ids.contains(&segment.id));
                let segment =
                    Candidate { id, bytes: bytes as u64, is_merged: true, is_full: false };
                partition.segments.push((segment, spans));
                self.outcome.written += bytes;
                merging = merging.max(bytes);
            }
            if seals {
                partition.sealed = partition.segments.iter().map(|(segment, _)| segment.id).max();
            }
        }
        merging
    }

    /// Looks at the space that is taken while one merge is under way.
    fn look(&mut self, minute: u64, merging: f64, at_rest: &Outcome) {
        if minute < FIRST_LOOK {
            return;
        }
        let kept: f64 = self.partitions.values().map(Partition::bytes).sum();
        let flushed = |partition: &Partition| size::merged(partition.spans - partition.buffered);
        let ideal: f64 = self.partitions.values().map(flushed).sum();
        let space = (kept + merging + at_rest.kept) / (ideal + at_rest.ideal);
        self.outcome.worst_space = self.outcome.worst_space.max(space);
    }
}

impl Outcome {
    /// Counts a partition in which nothing happens any more.
    fn add(&mut self, partition: &Partition) {
        self.spans += partition.spans;
        self.segments += partition.segments.len();
        self.partitions += 1;
        self.kept += partition.bytes();
        self.ideal += size::merged(partition.spans);
    }
}
