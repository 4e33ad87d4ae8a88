//! Background work: which job is next, running it, and waiting for it.
//!
//! A job belongs to one partition. A partition has at most one flush and one merge under way, so
//! its buffers are flushed in the order in which they were sealed. Flushes go before merges, since
//! appends wait for them.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::base::effort::Effort;
use crate::base::error::{Error, Result};
use crate::base::observer::{self, StoreEvent};
use crate::catalog::PartitionKey;
use crate::store::commit::panic_message;
use crate::store::engine::{Engine, lock};
use crate::store::held::Held;
use crate::store::state::{Partition, State};
use crate::upkeep::plan::{self, Candidate};

/// How long to wait before a failed job is tried again: long enough not to spin on a full disk.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// What is under way in a store.
#[derive(Default)]
pub(crate) struct Jobs {
    under_way: Mutex<UnderWay>,
    /// Told whenever a job ends.
    ended: Condvar,
}

#[derive(Default)]
struct UnderWay {
    workers: usize,
    flushing: BTreeSet<PartitionKey>,
    merging: BTreeSet<PartitionKey>,
    /// Segments that merges leave alone until the store is reopened: inputs of merges that found
    /// damage, and outputs that were cut because they were full, which no merge makes fewer.
    settled: BTreeSet<u64>,
    retry_due: bool,
    last_error: Option<Error>,
}

/// One piece of background work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// Write the oldest sealed buffer of the partition as a segment.
    Flush(PartitionKey),
    /// Merge these segments of the partition.
    Merge(PartitionKey, Vec<u64>),
}

impl Job {
    const fn kind(&self) -> observer::Job {
        match self {
            Self::Flush(_) => observer::Job::Flush,
            Self::Merge(..) => observer::Job::Merge,
        }
    }
}

impl Jobs {
    /// The last failure of a background job, until one of its kind succeeds.
    pub(crate) fn last_error(&self) -> Option<Error> {
        lock(&self.under_way).last_error.clone()
    }

    /// Notes the outputs of a merge: all but the last were cut full, and if they are no fewer than
    /// the inputs, merging them again would go on for ever.
    pub(crate) fn settle(&self, inputs: usize, outputs: &[u64]) {
        let full =
            if outputs.len() < inputs { outputs.len().saturating_sub(1) } else { outputs.len() };
        lock(&self.under_way).settled.extend(outputs.iter().take(full));
    }

