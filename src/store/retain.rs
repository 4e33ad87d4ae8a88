//! Retention at work: dropping what a rule lets go, and telling what went.
//!
//! ```text
//! rule, state, clock ─ plan (upkeep/retention.rs)
//!   claim the partitions ─ no flush of them begins, merges of them give up
//!   close their buffers ─ sync the log ─ one manifest edit: drop (partition, last frame)
//!   state: gone for new readers at once ─ files unlinked when no pin names them
//! ```
//!
//! A crash before the edit changes nothing; after it, opening finds the files that no version
//! names, and the frames of the log up to the one that the edit tells are not replayed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::base::error::Result;
use crate::base::ids::TraceId;
use crate::base::observer::{Job, StoreEvent};
use crate::base::time::{TimeRange, Timestamp, saturating_nanos};
use crate::catalog::{Edit, PartitionKey};
use crate::query::view::View;
use crate::store::distinct::count_distinct;
use crate::store::engine::Engine;
use crate::store::held;
use crate::store::reserve;
use crate::store::state::{Partition, State};
use crate::store::stats;
use crate::upkeep::retention::{Expiry, Retention};

/// The longest that a store waits before it looks at its rule again, and the shortest: clocks are
/// set, and partitions expire together.
const LOOK_AT_MOST: Duration = Duration::from_secs(3600);
const LOOK_AT_LEAST: Duration = Duration::from_secs(1);

/// What a run of retention dropped, or would drop.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct RetentionReport {
    /// The partitions that go, oldest first.
    pub partitions: Vec<ExpiredPartition>,
    /// Traces that lose some of their spans and keep others, which lie in later partitions. What
    /// cannot be read counts as not there.
    pub cut_traces: u64,
}

/// A partition that goes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ExpiredPartition {
    /// Its first moment.
    pub start: Timestamp,
    /// How much time it covers.
    pub width: Duration,
    /// Why it goes.
    pub why: Expiry,
    /// Its published segments.
    pub segments: u64,
    /// Its live spans.
    pub spans: u64,
    /// Bytes of its segments' files.
    pub bytes: u64,
}

impl RetentionReport {
    /// Spans that go.
    pub fn spans(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.spans).sum()
    }

    /// Bytes of the files that go.
    pub fn bytes(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.bytes).sum()
    }

    /// What would go of `state` by `rule`.
    pub(crate) fn of(state: &State, rule: &Retention, now: Timestamp) -> Result<Self> {
        let expired = expired(state, rule, now);
        let cut_traces = cut_traces(state, &expired)?;
        Ok(Self { partitions: describe(state, &expired)?, cut_traces })
    }
}

type Expired = Vec<(PartitionKey, Expiry)>;

/// What of `state` has expired.
fn expired(state: &State, rule: &Retention, now: Timestamp) -> Expired {
    let partitions = state.partitions().iter();
    let held = partitions.filter(|(_, partition)| !partition.is_empty());
    let sizes: Vec<_> = held.map(|(key, partition)| (*key, partition.file_bytes())).collect();
    rule.expired(&sizes, now)
}

fn describe(state: &State, expired: &Expired) -> Result<Vec<ExpiredPartition>> {
    let partition = |&(key, why): &(PartitionKey, Expiry)| {
        let partition = state.partitions().get(&key)?;
        Some(stats::count_buffered(partition).map(|buffered| ExpiredPartition {
            start: key.first(),
            width: Duration::from_nanos(key.width_nanos),
            why,
            segments: partition.segments.len() as u64,
            spans: partition.flushed_spans() + buffered,
            bytes: partition.file_bytes(),
        }))
    };
    expired.iter().filter_map(partition).collect()
}

/// Counts the traces with spans in these partitions of `state` and in others.
fn cut_traces(state: &State, expired: &Expired) -> Result<u64> {
    let gone: BTreeSet<PartitionKey> = expired.iter().map(|(key, _)| *key).collect();
    let is_gone = |key: &PartitionKey| gone.contains(key);
    let kept = state.view_of(&|key| !is_gone(key));
    if gone.is_empty() || kept.held(TimeRange::ALL).partitions == 0 {
        return Ok(0);
    }
    count_distinct(&mut |visit| {
        for (_, partition) in state.partitions().iter().filter(|(key, _)| is_gone(key)) {
            stats::visit_pieces(partition, &mut |id| {
                if holds(&kept, id) {
                    visit(id);
                }
            })?;
        }
        Ok(())
    })
    .map(|counted| counted.distinct)
}

/// Whether a view has spans of a trace, as far as can be read.
fn holds(view: &View, id: TraceId) -> bool {
    view.pieces(id).is_ok_and(|pieces| !pieces.is_empty())
}

