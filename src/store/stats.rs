//! Counts and sizes of a store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::Result;
use crate::base::ids::TraceId;
use crate::base::time::Timestamp;
use crate::catalog::PartitionKey;
use crate::ingest::group::Group;
use crate::ingest::rows::{self, Place};
use crate::store::counters::Counters;
use crate::store::distinct::count_distinct;
use crate::store::held::{self, Held};
use crate::store::resources::MemoryUse;
use crate::store::state::{Partition, State};
use crate::upkeep;

/// What a store holds. Identical spans count once.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Live spans.
    pub spans: u64,
    /// Distinct trace ids among them.
    pub traces: u64,
    /// Published segments.
    pub segments: u64,
    /// Those among them that cannot be opened. Their spans and bytes are counted as the manifest
    /// has them; which traces they hold is not known, so `traces` leaves out those that no other
    /// segment holds too.
    pub lost_segments: u64,
    /// Bytes of the published segments' files.
    pub bytes: u64,
    /// Spans that are in the log and in memory, not yet in a segment.
    pub buffered_spans: u64,
    /// Memory of the buffers that hold them.
    pub buffered_bytes: u64,
    /// Partitions, oldest first.
    pub partitions: Vec<PartitionStats>,
    /// What takes how many of `bytes`, the largest first.
    pub sections: Vec<SectionStats>,
    /// The last failure of a background job, unless one has succeeded since.
    pub last_error: Option<String>,
    /// What the store has done. A reader knows what the writer wrote down last, a snapshot nothing.
    pub counters: Option<Counters>,
    /// The memory of the store and of those that share its [`Resources`](crate::Resources); of a
    /// store only.
    pub memory: Option<MemoryUse>,
}

/// What one kind of data takes in all segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SectionStats {
    /// What it is: `blocks` hold the spans, `tag index` finds them by their tags, and so on.
    pub name: &'static str,
    /// Its bytes.
    pub bytes: u64,
}

/// What a partition holds.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PartitionStats {
    /// Its first moment.
    pub start: Timestamp,
    /// How much time it covers.
    pub width: Duration,
    /// Where it stands.
    pub state: PartitionState,
    /// Its published segments.
    pub segments: u64,
    /// Its live spans.
    pub spans: u64,
    /// Bytes of its segments' files.
    pub bytes: u64,
    /// Traces that have spans in several places of it: in more than one segment, or in one and in
    /// buffers. While it is [`PartitionState::Open`] because it has not been merged yet, when it is
    /// [`PartitionState::Late`] because some came after that, else because they are larger than
    /// merges can hold, or a segment is damaged.
    pub split_traces: u64,
}

/// Where a partition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PartitionState {
    /// Spans of it are expected.
    Open,
    /// It was over, and has been merged so that each trace stands in one place.
    Sealed,
    /// Spans have come since.
    Late,
}

impl PartitionState {
    /// The name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Sealed => "sealed",
            Self::Late => "late",
        }
    }
}

/// Counts what `state` holds.
pub(crate) fn collect(state: &State) -> Result<Stats> {
    let mut stats = Stats::default();
    let mut sections: BTreeMap<&'static str, u64> = BTreeMap::new();
    for (key, partition) in state.partitions().iter().filter(|(_, held)| !held.is_empty()) {
        let mut own = of_partition(key, partition)?;
        for held in &partition.segments {
            let Some(segment) = held.segment()? else {
                stats.lost_segments += 1;
                continue;
            };
            for part in segment.shares()? {
                *sections.entry(part.name).or_default() += part.bytes;
            }
        }
        let filters: u64 = partition.segments.iter().map(Held::filter_bytes).sum();
        // Single files that were opened by name have no id filters beside them.
        if state.version.partitions.contains_key(key) {
            *sections.entry("id filters").or_default() += filters;
        } else {
            own.bytes -= filters;
        }
        stats.spans += own.spans;
        stats.buffered_spans += own.spans - partition.flushed_spans();
        stats.segments += own.segments;
        stats.bytes += own.bytes;
        stats.partitions.push(own);
    }
    stats.sections =
        sections.into_iter().map(|(name, bytes)| SectionStats { name, bytes }).collect();
    stats.sections.sort_by_key(|section| std::cmp::Reverse(section.bytes));
    stats.traces = count_distinct(&mut |visit| {
        state.partitions().values().try_for_each(|partition| visit_pieces(partition, visit))
    })?
    .distinct;
    stats.buffered_bytes = state.buffer_bytes().1 as u64;
    Ok(stats)
}

/// Counts what one partition holds.
fn of_partition(key: &PartitionKey, partition: &Partition) -> Result<PartitionStats> {
    let is_old = |sealed| partition.segments.iter().all(|held| held.id <= sealed);
    Ok(PartitionStats {
        start: key.first(),
        width: Duration::from_nanos(key.width_nanos),
        state: match partition.sealed_through {
            None => PartitionState::Open,
            Some(sealed) if partition.is_flushed() && is_old(sealed) => PartitionState::Sealed,
            Some(_) => PartitionState::Late,
        },
        segments: partition.segments.len() as u64,
        spans: partition.flushed_spans() + count_buffered(partition)?,
        bytes: partition.file_bytes(),
        split_traces: count_distinct(&mut |visit| visit_pieces(partition, visit))?.repeated,
    })
}

/// Counts the buffered spans that no segment holds, identical ones once.
pub(crate) fn count_buffered(partition: &Partition) -> Result<u64> {
    let groups: Vec<&Group> = partition.groups().map(Arc::as_ref).collect();
    let segments = held::sound(partition.segments.iter())?;
    let mut held = upkeep::held::Held::new(&segments);
    let mut skip = |spans: &[Place<'_>], stored: &mut [bool]| held.mark(spans, stored);
    let stored = rows::stored(&rows::distinct(&groups), &mut skip)?;
    Ok(stored.into_iter().filter(|stored| !stored).count() as u64)
}

/// Hands over the id of each trace in a partition, once for each row range in segments, and once
/// more if it has spans in buffers.
pub(crate) fn visit_pieces(partition: &Partition, visit: &mut dyn FnMut(TraceId)) -> Result<()> {
    for segment in held::sound(partition.segments.iter())? {
        for ordinal in 0..u32::try_from(segment.summary().traces).unwrap_or(u32::MAX) {
            visit(segment.entry(ordinal)?.id);
        }
    }
    let entries = partition.groups().flat_map(|group| group.entries());
    let mut buffered: Vec<TraceId> = entries.map(|entry| entry.trace_id()).collect();
    buffered.sort_unstable();
    buffered.dedup();
    buffered.into_iter().for_each(visit);
    Ok(())
}