    /// Waits until some job ends, or for `at_most`.
    pub(crate) fn wait(&self, at_most: Duration) {
        let under_way = lock(&self.under_way);
        drop(self.ended.wait_timeout(under_way, at_most).unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits until no executor thread works for this store.
    pub(crate) fn wait_for_workers(&self) {
        let mut under_way = lock(&self.under_way);
        while under_way.workers > 0 {
            under_way = self.ended.wait(under_way).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl UnderWay {
    fn next(&self, state: &State, fan_in: usize) -> Option<Job> {
        self.next_flush(state).or_else(|| self.next_merge(state, fan_in))
    }

    /// The sealed buffer that has waited longest and is not being flushed.
    fn next_flush(&self, state: &State) -> Option<Job> {
        let free = state.partitions().iter().filter(|(key, _)| !self.flushing.contains(key));
        let waiting =
            free.filter_map(|(key, partition)| Some((partition.sealed.first()?.seqs?, key)));
        waiting.min().map(|(_, key)| Job::Flush(*key))
    }

    fn next_merge(&self, state: &State, fan_in: usize) -> Option<Job> {
        // Thousands of partitions, of which hardly one has what it takes.
        let several = state.partitions().iter().filter(|(_, p)| p.segments.len() >= fan_in.max(2));
        let free = several.filter(|(key, _)| !self.merging.contains(key));
        free.map(|(key, partition)| {
            let candidates: Vec<_> = self.mergeable(partition).collect();
            Job::Merge(*key, plan::next_merge(&candidates, fan_in))
        })
        .find(|job| !matches!(job, Job::Merge(_, ids) if ids.is_empty()))
    }

    fn mergeable<'a>(&'a self, partition: &'a Partition) -> impl Iterator<Item = Candidate> + 'a {
        let sound = partition.segments.iter().filter(|held| held.segment().is_some());
        let segments = sound.map(|held| Candidate { id: held.id, bytes: held.bytes });
        segments.filter(|segment| !self.settled.contains(&segment.id))
    }

    fn begin(&mut self, job: &Job) {
        match job {
            Job::Flush(key) => self.flushing.insert(*key),
            Job::Merge(key, _) => self.merging.insert(*key),
        };
    }

    fn end(&mut self, job: &Job, result: &Result<()>) {
        match job {
            Job::Flush(key) => self.flushing.remove(key),
            Job::Merge(key, _) => self.merging.remove(key),
        };
        self.last_error = result.as_ref().err().cloned();
        if let (Job::Merge(_, ids), Err(Error::Corrupt { .. } | Error::Version { .. })) =
            (job, result)
        {
            self.settled.extend(ids);
        }
    }
}

impl Engine {
    /// Sees to it that due work gets done: by the executor, or here and now with an inline one.
    pub(crate) fn wake_jobs(self: &Arc<Self>) {
        let workers_max = self.options.threads.max(1);
        {
            let mut under_way = lock(&self.jobs.under_way);
            let due = under_way.next(&self.state(), self.options.merge_fan_in).is_some();
            if !due || under_way.workers >= workers_max || self.is_closed() {
                return;
            }
            under_way.workers += 1;
        }
        let engine = Arc::clone(self);
        self.environment.executor.spawn(Box::new(move || engine.work()));
    }

    /// Runs due jobs until there are none.
    fn work(self: Arc<Self>) {
        let mut failed = false;
        while !self.is_closed() && !failed {
            let Some(job) = self.take_job(UnderWay::next) else { break };
            failed = self.run(&job).is_err();
        }
        self.save_counters();
        {
            let mut under_way = lock(&self.jobs.under_way);
            under_way.workers -= 1;
            if failed && !under_way.retry_due && !self.is_closed() {
                under_way.retry_due = true;
                let engine = Arc::downgrade(&self);
                let retry = Box::new(move || {
                    if let Some(engine) = engine.upgrade() {
                        lock(&engine.jobs.under_way).retry_due = false;
                        engine.wake_jobs();
                    }
                });
                self.environment.executor.spawn_after(RETRY_DELAY, retry);
            }
        }
        self.jobs.ended.notify_all();
    }

    fn take_job(&self, next: impl FnOnce(&UnderWay, &State, usize) -> Option<Job>) -> Option<Job> {
        let mut under_way = lock(&self.jobs.under_way);
        let job = next(&under_way, &self.state(), self.options.merge_fan_in)?;
        under_way.begin(&job);
        Some(job)
    }

    /// Runs a job that was taken; a panic in it poisons the store.
    fn run(self: &Arc<Self>, job: &Job) -> Result<()> {
        let attempt = catch_unwind(AssertUnwindSafe(|| match job {
            Job::Flush(key) => self.flush_partition(*key),
            Job::Merge(key, ids) => self.merge_segments(*key, ids),
        }));
        let result = attempt.unwrap_or_else(|payload| {
            let cause = format!("a background job panicked: {}", panic_message(payload.as_ref()));
            self.poison(cause.clone());
            Err(Error::Poisoned { cause })
        });
        lock(&self.jobs.under_way).end(job, &result);
        self.jobs.ended.notify_all();
        match &result {
            Ok(()) => {}
            Err(Error::Cancelled | Error::Closed) => {
                self.watch.tell(&StoreEvent::Cancelled { job: job.kind() });
            }
            Err(error) => self.watch.tell(&StoreEvent::Failed { job: job.kind(), error }),
        }
        result
    }

    /// Flushes every sealed buffer, helping with the work, and returns when none is left.
    pub(crate) fn flush_sealed(self: &Arc<Self>) -> Result<()> {
        loop {
            if let Some(job) = self.take_job(|jobs, state, _| jobs.next_flush(state)) {
                self.run(&job)?;
                continue;
            }
            if self.state().partitions().values().all(|partition| partition.sealed.is_empty()) {
                return Ok(());
            }
            self.jobs.wait(Duration::from_millis(50));
            self.check_writable()?;
        }
    }

    /// Merges each partition's segments into as few as possible, helping with the work.
    pub(crate) fn merge_all(self: &Arc<Self>) -> Result<()> {
        let keys: Vec<_> = self.state().partitions().keys().copied().collect();
        for key in keys {
            loop {
                self.check_writable()?;
                match self.take_job(|jobs, state, _| jobs.whole_merge(state, key)) {
                    Some(Job::Merge(_, ids)) if ids.is_empty() => {
                        self.finish_idle(&Job::Merge(key, ids));
                        break;
                    }
                    Some(job) => {
                        self.run(&job)?;
                        break;
                    }
                    None => self.jobs.wait(Duration::from_millis(50)),
                }
            }
        }
        Ok(())
    }

    /// Does the merges that are due, helping with the work.
    pub(crate) fn merge_due(self: &Arc<Self>) -> Result<()> {
        loop {
            self.check_writable()?;
            match self.take_job(UnderWay::next_merge) {
                Some(job) => self.run(&job)?,
                None if lock(&self.jobs.under_way).merging.is_empty() => return Ok(()),
                // What is under way may make another merge due.
                None => self.jobs.wait(Duration::from_millis(50)),
            }
        }
    }

    /// Gives back a job that turned out to have nothing to do.
    fn finish_idle(&self, job: &Job) {
        lock(&self.jobs.under_way).end(job, &Ok(()));
        self.jobs.ended.notify_all();
    }
}

impl UnderWay {
    /// All of a partition's segments, unless a merge of it is under way; none if there is but one
    /// that is as small as it can be.
    fn whole_merge(&self, state: &State, key: PartitionKey) -> Option<Job> {
        if self.merging.contains(&key) {
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
