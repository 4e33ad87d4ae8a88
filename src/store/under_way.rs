//! What is under way in a store, and what is due next.

use std::collections::BTreeSet;
use std::thread::ThreadId;

use crate::base::effort::Effort;
use crate::base::error::{Error, Result};
use crate::catalog::PartitionKey;
use crate::store::agenda::Agenda;
use crate::store::held::Held;
use crate::store::state::{Buffer, Partition, State};
use crate::upkeep::plan::{self, Candidate};

/// Buffers are flushed together up to this size and number: enough that the syncs of the manifest
/// hardly count beside those of the segments, few enough that none waits long for the others.
const TOGETHER_BYTES: usize = 4 << 20;
const TOGETHER: usize = 256;

/// One piece of background work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// Write the oldest sealed buffer of each of these partitions as a segment.
    Flush(Vec<PartitionKey>),
    /// Merge these segments of the partition.
    Merge(PartitionKey, Vec<u64>),
}

/// The jobs that were begun, and what came of earlier ones.
#[derive(Default)]
pub(crate) struct UnderWay {
    /// Jobs of the executor that work for the store.
    pub(crate) workers: usize,
    /// The threads that do, where the executor has none of its own.
    pub(crate) inline: Vec<ThreadId>,
    flushing: BTreeSet<PartitionKey>,
    pub(crate) merging: BTreeSet<PartitionKey>,
    /// Partitions that are about to be dropped.
    pub(crate) claimed: BTreeSet<PartitionKey>,
    /// Segments that merges leave alone until the store is reopened: inputs of merges that found
    /// damage, and outputs that were cut because they were full, which no merge makes fewer.
    pub(crate) settled: BTreeSet<u64>,
    pub(crate) retry_due: bool,
    pub(crate) last_error: Option<Error>,
}

impl UnderWay {
    pub(crate) fn next(&self, state: &State, agenda: &mut Agenda, fan_in: usize) -> Option<Job> {
        self.next_flush(state, agenda).or_else(|| self.next_merge(state, agenda, fan_in))
    }

    /// The sealed buffers that have waited longest and are not being flushed.
    pub(crate) fn next_flush(&self, state: &State, agenda: &Agenda) -> Option<Job> {
        let (mut keys, mut bytes) = (Vec::new(), 0);
        let is_free =
            |key: &PartitionKey| !self.flushing.contains(key) && !self.claimed.contains(key);
        for key in agenda.sealed().filter(is_free) {
            bytes += sealed_bytes(state, &key);
            if !keys.is_empty() && bytes > TOGETHER_BYTES {
                break;
            }
            keys.push(key);
            if keys.len() == TOGETHER {
                break;
            }
        }
        (!keys.is_empty()).then_some(Job::Flush(keys))
    }

    pub(crate) fn next_merge(
        &self,
        state: &State,
        agenda: &mut Agenda,
        fan_in: usize,
    ) -> Option<Job> {
        let mut last = None;
        while let Some(key) = agenda.crowded_after(last) {
            last = Some(key);
            if self.merging.contains(&key) || self.claimed.contains(&key) {
                continue;
            }
            let partition = state.partitions().get(&key);
            let candidates: Vec<_> =
                partition.into_iter().flat_map(|p| self.mergeable(p)).collect();
            let ids = plan::next_merge(&candidates, fan_in);
            if !ids.is_empty() {
                return Some(Job::Merge(key, ids));
            }
            agenda.set_uncrowded(&key);
        }
        None
    }

    /// How many of a partition's segments can be merged, if a merge of it is due or under way.
    pub(crate) fn unmerged(
        &self,
        partition: &Partition,
        key: PartitionKey,
        fan_in: usize,
    ) -> Option<usize> {
        let candidates: Vec<_> = self.mergeable(partition).collect();
        let is_due = || !plan::next_merge(&candidates, fan_in).is_empty();
        (self.merging.contains(&key) || is_due()).then_some(candidates.len())
    }

    fn mergeable<'a>(&'a self, partition: &'a Partition) -> impl Iterator<Item = Candidate> + 'a {
        let sound = partition.segments.iter().filter(|held| !held.is_lost());
        let segments = sound.map(|held| Candidate { id: held.id, bytes: held.bytes });
        segments.filter(|segment| !self.settled.contains(&segment.id))
    }

    /// Claims partitions, unless a flush or another claim is at one of them.
    pub(crate) fn try_claim(&mut self, keys: &BTreeSet<PartitionKey>) -> bool {
        let is_free = self.flushing.is_disjoint(keys) && self.claimed.is_disjoint(keys);
        if is_free {
            self.claimed.extend(keys);
        }
        is_free
    }

    pub(crate) fn begin(&mut self, job: &Job) {
        match job {
            Job::Flush(keys) => self.flushing.extend(keys),
            Job::Merge(key, _) => {
                self.merging.insert(*key);
            }
        }
    }

    pub(crate) fn end(&mut self, job: &Job, result: &Result<()>) {
        match job {
            Job::Flush(keys) => self.flushing.retain(|key| !keys.contains(key)),
            Job::Merge(key, _) => {
                self.merging.remove(key);
            }
        }
        let failure = result.as_ref().err();
        self.last_error = failure.filter(|error| !matches!(error, Error::Cancelled)).cloned();
        if let (Job::Merge(_, ids), Err(Error::Corrupt { .. } | Error::Version { .. })) =
            (job, result)
        {
            self.settled.extend(ids);
        }
    }

    /// All of a partition's segments, unless a merge of it is under way; none if there is but one
    /// that is as small as it can be.
    pub(crate) fn whole_merge(&self, state: &State, key: PartitionKey) -> Option<Job> {
        if self.merging.contains(&key) || self.claimed.contains(&key) {
            return None;
        }
        let Some(partition) = state.partitions().get(&key) else {
            return Some(Job::Merge(key, Vec::new()));
        };
        let mut ids: Vec<u64> = self.mergeable(partition).map(|segment| segment.id).collect();
        let is_done = |held: &Held| held.summary().effort == Effort::Thorough;
        if let &[only] = ids.as_slice()
            && partition.segments.iter().any(|held| held.id == only && is_done(held))
        {
            ids.clear();
        }
        Some(Job::Merge(key, ids))
    }
}

/// What the oldest sealed buffer of a partition takes.
pub(crate) fn sealed_bytes(state: &State, key: &PartitionKey) -> usize {
    let sealed = state.partitions().get(key).and_then(|partition| partition.sealed.first());
    sealed.map_or(0, Buffer::memory_bytes)
}
