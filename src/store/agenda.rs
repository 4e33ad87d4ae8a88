//! [`Agenda`]: what is to be done next in which partition, without looking at all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::base::time::Timestamp;
use crate::catalog::PartitionKey;
use crate::store::sealing::seal_due;
use crate::store::state::Partition;
use crate::upkeep::plan::Policy;

/// Partitions by what is to be done in them. Kept up as partitions change, so that finding the
/// next job costs the same in a store of ten thousand partitions as in one of ten.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    /// Tells when merges are due.
    policy: Policy,
    /// Live buffers by size.
    by_size: BTreeSet<(usize, PartitionKey)>,
    /// Live buffers by the frame that they took last.
    by_use: BTreeSet<(u64, PartitionKey)>,
    /// The oldest sealed buffer of each partition by its first frame.
    sealed: BTreeSet<(u64, PartitionKey)>,
    /// The first frames of all buffers.
    firsts: BTreeSet<(u64, PartitionKey)>,
    /// Partitions in which a merge may be due, and their segments.
    crowded: BTreeMap<PartitionKey, usize>,
    /// The same by their segments.
    by_crowd: BTreeSet<(usize, PartitionKey)>,
    /// Partitions that are to be sealed, and when, if nothing comes for them until then.
    quiet: BTreeSet<(Timestamp, PartitionKey)>,
}

impl Agenda {
    /// Of a store without partitions.
    pub(crate) fn new(policy: Policy) -> Self {
        Self { policy, ..Self::default() }
    }

    /// A partition has changed. Telling it twice does no harm.
    pub(crate) fn note(
        &mut self,
        key: PartitionKey,
        before: Option<&Partition>,
        after: Option<&Partition>,
    ) {
        if let Some(before) = before {
            if let Some((_, last)) = before.live.seqs {
                self.by_size.remove(&(before.live.memory_bytes(), key));
                self.by_use.remove(&(last, key));
            }
            if let Some((first, _)) = before.sealed.first().and_then(|buffer| buffer.seqs) {
                self.sealed.remove(&(first, key));
            }
            for (first, _) in before.buffers().filter_map(|buffer| buffer.seqs) {
                self.firsts.remove(&(first, key));
            }
            if let Some(due) = seal_due(&key, before, &self.policy) {
                self.quiet.remove(&(due, key));
            }
        }
        if let Some(after) = after {
            if let Some((_, last)) = after.live.seqs {
                self.by_size.insert((after.live.memory_bytes(), key));
                self.by_use.insert((last, key));
            }
            if let Some((first, _)) = after.sealed.first().and_then(|buffer| buffer.seqs) {
                self.sealed.insert((first, key));
            }
            for (first, _) in after.buffers().filter_map(|buffer| buffer.seqs) {
                self.firsts.insert((first, key));
            }
            self.quiet.extend(seal_due(&key, after, &self.policy).map(|due| (due, key)));
        }
        let segments = after.map_or(0, |partition| partition.segments.len());
        if segments < self.policy.fan_in.max(2) {
            self.set_uncrowded(&key);
        } else if before.is_none_or(|before| before.segments.len() != segments) {
            self.set_uncrowded(&key);
            self.crowded.insert(key, segments);
            self.by_crowd.insert((segments, key));
        }
    }

    /// How many partitions have a live buffer with something in it.
    pub(crate) fn open(&self) -> usize {
        self.by_size.len()
    }

    /// The largest live buffers, the largest first.
    pub(crate) fn largest(&self) -> impl Iterator<Item = (usize, PartitionKey)> {
        self.by_size.iter().rev().copied()
    }

    /// The live buffers that have waited longest for a span, the longest first.
    pub(crate) fn longest_unused(&self) -> impl Iterator<Item = PartitionKey> {
        self.by_use.iter().map(|(_, key)| *key)
    }

    /// The partitions with buffers that have frames before `seq`.
    pub(crate) fn before(&self, seq: u64) -> impl Iterator<Item = PartitionKey> {
        self.firsts.iter().take_while(move |(first, _)| *first < seq).map(|(_, key)| *key)
    }

    /// All live buffers with something in them.
    pub(crate) fn live(&self) -> Vec<PartitionKey> {
        self.by_use.iter().map(|(_, key)| *key).collect()
    }

    /// Whether some buffer is to be flushed.
    pub(crate) fn has_sealed(&self) -> bool {
        !self.sealed.is_empty()
    }

    /// The partitions with sealed buffers, that with the oldest first.
    pub(crate) fn sealed(&self) -> impl Iterator<Item = PartitionKey> {
        self.sealed.iter().map(|(_, key)| *key)
    }

    /// The first frame that is in a buffer other than `those`, told by their first frames.
    pub(crate) fn first_frame_without(&self, those: &BTreeSet<(u64, PartitionKey)>) -> Option<u64> {
        self.firsts.iter().find(|first| !those.contains(first)).map(|(first, _)| *first)
    }

    /// The first partition behind `after` in which a merge may be due.
    pub(crate) fn crowded_after(&self, after: Option<PartitionKey>) -> Option<PartitionKey> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.crowded.range((from, Bound::Unbounded)).next().map(|(key, _)| *key)
    }

    /// The partitions that are to be sealed, and when, the first first.
    pub(crate) fn quiet(&self) -> impl Iterator<Item = (Timestamp, PartitionKey)> {
        self.quiet.iter().copied()
    }

    /// No merge is due in a partition until it changes.
    pub(crate) fn set_uncrowded(&mut self, key: &PartitionKey) {
        if let Some(segments) = self.crowded.remove(key) {
            self.by_crowd.remove(&(segments, *key));
        }
    }

    /// The partitions with at least so many segments in which a merge may be due.
    pub(crate) fn crowds(&self, segments: usize) -> Vec<PartitionKey> {
        let crowds = self.by_crowd.iter().rev();
        crowds.take_while(|(count, _)| *count >= segments).map(|(_, key)| *key).collect()
    }
}
