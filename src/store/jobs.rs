//! Background work: running jobs, and waiting for them.
//!
//! A merge belongs to one partition, a flush to one or to several whose buffers are small. A
//! partition has at most one flush and one merge under way, so its buffers are flushed in the
//! order in which they were sealed. Flushes go before merges, since appends wait for them.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use crate::base::error::{Error, Result};
use crate::base::observer::{self, StoreEvent};
use crate::catalog::PartitionKey;
use crate::store::agenda::Agenda;
use crate::store::engine::{Engine, lock};
use crate::store::held;
use crate::store::state::{Partition, State};
use crate::store::under_way::{Job, Look, UnderWay, sealed_bytes};

/// How long to wait before a failed job is tried again: long enough not to spin on a full disk.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// How long to wait for the job of another before looking again.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What is under way in a store.
#[derive(Default)]
pub(crate) struct Jobs {
    under_way: Mutex<UnderWay>,
    /// Told whenever a job ends.
    ended: Condvar,
}

/// A job that was begun, and the memory that was set apart for it.
struct Taken {
    job: Job,
    bytes: usize,
}

/// What looking for a job comes to.
enum Next {
    /// This one has been begun.
    Begun(Taken),
    /// One is due, but the memory budget has no room for it yet.
    Later,
    /// None is due, or others are at it.
    Nothing,
}

/// Estimates of what building a segment takes: one byte for so many of a buffer, and so many for
/// one byte of files that are merged. They decide which jobs run side by side, no more.
const FLUSH_PART: usize = 2;
const MERGE_TIMES: usize = 8;

