//! What is live: partitions and their segments, as one immutable value.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::time::Timestamp;
use crate::catalog::edit::Edit;
use crate::disk::names;
use crate::segment::Summary;

/// Which partition: spans that start in `[start, start + width)`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PartitionKey {
    /// Where it begins, in nanoseconds since the epoch.
    pub start_nanos: u64,
    /// How wide it is, in nanoseconds; at least 1.
    pub width_nanos: u64,
}

impl PartitionKey {
    /// The partition that holds `time` when all are `width_nanos` wide and begin at the epoch.
    pub fn aligned(time: Timestamp, width_nanos: u64) -> Self {
        let width_nanos = width_nanos.max(1);
        Self { start_nanos: time.nanos() - time.nanos() % width_nanos, width_nanos }
    }

    /// The first nanosecond inside.
    pub fn first(&self) -> Timestamp {
        Timestamp::from_nanos(self.start_nanos)
    }

    /// The last nanosecond inside.
    pub fn last(&self) -> Timestamp {
        let width = self.width_nanos.saturating_sub(1);
        Timestamp::from_nanos(self.start_nanos.saturating_add(width))
    }

    /// The partition's folder in the store at `root`.
    pub fn dir(&self, root: &Path) -> PathBuf {
        root.join(names::partition_dir(self.start_nanos, self.width_nanos))
    }

    /// The file of segment `id` of this partition in the store at `root`.
    pub fn segment_path(&self, root: &Path, id: u64) -> PathBuf {
        self.dir(root).join(names::segment_file(id))
    }

    /// The file of that segment's id filter.
    pub fn ids_path(&self, root: &Path, id: u64) -> PathBuf {
        self.dir(root).join(names::ids_file(id))
    }
}

/// A live segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentEntry {
    /// Unique in the store, ascending in the order of making.
    pub id: u64,
    /// Length of its file.
    pub bytes: u64,
    /// What it holds, so that it need not be opened to be passed over.
    pub summary: Summary,
}

/// Whether a partition still awaits spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum PartitionState {
    /// Spans are expected.
    #[default]
    Open,
    /// Past its lateness window: every trace in it had been gathered into one segment when the
    /// segment with this id was the last. Later spans make further segments beside.
    Sealed(u64),
}

/// One partition of a [`Version`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PartitionEntry {
    /// Its segments by ascending id.
    pub segments: Vec<SegmentEntry>,
    /// Frames of the log up to this one are in its segments, as far as they touch it.
    pub flushed_seq: u64,
    /// Whether it still awaits spans.
    pub state: PartitionState,
}

/// The catalog at one moment. Never changes; an [`Edit`] makes the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Counts edits.
    pub number: u64,
    /// All partitions that hold segments, and those whose flushed sequence is still needed.
    pub partitions: BTreeMap<PartitionKey, Arc<PartitionEntry>>,
    /// Larger than the id of any segment there ever was in the manifest.
    pub next_segment_id: u64,
    /// Frames of the log up to this one are in segments in full, or dropped: the log may forget
    /// them, and no partition needs them.
    pub log_floor: u64,
}

impl Version {
    /// The catalog of a store in which nothing has happened.
    pub fn empty(number: u64) -> Self {
        Self { number, partitions: BTreeMap::new(), next_segment_id: 1, log_floor: 0 }
    }

    /// Frames up to this one need not be replayed into the partition `key`.
    pub fn flushed_seq(&self, key: &PartitionKey) -> u64 {
        let flushed = self.partitions.get(key).map_or(0, |entry| entry.flushed_seq);
        flushed.max(self.log_floor)
    }

    /// The highest frame that some partition has flushed: the log was synced at least this far.
    pub fn highest_flushed(&self) -> u64 {
        let flushed = self.partitions.values().map(|entry| entry.flushed_seq);
        flushed.max().unwrap_or(0).max(self.log_floor)
    }

