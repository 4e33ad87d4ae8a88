//! The way of a batch into the store: admission, log, live buffers.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::error::{Error, Result};
use crate::base::observer::{SealReason, Stall, StoreEvent};
use crate::base::time::{Timestamp, saturating_nanos};
use crate::catalog::PartitionKey;
use crate::ingest::batch::Batch;
use crate::ingest::log::Log;
use crate::ingest::otlp::{Appended, Prepared};
use crate::store::commit::Committer;
use crate::store::engine::{Engine, lock};
use crate::store::options::{Durability, OnFull};
use crate::store::state::{Partition, State};

/// One batch on its way into the log.
pub(crate) struct Work {
    appended: Appended,
    batch: Batch,
}

/// The most payload one group commit writes: larger groups would make the first waiter pay for
/// the last without saving further syncs.
const GROUP_BYTES: usize = 8 << 20;

/// Buffers of more partitions than this are not kept open: the ones that have waited longest for
/// their next span are flushed.
const OPEN_PARTITIONS_MAX: usize = 1024;

/// How long a blocked append waits before it looks again by itself.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

impl From<Prepared> for Work {
    fn from(prepared: Prepared) -> Self {
        Self { appended: prepared.appended, batch: prepared.batch }
    }
}

impl Work {
    /// What it weighs while queued.
    pub(crate) fn bytes(&self) -> usize {
        self.batch.payload().len()
    }
}

impl Engine {
    /// Lets an append of `bytes` in, or says why not; waits while the memory budget is used up.
    pub(crate) fn admit(self: &Arc<Self>, bytes: usize) -> Result<()> {
        self.check_writable()?;
        if self.has_room(bytes) {
            return Ok(());
        }
        let begin = Instant::now();
        let admitted = self.wait_for_room(bytes);
        let stall =
            if matches!(admitted, Err(Error::Busy)) { Stall::Refused } else { Stall::Waited };
        self.watch.tell(&StoreEvent::Stalled { stall, took: begin.elapsed() });
        admitted
    }

    /// Whether an append of `bytes` fits the memory budget. One larger than that is let in alone.
    fn has_room(&self, bytes: usize) -> bool {
        let (_, buffered) = self.state().buffer_bytes();
        let held = buffered + self.queue.pending_bytes();
        held == 0 || held + bytes <= self.options.wait_limit()
    }

    fn wait_for_room(self: &Arc<Self>, bytes: usize) -> Result<()> {
        while !self.has_room(bytes) {
            self.seal_where_due(true);
            if self.options.on_full == OnFull::Reject {
                return Err(Error::Busy);
            }
            if let Some(error @ Error::NoSpace { .. }) = self.jobs.last_error() {
                return Err(error);
            }
            self.queue.drive(self);
            self.jobs.wait(LOOK_AGAIN);
            self.check_writable()?;
        }
        Ok(())
    }

    fn check_space(&self) -> Result<()> {
        let free = self.environment.disk.free_bytes(&self.root)?;
        if free < self.options.min_free_bytes {
            return Err(Error::NoSpace { path: self.root.clone() });
        }
        Ok(())
    }

    /// Writes the payloads to the log as one group; under `Sync`, they are durable on return.
    /// Returns the frames' sequences: one for each batch that is not empty. A full disk leaves the log as it was.
    fn write_log(&self, log: &mut Log, group: &[Work]) -> Result<Range<u64>> {
        self.check_writable()?;
        self.check_space()?;
        let kept = group.iter().filter(|work| !work.batch.is_empty());
        let payloads: Vec<&[u8]> = kept.map(|work| work.batch.payload().as_ref()).collect();
        let seqs = match log.append(&payloads) {
            Ok(seqs) => seqs,
            Err(error @ Error::NoSpace { .. }) => return Err(error),
            Err(error) => return Err(self.commit_failed(&error)),
        };
        if self.options.durability == Durability::Sync {
            log.sync().map_err(|error| self.commit_failed(&error))?;
        }
        Ok(seqs)
    }

    /// Seals buffers that are large; with `all_full`, whatever is largest until half the budget
    /// is free. Then has them flushed.
    pub(crate) fn seal_where_due(self: &Arc<Self>, all_full: bool) {
        let due = due_for_sealing(
            &self.state(),
            self.options.seal_limit(),
            self.options.live_limit(),
            all_full,
        );
        self.seal(due);
        self.wake_jobs();
    }

    /// Seals every buffer.
    pub(crate) fn seal_all(self: &Arc<Self>) {
        let keys: Vec<_> = self.state().partitions().keys().copied().collect();
        self.seal(keys.into_iter().map(|key| (key, SealReason::Asked)).collect());
    }

