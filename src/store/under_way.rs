//! What is under way in a store, and what is due next.

use std::collections::BTreeSet;
use std::thread::ThreadId;

use crate::base::error::{Error, Result};
use crate::base::time::Timestamp;
use crate::catalog::PartitionKey;
use crate::store::agenda::Agenda;
use crate::store::sealing::{candidates, facts};
use crate::store::state::{Buffer, Partition, State};
use crate::upkeep::plan::{Candidate, Policy, Step};

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
    /// Merge these, which are all that can be, and note that the partition is sealed.
    Seal(PartitionKey, Vec<u64>),
}

impl Job {
    fn of(key: PartitionKey, step: Step) -> Self {
        match step {
            Step::Merge(ids) => Self::Merge(key, ids),
            Step::Seal(ids) => Self::Seal(key, ids),
        }
    }
}

/// How somebody looks for work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) policy: Policy,
    pub(crate) now: Timestamp,
    /// Whether partitions that are over count as quiet although something came for them lately.
    pub(crate) whatever_came: bool,
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
    /// Inputs of merges that found damage, which are left alone until the store is reopened.
    damaged: BTreeSet<u64>,
    /// Outputs that were cut because they were full, which no merge makes fewer: left alone until
    /// then, but by sealing.
    pub(crate) full: BTreeSet<u64>,
    pub(crate) retry_due: bool,
    pub(crate) last_error: Option<Error>,
}

impl UnderWay {
    pub(crate) fn next(&self, state: &State, agenda: &mut Agenda, look: Look) -> Option<Job> {
        self.next_flush(state, agenda).or_else(|| self.next_merge(state, agenda, look))
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

    /// The merge or sealing that is due.
    pub(crate) fn next_merge(&self, state: &State, agenda: &mut Agenda, look: Look) -> Option<Job> {
        self.next_crowded(state, agenda, look).or_else(|| self.next_quiet(state, agenda, look))
    }

    fn next_crowded(&self, state: &State, agenda: &mut Agenda, look: Look) -> Option<Job> {
        let mut last = None;
        while let Some(key) = agenda.crowded_after(last) {
            last = Some(key);
            if !self.is_free(&key) {
                continue;
            }
            let partition = state.partitions().get(&key);
            if let Some(job) = partition.and_then(|partition| self.due(key, partition, look)) {
                return Some(job);
            }
            agenda.set_uncrowded(&key);
        }
        None
    }

    fn next_quiet(&self, state: &State, agenda: &Agenda, look: Look) -> Option<Job> {
        // When something last came does not matter to who asks: then each may be due.
        let quiet = agenda.quiet().take_while(|(due, _)| look.whatever_came || *due <= look.now);
        let free = quiet.map(|(_, key)| key).filter(|key| self.is_free(key));
        let partitions = free.filter_map(|key| Some((key, state.partitions().get(&key)?)));
        partitions.filter_map(|(key, partition)| self.due(key, partition, look)).next()
    }

    fn is_free(&self, key: &PartitionKey) -> bool {
        !self.merging.contains(key) && !self.claimed.contains(key)
    }

    /// What is due in a partition.
    fn due(&self, key: PartitionKey, partition: &Partition, look: Look) -> Option<Job> {
        let segments = self.candidates(partition);
        let mut facts = facts(&key, partition, &segments);
        if look.whatever_came {
            (facts.first_arrival, facts.last_arrival) = (Timestamp::ZERO, Timestamp::ZERO);
        }
        look.policy.next(&facts, look.now).map(|step| Job::of(key, step))
    }

    fn candidates(&self, partition: &Partition) -> Vec<Candidate> {
        candidates(partition, &self.damaged, &self.full)
    }

    /// How many of a partition's segments can be merged, if a merge of it is due or under way.
    pub(crate) fn unmerged(
        &self,
        partition: &Partition,
        key: PartitionKey,
        look: Look,
    ) -> Option<usize> {
        let segments = self.candidates(partition);
        let is_due = || look.policy.merge(&facts(&key, partition, &segments)).is_some();
        let mergeable = || segments.iter().filter(|segment| !segment.is_full).count();
        (self.merging.contains(&key) || is_due()).then(mergeable)
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
            Job::Merge(key, _) | Job::Seal(key, _) => {
                self.merging.insert(*key);
            }
        }
    }

    pub(crate) fn end(&mut self, job: &Job, result: &Result<()>) {
        match job {
            Job::Flush(keys) => self.flushing.retain(|key| !keys.contains(key)),
            Job::Merge(key, _) | Job::Seal(key, _) => {
                self.merging.remove(key);
            }
        }
        let failure = result.as_ref().err();
        self.last_error = failure.filter(|error| !matches!(error, Error::Cancelled)).cloned();
        if let (
            Job::Merge(_, ids) | Job::Seal(_, ids),
            Err(Error::Corrupt { .. } | Error::Version { .. }),
        ) = (job, result)
        {
            self.damaged.extend(ids);
        }
    }

    /// The merge of a partition that somebody asks for, unless one is under way; of no segments if
    /// there is nothing to gain.
    pub(crate) fn whole_merge(&self, state: &State, key: PartitionKey, look: Look) -> Option<Job> {
        if !self.is_free(&key) {
            return None;
        }
        let step = state.partitions().get(&key).and_then(|partition| {
            let segments = self.candidates(partition);
            look.policy.whole(&facts(&key, partition, &segments), look.now)
        });
        Some(step.map_or(Job::Merge(key, Vec::new()), |step| Job::of(key, step)))
    }
}

/// What the oldest sealed buffer of a partition takes.
pub(crate) fn sealed_bytes(state: &State, key: &PartitionKey) -> usize {
    let sealed = state.partitions().get(key).and_then(|partition| partition.sealed.first());
    sealed.map_or(0, Buffer::memory_bytes)
}
