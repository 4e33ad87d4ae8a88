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
use crate::ingest::otlp::{Appended, Prepared};
use crate::store::budget::Reservation;
use crate::store::commit::Committer;
use crate::store::engine::{Engine, lock};
use crate::store::options::{Durability, OnFull};
use crate::store::state::{Partition, State};

/// One batch on its way into the log.
pub(crate) struct Work {
    appended: Appended,
    batch: Batch,
    /// Until the spans are in buffers, which count for themselves.
    room: Reservation,
}

/// The most payload one group commit writes: larger groups would make the first waiter pay for
/// the last without saving further syncs.
const GROUP_BYTES: usize = 8 << 20;

/// Buffers of more partitions than this are not kept open: the ones that have waited longest for
/// their next span are flushed, until so many are left.
const OPEN_PARTITIONS_MAX: usize = 1024;
const OPEN_PARTITIONS_KEPT: usize = 768;

/// How long a blocked append waits before it looks again by itself.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

impl Work {
    /// What was prepared, for which there is `room`.
    pub(crate) fn new(prepared: Prepared, mut room: Reservation) -> Self {
        let Prepared { appended, batch } = prepared;
        room.resize(batch.memory_bytes());
        Self { appended, batch, room }
    }

    /// What it weighs in the log.
    pub(crate) fn bytes(&self) -> usize {
        self.batch.payload().len()
    }
}

impl Engine {
    /// Lets an append of `bytes` in, or says why not. Slows it while the memory budget is nearly
    /// used up or merges are behind, and waits while it is, or they are far behind.
    pub(crate) fn admit(self: &Arc<Self>, bytes: usize) -> Result<Reservation> {
        self.check_writable()?;
        self.await_merges()?;
        let budget = self.resources.budget();
        let begin = Instant::now();
        let (stall, admitted) = match budget.reserve(bytes) {
            Some(room) => {
                let delay = budget.slow_by().filter(|_| !self.environment.executor.is_inline());
                let Some(delay) = delay else { return Ok(room) };
                budget.wait(delay);
                (Stall::Slowed, Ok(room))
            }
            None => match self.wait_for_room(bytes) {
                Err(Error::Busy) => (Stall::Refused, Err(Error::Busy)),
                admitted => (Stall::Waited, admitted),
            },
        };
        let took = begin.elapsed();
        budget.count(stall, took);
        self.watch.tell(&StoreEvent::Stalled { stall, took });
        admitted
    }

