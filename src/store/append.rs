//! The way of a batch into the store: admission, log, live buffers.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{Error, Result};
use crate::base::time::{Timestamp, saturating_nanos};
use crate::catalog::PartitionKey;
use crate::ingest::batch::{Batch, SpanKey};
use crate::ingest::log::Log;
use crate::ingest::otlp::{Admission, Appended, Prepared};
use crate::store::commit::Committer;
use crate::store::engine::{Engine, lock};
use crate::store::options::{Durability, OnFull, OutOfWindow};
use crate::store::state::State;

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

/// The admission window at one moment.
pub(crate) struct Window {
    first: Timestamp,
    last: Timestamp,
}

impl Window {
    /// Whether a span is let in.
    pub(crate) fn admission(&self, span: &SpanKey) -> Admission {
        if span.start < self.first {
            Admission::Reject("the span starts before the window that max_age sets")
        } else if span.start > self.last {
            Admission::Reject("the span starts after the window that max_ahead sets")
        } else {
            Admission::Accept
        }
    }
}

impl Engine {
    /// The window outside which spans are refused, unless all are accepted.
    pub(crate) fn window(&self) -> Option<Window> {
        let options = &self.options;
        if options.out_of_window == OutOfWindow::Accept {
            return None;
        }
        let now = self.environment.clock.now();
        let first = options.max_age.map_or(Timestamp::ZERO, |age| now.saturating_sub(age));
        let last = options.max_ahead.map_or(Timestamp::MAX, |ahead| now.saturating_add(ahead));
        Some(Window { first, last })
    }

    /// Lets an append of `bytes` in, or says why not; waits while the memory budget is used up.
    pub(crate) fn admit(self: &Arc<Self>, bytes: usize) -> Result<()> {
        loop {
            self.check_writable()?;
            let (_, buffered) = self.state().buffer_bytes();
            let queued = self.queue.pending_bytes();
            // An append larger than the budget is let in alone.
            if buffered + queued == 0 || buffered + queued + bytes <= self.options.wait_limit() {
                return Ok(());
            }
            if self.options.on_full == OnFull::Reject {
                self.seal_where_due(true);
                return Err(Error::Busy);
            }
            self.seal_where_due(true);
            if let Some(error @ Error::NoSpace { .. }) = self.jobs.last_error() {
                return Err(error);
            }
            self.queue.drive(self);
            self.jobs.wait(LOOK_AGAIN);
        }
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
            Err(error) => return Err(self.poisoned_by(&error)),
        };
        if self.options.durability == Durability::Sync {
            log.sync().map_err(|error| self.poisoned_by(&error))?;
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
        if !due.is_empty() {
            self.publish(|state| {
                for key in due {
                    state.change(key, |partition| partition.seal());
                }
            });
        }
        self.wake_jobs();
    }

    /// Seals every buffer.
    pub(crate) fn seal_all(self: &Arc<Self>) {
        self.publish(|state| {
            let keys: Vec<_> = state.partitions().keys().copied().collect();
            for key in keys {
                state.change(key, |partition| partition.seal());
            }
        });
    }
}

/// The partitions whose live buffers should be sealed.
fn due_for_sealing(
    state: &State,
    seal_limit: usize,
    live_limit: usize,
    all_full: bool,
) -> Vec<PartitionKey> {
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
        let seal = bytes >= seal_limit || live > target;
        if seal {
            live -= bytes;
            due.push(key);
        }
        !seal
    });
    if open.len() > OPEN_PARTITIONS_MAX {
        open.sort_unstable_by_key(|&(_, seqs, _)| seqs.map(|(_, last)| last));
        due.extend(open.iter().take(open.len() - OPEN_PARTITIONS_MAX).map(|(_, _, key)| *key));
    }
    due
}

/// Puts a batch's spans into the live buffers of the partitions that are `wanted`.
pub(crate) fn add_batch(
    state: &mut State,
    width_nanos: u64,
    seq: u64,
    now: Timestamp,
    batch: Batch,
    wanted: &dyn Fn(&PartitionKey) -> bool,
) {
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
    for (key, group) in groups.into_iter().filter(|(key, _)| wanted(key)) {
        state.add(key, seq, now, group);
    }
}

impl Committer<Work> for Arc<Engine> {
    fn commit(&self, group: Vec<Work>) -> Vec<Result<Appended>> {
        let mut log = lock(&self.log);
        let mut seqs = match self.write_log(&mut log, &group) {
            Ok(seqs) => seqs,
            Err(error) => return group.iter().map(|_| Err(error.clone())).collect(),
        };
        let width = saturating_nanos(self.options.partition);
        let now = self.environment.clock.now();
        let results = self.publish(|state| {
            let add = |work: Work| {
                if let Some(seq) = (!work.batch.is_empty()).then(|| seqs.next()).flatten() {
                    add_batch(state, width, seq, now, work.batch, &|_| true);
                }
                Ok(work.appended)
            };
            group.into_iter().map(add).collect()
        });
        drop(log);
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