impl Job {
    const fn kind(&self) -> observer::Job {
        match self {
            Self::Flush(_) => observer::Job::Flush,
            Self::Merge(..) | Self::Seal(..) => observer::Job::Merge,
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
        lock(&self.under_way).full.extend(outputs.iter().take(full));
    }

    /// Whether some thread works for the store, and the last job did not fail.
    pub(crate) fn are_busy(&self) -> bool {
        let under_way = lock(&self.under_way);
        under_way.last_error.is_none() && (under_way.workers > 0 || !under_way.merging.is_empty())
    }

    /// How many of a partition's segments merges are behind with, if one is due or under way.
    pub(crate) fn unmerged(
        &self,
        partition: &Partition,
        key: PartitionKey,
        look: Look,
    ) -> Option<usize> {
        lock(&self.under_way).unmerged(partition, key, look)
    }

    /// Claims partitions for a drop, unless a flush or another claim is at one of them.
    pub(crate) fn try_claim(&self, keys: &BTreeSet<PartitionKey>) -> bool {
        lock(&self.under_way).try_claim(keys)
    }

    /// Lets jobs work on these partitions again.
    pub(crate) fn give_up_claim(&self, keys: &BTreeSet<PartitionKey>) {
        lock(&self.under_way).claimed.retain(|key| !keys.contains(key));
        self.ended.notify_all();
    }

    /// Whether a partition is about to be dropped.
    pub(crate) fn is_claimed(&self, key: &PartitionKey) -> bool {
        lock(&self.under_way).claimed.contains(key)
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

impl Engine {
    /// Sees to it that due work gets done: by the executor, or here and now with an inline one.
    pub(crate) fn wake_jobs(self: &Arc<Self>) {
        let here = self.inline_thread();
        {
            let mut under_way = lock(&self.jobs.under_way);
            let staffed = match here {
                // Threads that append work side by side.
                Some(here) => under_way.inline.contains(&here),
                None => under_way.workers >= self.resources.threads().max(1),
            };
            if staffed || self.is_closed() {
                return;
            }
            let due = {
                let mut agenda = lock(&self.agenda);
                under_way.next(&self.state(), &mut agenda, self.look())
            };
            if due.is_none() {
                return;
            }
            under_way.workers += 1;
            under_way.inline.extend(here);
        }
        self.spawn_work();
    }

    /// This thread, if it is the one that runs what it spawns.
    fn inline_thread(&self) -> Option<ThreadId> {
        self.environment.executor.is_inline().then(|| thread::current().id())
    }

    fn spawn_work(self: &Arc<Self>) {
        let engine = Arc::clone(self);
        self.environment.executor.spawn(Box::new(move || engine.work()));
    }

    /// Runs a due job, if there is one, and goes on behind the jobs of others that share the
    /// threads.
    fn work(self: Arc<Self>) {
        let mut failed = false;
        if !self.is_closed()
            && let Next::Begun(taken) =
                self.take_job(|jobs, state, agenda| jobs.next(state, agenda, self.look()))
        {
            failed = self.run(taken).is_err();
            if !failed {
                return self.spawn_work();
            }
        }
        self.save_counters();
        {
            let mut under_way = lock(&self.jobs.under_way);
            under_way.workers -= 1;
            let here = self.inline_thread();
            under_way.inline.retain(|thread| Some(*thread) != here);
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

    /// How this store looks for work now.
    pub(crate) fn look(&self) -> Look {
        let (policy, now) = (self.options.merge_policy(), self.environment.clock.now());
        Look { policy, now, whatever_came: false }
    }

    /// Begins the job that `next` finds, if the memory budget has room for it.
    fn take_job(
        self: &Arc<Self>,
        next: impl FnOnce(&UnderWay, &State, &mut Agenda) -> Option<Job>,
    ) -> Next {
        let mut under_way = lock(&self.jobs.under_way);
        let (state, job) = {
            let mut agenda = lock(&self.agenda);
            let state = self.state();
            let job = next(&under_way, &state, &mut agenda);
            (state, job)
        };
        let Some(job) = job else { return Next::Nothing };
        let bytes = self.job_bytes(&state, &job);
        let budget = self.resources.budget();
        if !budget.begin_job(bytes) {
            // Asked for before trying again, so that no end of a job is missed.
            self.resources.starve(self);
            if !budget.begin_job(bytes) {
                return Next::Later;
            }
        }
        under_way.begin(&job);
        Next::Begun(Taken { job, bytes })
    }

    /// The memory to set apart for a job.
    fn job_bytes(&self, state: &State, job: &Job) -> usize {
        match job {
            // One after another: the largest counts.
            Job::Flush(keys) => {
                let largest = keys.iter().map(|key| sealed_bytes(state, key)).max();
                largest.unwrap_or_default() / FLUSH_PART
            }
            Job::Merge(key, ids) | Job::Seal(key, ids) => {
                let segments = state.partitions().get(key).into_iter().flat_map(|p| &p.segments);
                let inputs = segments.filter(|held| ids.contains(&held.id));
                let bytes: u64 = inputs.map(|held| held.bytes).sum();
                let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
                bytes.saturating_mul(MERGE_TIMES).min(self.builder_bytes())
            }
        }
    }

    /// Runs a job that was taken; a panic in it poisons the store.
    fn run(self: &Arc<Self>, taken: Taken) -> Result<()> {
        let job = &taken.job;
        let result = self.poisoned_by_panics("a background job", || match job {
            Job::Flush(keys) => self.flush_partitions(keys),
            Job::Merge(key, ids) => self.merge_segments(*key, ids, false),
            Job::Seal(key, ids) => self.seal_partition(*key, ids),
        });
        self.end(&taken, &result);
        match &result {
            // What was written may be what a rule was waiting for.
            Ok(()) if matches!(job, Job::Flush(_)) => self.keep_rule(),
            Ok(()) => {}
            Err(Error::Cancelled | Error::Closed) => {
                self.watch.tell(&StoreEvent::Cancelled { job: job.kind() });
            }
            Err(error) => self.watch.tell(&StoreEvent::Failed { job: job.kind(), error }),
        }
        result
    }

    /// Runs a merge, which nobody misses if its partition is dropped meanwhile.
    fn run_unless_overtaken(self: &Arc<Self>, taken: Taken) -> Result<()> {
        match self.run(taken) {
            Err(Error::Cancelled) if !self.is_closed() => Ok(()),
            result => result,
        }
    }

    /// A job that was begun is over.
    fn end(self: &Arc<Self>, taken: &Taken, result: &Result<()>) {
        lock(&self.jobs.under_way).end(&taken.job, result);
        self.resources.budget().end_job(taken.bytes);
        self.jobs.ended.notify_all();
        self.resources.feed();
        self.arm_quiet();
    }

    /// Flushes every sealed buffer, helping with the work, and returns when none is left.
    pub(crate) fn flush_sealed(self: &Arc<Self>) -> Result<()> {
        loop {
            let next = |jobs: &UnderWay, state: &State, agenda: &mut Agenda| {
                jobs.next_flush(state, agenda)
            };
            if let Next::Begun(taken) = self.take_job(next) {
                self.run(taken)?;
                continue;
            }
            if !lock(&self.agenda).has_sealed() {
                return Ok(());
            }
            self.jobs.wait(LOOK_AGAIN);
            self.check_writable()?;
        }
    }

    /// Merges each partition's segments into as few as possible, helping with the work.
    pub(crate) fn merge_all(self: &Arc<Self>) -> Result<()> {
        let keys: Vec<_> = self.state().partitions().keys().copied().collect();
        for key in keys {
            loop {
                self.check_writable()?;
                // What is lost is found here, not by a merge of it with all others.
                let state = self.state();
                let segments = state.partitions().get(&key).into_iter().flat_map(|p| &p.segments);
                held::sound(segments)?;
                let next = |jobs: &UnderWay, state: &State, _: &mut Agenda| {
                    jobs.whole_merge(state, key, self.look())
                };
                match self.take_job(next) {
                    Next::Begun(taken) => {
                        match &taken.job {
                            Job::Merge(_, ids) if ids.is_empty() => self.end(&taken, &Ok(())),
                            _ => self.run_unless_overtaken(taken)?,
                        }
                        break;
                    }
                    Next::Later | Next::Nothing => self.jobs.wait(LOOK_AGAIN),
                }
            }
        }
        Ok(())
    }

    /// Does the merges that are due, helping with the work, and seals partitions that are over.
    pub(crate) fn merge_due(self: &Arc<Self>) -> Result<()> {
        loop {
            self.check_writable()?;
            let look = Look { whatever_came: true, ..self.look() };
            match self.take_job(|jobs, state, agenda| jobs.next_merge(state, agenda, look)) {
                Next::Begun(taken) => self.run_unless_overtaken(taken)?,
                Next::Nothing if lock(&self.jobs.under_way).merging.is_empty() => return Ok(()),
                // What is under way may make another merge due.
                Next::Nothing | Next::Later => self.jobs.wait(LOOK_AGAIN),
            }
        }
    }
}