impl Engine {
    /// Drops what has expired by `rule`, and tells what that was.
    pub(crate) fn retain(self: &Arc<Self>, rule: &Retention) -> Result<RetentionReport> {
        self.check_writable()?;
        let now = self.environment.clock.now();
        let keys: BTreeSet<_> =
            expired(&self.state(), rule, now).into_iter().map(|(key, _)| key).collect();
        // Mostly so, when a flush asks.
        if keys.is_empty() {
            return Ok(RetentionReport::default());
        }
        let claim = self.claim(keys);
        // What others were doing to the partitions may have changed the answer.
        let mut due = expired(&self.state(), rule, now);
        due.retain(|(key, _)| claim.holds(key));
        if due.is_empty() {
            return Ok(RetentionReport::default());
        }
        let (begin, first) = (Instant::now(), due.first().map_or(now, |(key, _)| key.first()));
        self.watch.tell(&StoreEvent::Began { job: Job::Retain, partition: first });
        let keys: Vec<PartitionKey> = due.iter().map(|(key, _)| *key).collect();
        let before = self.close_buffers(&keys);
        let dropped = describe(&before, &due).and_then(|partitions| {
            self.drop_partitions(&before, &keys)?;
            Ok(RetentionReport { partitions, cut_traces: 0 })
        });
        let mut report = dropped.inspect_err(|error| {
            self.watch.tell(&StoreEvent::Failed { job: Job::Retain, error });
        })?;
        drop(claim);
        let (partitions, took) = (due.len() as u64, begin.elapsed());
        let (spans, bytes) = (report.spans(), report.bytes());
        self.watch.tell(&StoreEvent::Dropped { partitions, spans, bytes, took });
        // Only now: it takes a lookup a trace, and what has expired is gone without it.
        report.cut_traces = cut_traces(&before, &due)?;
        Ok(report)
    }

    /// Seals the buffers of these partitions, and returns the state of then: what comes from now
    /// on is not in what goes.
    fn close_buffers(&self, keys: &[PartitionKey]) -> Arc<State> {
        self.publish(|state| {
            for key in keys {
                state.change(*key, Partition::seal);
            }
        });
        self.state()
    }

    /// Drops claimed partitions, as far as `state` knows them, whose live buffers are not looked
    /// at.
    fn drop_partitions(self: &Arc<Self>, state: &State, keys: &[PartitionKey]) -> Result<()> {
        let dropped: Vec<Dropped<'_>> =
            keys.iter().filter_map(|key| Dropped::of(state, *key)).collect();
        let through = dropped.iter().map(|dropped| dropped.last).max().unwrap_or(0);
        self.sync_through(through)?;
        // Those who hold the state may want its segments after their files are unlinked.
        held::sound(dropped.iter().flat_map(|dropped| &dropped.partition.segments))?;
        let firsts = dropped.iter().flat_map(Dropped::first_frames).collect();
        let floor = self.log_floor_without(&firsts, through);
        let edit = Edit {
            drop: dropped.iter().map(|dropped| (dropped.key, dropped.last)).collect(),
            log_floor: Some(floor),
            ..Edit::default()
        };
        let disk = self.environment.disk.as_ref();
        reserve::on_full_disk(disk, &self.root, || {
            self.apply(edit.clone(), &mut |state, _| {
                for Dropped { key, last, .. } in &dropped {
                    state.change(*key, |partition| partition.forget_through(*last));
                }
            })
        })?;
        self.log.release(floor)?;
        self.unlink_obsolete();
        self.keep_reserve();
        Ok(())
    }

    /// Does what the options' rule asks for, and arms the timer that does so again.
    pub(crate) fn keep_rule(self: &Arc<Self>) {
        let Some(rule) = &self.options.retention else { return };
        let result = self.poisoned_by_panics("retention", || self.retain(rule));
        // A failure has been told, and is tried again when the timer fires or the next flush ends.
        if let Ok(report) = result {
            let last = report.partitions.last();
            let end = last.map(|gone| gone.start.saturating_add(gone.width));
            self.horizon.fetch_max(end.unwrap_or_default().nanos(), Ordering::AcqRel);
        }
        self.arm_rule(LOOK_AT_LEAST);
    }

    /// Arms the timer of the options' rule: for when the oldest partition expires by age, if any
    /// does.
    pub(crate) fn arm_rule(self: &Arc<Self>, at_least: Duration) {
        let Some(rule) = &self.options.retention else { return };
        let state = self.state();
        let oldest = state.partitions().iter().find(|(_, partition)| !partition.is_empty());
        let Some(expiry) = oldest.and_then(|(key, _)| rule.next_expiry(key)) else { return };
        let wait = expiry.since(self.environment.clock.now());
        self.arm_retention(wait.clamp(at_least, LOOK_AT_MOST.max(at_least)));
    }

    /// Spans that start before this are refused: they belong to partitions that the options' rule
    /// has dropped, or would drop at once.
    pub(crate) fn horizon(&self, now: Timestamp) -> Timestamp {
        let Some(rule) = &self.options.retention else { return Timestamp::ZERO };
        let by_age = rule.horizon(now, saturating_nanos(self.options.partition));
        by_age.max(Timestamp::from_nanos(self.horizon.load(Ordering::Acquire)))
    }
}

/// A partition that is dropped, with its segments and its sealed buffers.
struct Dropped<'a> {
    key: PartitionKey,
    partition: &'a Partition,
    /// The last frame in the sealed buffers.
    last: u64,
}

impl<'a> Dropped<'a> {
    fn of(state: &'a State, key: PartitionKey) -> Option<Self> {
        let partition = state.partitions().get(&key)?;
        let frames = partition.sealed.iter().filter_map(|buffer| buffer.seqs);
        Some(Self { key, partition, last: frames.map(|(_, last)| last).max().unwrap_or(0) })
    }

    /// The first frames of the sealed buffers.
    fn first_frames(&self) -> impl Iterator<Item = (u64, PartitionKey)> {
        let frames = self.partition.sealed.iter().filter_map(|buffer| buffer.seqs);
        frames.map(|(first, _)| (first, self.key))
    }
}