    fn wait_for_room(self: &Arc<Self>, bytes: usize) -> Result<Reservation> {
        loop {
            let blocked = self.resources.make_room(bytes);
            // An executor without threads has made it already.
            if let Some(room) = self.resources.budget().reserve(bytes) {
                return Ok(room);
            }
            if self.options.on_full == OnFull::Reject {
                return Err(Error::Busy);
            }
            if let Some(error) = blocked {
                return Err(error);
            }
            self.queue.help(self);
            self.resources.budget().wait(LOOK_AGAIN);
            self.check_writable()?;
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
    fn write_log(&self, group: &[Work]) -> Result<Range<u64>> {
        self.check_writable()?;
        self.check_space()?;
        let kept = group.iter().filter(|work| !work.batch.is_empty());
        let payloads: Vec<&[u8]> = kept.map(|work| work.batch.payload().as_slice()).collect();
        let seqs = match self.log.append(&payloads) {
            Ok(seqs) => seqs,
            Err(error @ Error::NoSpace { .. }) => return Err(error),
            Err(error) => return Err(self.commit_failed(&error)),
        };
        if self.options.durability == Durability::Sync {
            self.log.sync().map_err(|error| self.commit_failed(&error))?;
        }
        Ok(seqs)
    }

    /// Seals the buffers that are large, some if too many are open or the log is long, and the
    /// largest of all stores that share the budget if all of them take too much of it. Then has them
    /// flushed.
    pub(crate) fn seal_where_due(self: &Arc<Self>) {
        let seal_limit = self.options.seal_limit();
        let overdue = self.log.overdue();
        let due = {
            let agenda = lock(&self.agenda);
            let full = agenda.largest().take_while(|(bytes, _)| *bytes >= seal_limit);
            let mut due: Vec<_> = full.map(|(_, key)| (key, SealReason::Full)).collect();
            if agenda.open() > OPEN_PARTITIONS_MAX {
                // More than need be: else each batch for a new partition would seal just one.
                let longest = agenda.longest_unused().take(agenda.open() - OPEN_PARTITIONS_KEPT);
                due.extend(longest.map(|key| (key, SealReason::Spread)));
            }
            if let Some(seq) = overdue {
                let state = self.state();
                let is_live = |key: &PartitionKey| {
                    let live = state.partitions().get(key).map(|partition| &partition.live);
                    live.and_then(|live| live.seqs).is_some_and(|(first, _)| first < seq)
                };
                let oldest = agenda.before(seq).filter(is_live);
                due.extend(oldest.map(|key| (key, SealReason::Log)));
            }
            due
        };
        self.seal(due);
        let live_limit = self.resources.live_limit();
        if self.resources.budget().live() > live_limit {
            self.resources.relieve(live_limit);
        }
        self.wake_jobs();
    }

    /// Seals the largest live buffers until they make up `bytes`; returns how many they do.
    pub(crate) fn seal_largest(&self, bytes: usize) -> usize {
        let mut sealed = 0;
        let mut due = Vec::new();
        for (size, key) in lock(&self.agenda).largest() {
            if sealed >= bytes {
                break;
            }
            sealed += size;
            due.push((key, SealReason::Memory));
        }
        self.seal(due);
        sealed
    }

    /// Seals every buffer.
    pub(crate) fn seal_all(self: &Arc<Self>) {
        let keys = lock(&self.agenda).live();
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
    let mut before: Option<PartitionKey> = None;
    let covers = |key: &PartitionKey, start: Timestamp| {
        key.start_nanos <= start.nanos() && start <= key.last()
    };
    let groups = batch.split(seq, |start: Timestamp| {
        if let Some(key) = before.filter(|key| covers(key, start)) {
            return key;
        }
        let earlier = opened.range(..=start.nanos()).next_back().map(|(_, key)| *key);
        let key = earlier.filter(|key| covers(key, start)).unwrap_or_else(|| {
            let key = state.route(start, width_nanos);
            opened.insert(key.start_nanos, key);
            key
        });
        before = Some(key);
        key
    });
    let mut spans = 0;
    for (key, group) in groups.into_iter().filter(|(key, _)| wanted(key)) {
        spans += group.len() as u64;
        state.add(key, seq, now, group);
    }
    spans
}

/// A group of which the log has made what it could.
pub(crate) struct Logged {
    begin: Instant,
    /// The sequences of its batches that are not empty.
    seqs: Result<Range<u64>>,
    group: Vec<Work>,
}

impl Committer<Work> for Arc<Engine> {
    type Logged = Logged;

    fn log(&self, group: Vec<Work>) -> Logged {
        let begin = Instant::now();
        Logged { begin, seqs: self.write_log(&group), group }
    }

    fn show(&self, logged: Logged) -> Vec<Result<Appended>> {
        let Logged { begin, seqs, group } = logged;
        let mut seqs = match seqs {
            Ok(seqs) => seqs,
            Err(error) => return group.iter().map(|_| Err(error.clone())).collect(),
        };
        let appends = group.len() as u64;
        let bytes = group.iter().map(|work| work.bytes() as u64).sum();
        let width = saturating_nanos(self.options.partition);
        let now = self.environment.clock.now();
        // Given back when the buffers have been counted.
        let mut rooms = Vec::with_capacity(group.len());
        let results: Vec<Result<Appended>> = self.publish(|state| {
            let add = |work: Work| {
                rooms.push(work.room);
                if let Some(seq) = (!work.batch.is_empty()).then(|| seqs.next()).flatten() {
                    add_batch(state, width, seq, now, work.batch, &|_| true);
                }
                Ok(work.appended)
            };
            group.into_iter().map(add).collect()
        });
        drop(rooms);
        let total = |count: fn(&Appended) -> u64| results.iter().flatten().map(count).sum();
        let (spans, rejected) = (total(|done| done.accepted), total(|done| done.rejected));
        self.watch.tell(&StoreEvent::Committed { appends, spans, bytes, took: begin.elapsed() });
        if rejected > 0 {
            self.watch.tell(&StoreEvent::Rejected { spans: rejected });
        }
        results
    }

    fn after(&self) {
        self.arm_timers();
        self.seal_where_due();
    }

    fn panicked(&self, message: &str) {
        self.poison(format!("a commit panicked: {message}"));
    }

    fn group_bytes(&self) -> usize {
        GROUP_BYTES
    }
}