    /// Seals these buffers, as far as there is anything in them.
    pub(crate) fn seal(&self, due: Vec<(PartitionKey, SealReason)>) {
        if due.is_empty() {
            return;
        }
        let sealed: Vec<_> = self.publish(|state| {
            let seal = |(key, reason): (PartitionKey, _)| {
                let bytes = state.change(key, Partition::seal)? as u64;
                Some(StoreEvent::Sealed { partition: key.first(), reason, bytes })
            };
            due.into_iter().filter_map(seal).collect()
        });
        sealed.iter().for_each(|event| self.watch.tell(event));
    }
}

/// The partitions whose live buffers should be sealed.
fn due_for_sealing(
    state: &State,
    seal_limit: usize,
    live_limit: usize,
    all_full: bool,
) -> Vec<(PartitionKey, SealReason)> {
    let mut open: Vec<_> = state
        .partitions()
        .iter()
        .filter(|(_, partition)| !partition.live.is_empty())
        .map(|(key, partition)| (partition.live.memory_bytes(), partition.live.seqs, *key))
        .collect();
    let (mut live, _) = state.buffer_bytes();
    let target = if all_full { live_limit / 2 } else { live_limit };
    let is_due = |&(bytes, ..): &(usize, _, _)| bytes >= seal_limit;
    if live <= target && open.len() <= OPEN_PARTITIONS_MAX && !open.iter().any(is_due) {
        return Vec::new();
    }
    let mut due = Vec::new();
    open.sort_unstable_by_key(|(bytes, ..)| std::cmp::Reverse(*bytes));
    open.retain(|&(bytes, _, key)| {
        let reason = if bytes >= seal_limit {
            SealReason::Full
        } else if live > target {
            SealReason::Memory
        } else {
            return true;
        };
        live -= bytes;
        due.push((key, reason));
        false
    });
    if open.len() > OPEN_PARTITIONS_MAX {
        open.sort_unstable_by_key(|&(_, seqs, _)| seqs.map(|(_, last)| last));
        let longest = open.iter().take(open.len() - OPEN_PARTITIONS_MAX);
        due.extend(longest.map(|(_, _, key)| (*key, SealReason::Spread)));
    }
    due
}

/// Puts a batch's spans into the live buffers of the partitions that are `wanted`; how many.
pub(crate) fn add_batch(
    state: &mut State,
    width_nanos: u64,
    seq: u64,
    now: Timestamp,
    batch: Batch,
    wanted: &dyn Fn(&PartitionKey) -> bool,
) -> u64 {
    // Partitions that this batch itself opens must be seen by its later spans.
    let mut opened: BTreeMap<u64, PartitionKey> = BTreeMap::new();
    let groups = batch.split(seq, |start: Timestamp| {
        let earlier = opened.range(..=start.nanos()).next_back().map(|(_, key)| *key);
        earlier.filter(|key| key.last() >= start).unwrap_or_else(|| {
            let key = state.route(start, width_nanos);
            opened.insert(key.start_nanos, key);
            key
        })
    });
    let mut spans = 0;
    for (key, group) in groups.into_iter().filter(|(key, _)| wanted(key)) {
        spans += group.len() as u64;
        state.add(key, seq, now, group);
    }
    spans
}

impl Committer<Work> for Arc<Engine> {
    fn commit(&self, group: Vec<Work>) -> Vec<Result<Appended>> {
        let begin = Instant::now();
        let appends = group.len() as u64;
        let bytes = group.iter().map(|work| work.bytes() as u64).sum();
        let mut log = lock(&self.log);
        let mut seqs = match self.write_log(&mut log, &group) {
            Ok(seqs) => seqs,
            Err(error) => return group.iter().map(|_| Err(error.clone())).collect(),
        };
        let width = saturating_nanos(self.options.partition);
        let now = self.environment.clock.now();
        let results: Vec<Result<Appended>> = self.publish(|state| {
            let add = |work: Work| {
                if let Some(seq) = (!work.batch.is_empty()).then(|| seqs.next()).flatten() {
                    add_batch(state, width, seq, now, work.batch, &|_| true);
                }
                Ok(work.appended)
            };
            group.into_iter().map(add).collect()
        });
        drop(log);
        let total = |count: fn(&Appended) -> u64| results.iter().flatten().map(count).sum();
        let (spans, rejected) = (total(|done| done.accepted), total(|done| done.rejected));
        self.watch.tell(&StoreEvent::Committed { appends, spans, bytes, took: begin.elapsed() });
        if rejected > 0 {
            self.watch.tell(&StoreEvent::Rejected { spans: rejected });
        }
        self.arm_timers();
        self.seal_where_due(false);
        results
    }

    fn panicked(&self, message: &str) {
        self.poison(format!("a commit panicked: {message}"));
    }

    fn group_bytes(&self) -> usize {
        GROUP_BYTES
    }
}