    /// All live segments, by partition and id.
    pub fn segments(&self) -> impl Iterator<Item = (&PartitionKey, &SegmentEntry)> {
        let partitions = self.partitions.iter();
        partitions.flat_map(|(key, entry)| entry.segments.iter().map(move |s| (key, s)))
    }

    /// Whether segment `id` is live in the partition `key`.
    pub fn contains(&self, key: &PartitionKey, id: u64) -> bool {
        let entry = self.partitions.get(key);
        entry.is_some_and(|entry| entry.segments.binary_search_by_key(&id, |s| s.id).is_ok())
    }

    /// Refuses an edit that was planned on an older version and no longer fits this one: it
    /// removes a segment that is not live, or adds one under an id that is taken.
    pub fn check(&self, edit: &Edit) -> Result<()> {
        // Ids are new as a rule; then nothing need be looked up among all segments.
        let is_new =
            |(_, segment): &(PartitionKey, SegmentEntry)| segment.id >= self.next_segment_id;
        let live: BTreeSet<u64> = match edit.remove.is_empty() && edit.add.iter().all(is_new) {
            true => BTreeSet::new(),
            false => self.segments().map(|(_, segment)| segment.id).collect(),
        };
        if let Some(id) = edit.remove.iter().find(|id| !live.contains(id)) {
            return Err(Error::invalid(format!("segment {id} is no longer live")));
        }
        let mut added = BTreeSet::new();
        for (_, segment) in &edit.add {
            if live.contains(&segment.id) || !added.insert(segment.id) {
                return Err(Error::invalid(format!("segment {} is there already", segment.id)));
            }
        }
        Ok(())
    }

    /// The version that `edit` makes of this one. Applying the same edit again changes nothing but
    /// the number. Removals and drops come first, so an edit may replace.
    #[must_use]
    pub fn apply(&self, edit: &Edit) -> Self {
        let mut next = self.clone();
        next.number = next.number.saturating_add(1);
        if !edit.remove.is_empty() {
            let removed: BTreeSet<u64> = edit.remove.iter().copied().collect();
            for entry in next.partitions.values_mut() {
                if entry.segments.iter().any(|segment| removed.contains(&segment.id)) {
                    Arc::make_mut(entry).segments.retain(|s| !removed.contains(&s.id));
                }
            }
        }
        for (key, seq) in &edit.drop {
            let entry = next.entry(*key);
            entry.segments.clear();
            entry.state = PartitionState::Open;
            entry.flushed_seq = entry.flushed_seq.max(*seq);
        }
        for (key, segment) in &edit.add {
            next.next_segment_id = next.next_segment_id.max(segment.id.saturating_add(1));
            let segments = &mut next.entry(*key).segments;
            if let Err(at) = segments.binary_search_by_key(&segment.id, |s| s.id) {
                segments.insert(at, *segment);
            }
        }
        for (key, seq) in &edit.flushed {
            let entry = next.entry(*key);
            entry.flushed_seq = entry.flushed_seq.max(*seq);
        }
        for (key, state) in &edit.state {
            next.entry(*key).state = *state;
        }
        next.next_segment_id = next.next_segment_id.max(edit.next_segment_id.unwrap_or(0));
        next.log_floor = next.log_floor.max(edit.log_floor.unwrap_or(0));
        let floor = next.log_floor;
        next.partitions.retain(|_, p| !p.segments.is_empty() || p.flushed_seq > floor);
        next
    }

    fn entry(&mut self, key: PartitionKey) -> &mut PartitionEntry {
        Arc::make_mut(self.partitions.entry(key).or_default())
    }

    /// The edit that makes this version, but for its number, of an empty one.
    pub fn to_edit(&self) -> Edit {
        let mut edit = Edit {
            next_segment_id: Some(self.next_segment_id),
            log_floor: Some(self.log_floor),
            ..Edit::default()
        };
        for (key, entry) in &self.partitions {
            edit.add.extend(entry.segments.iter().map(|segment| (*key, *segment)));
            edit.flushed.push((*key, entry.flushed_seq));
            edit.state.push((*key, entry.state));
        }
        edit
    }
}
