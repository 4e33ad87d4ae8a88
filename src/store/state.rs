//! The store's picture of itself: replaced as a whole, never changed in place.
//!
//! A reader takes the current [`State`] by cloning one pointer and keeps it as long as it likes;
//! writers, flushes and merges put a new one in its place. So nobody waits for anybody (P8), and
//! what spans several partitions appears at once (P2). States share the partitions in which they
//! do not differ.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use crate::base::time::Timestamp;
use crate::catalog::{PartitionKey, PartitionState, Version};
use crate::ingest::batch::Entry;
use crate::ingest::group::Group;
use crate::ingest::live::Live;
use crate::query::filters::Slices;
use crate::query::source::Source;
use crate::query::view::{self, View};
use crate::segment::Segment;
use crate::store::held::Held;
use crate::store::lazy::Opener;
use crate::store::shelves::Shelves;

/// What a buffer takes beside its spans: counted, since there may be thousands with one span each.
const OVERHEAD_BYTES: usize = 1024;

/// Everything that is live, at one moment.
#[derive(Clone)]
pub(crate) struct State {
    /// What the manifest says.
    pub(crate) version: Arc<Version>,
    partitions: Shelves<Partition>,
    /// What has changed since this was made of another state.
    touched: BTreeSet<PartitionKey>,
    /// What queries see, once some query has asked.
    view: OnceLock<View>,
    /// What the views of all states of a store share.
    slices: Slices,
    live_bytes: usize,
    buffer_bytes: usize,
}

/// One partition of a [`State`].
#[derive(Clone, Default)]
pub(crate) struct Partition {
    /// Published segments, oldest first.
    pub(crate) segments: Vec<Held>,
    /// Buffers that are being flushed, oldest first.
    pub(crate) sealed: Vec<Buffer>,
    /// The buffer that takes new spans.
    pub(crate) live: Buffer,
    /// The last segment of its sealing, unless it is open.
    pub(crate) sealed_through: Option<u64>,
    /// When spans first came for it and when last; when the store was opened, if it was there then
    /// and none have come since.
    pub(crate) first_arrival: Timestamp,
    pub(crate) last_arrival: Timestamp,
    /// What queries see of it, once some query has asked.
    shown: OnceLock<Arc<view::Partition>>,
}

/// Spans of one partition that are in the log but in no segment yet.
#[derive(Clone, Default)]
pub(crate) struct Buffer {
    /// The spans.
    pub(crate) spans: Live,
    /// Log sequences of the first and last frame that brought some; `None` while empty.
    pub(crate) seqs: Option<(u64, u64)>,
    /// Their memory. A payload that several partitions share counts in each by its spans.
    bytes: usize,
    /// When the first of them came.
    pub(crate) since: Timestamp,
}

impl Buffer {
    pub(crate) fn is_empty(&self) -> bool {
        self.seqs.is_none()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.bytes
    }

    fn add(&mut self, seq: u64, now: Timestamp, group: Group) {
        if self.is_empty() {
            self.since = now;
            self.bytes = OVERHEAD_BYTES;
        }
        let spans = group.entries().iter();
        let weight = |entry| size_of::<Entry>() + group.span_bytes(entry).len();
        self.bytes += group.context_bytes() + spans.map(weight).sum::<usize>();
        self.spans = self.spans.with(group);
        self.seqs =
            Some(self.seqs.map_or((seq, seq), |(first, last)| (first.min(seq), last.max(seq))));
    }
}

impl Partition {
    /// All buffers, oldest first.
    pub(crate) fn buffers(&self) -> impl Iterator<Item = &Buffer> {
        self.sealed.iter().chain(std::iter::once(&self.live))
    }

    /// The groups of all buffers, oldest first.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &Arc<Group>> {
        self.buffers().flat_map(|buffer| buffer.spans.groups())
    }

    /// Closes the live buffer, so that it can be flushed, and tells its size, if anything is in it.
    pub(crate) fn seal(&mut self) -> Option<usize> {
        if self.live.is_empty() {
            return None;
        }
        let bytes = self.live.memory_bytes();
        self.sealed.push(std::mem::take(&mut self.live));
        Some(bytes)
    }

    /// Drops the segments, and the buffers in which all frames are up to `seq`.
    pub(crate) fn forget_through(&mut self, seq: u64) {
        self.segments.clear();
        self.sealed_through = None;
        self.sealed.retain(|buffer| buffer.seqs.is_some_and(|(_, last)| last > seq));
    }

    /// Whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.segments.is_empty() && self.is_flushed()
    }

    /// Whether nothing of it is in buffers.
    pub(crate) fn is_flushed(&self) -> bool {
        self.buffers().all(Buffer::is_empty)
    }

    /// Spans in its segments.
    pub(crate) fn flushed_spans(&self) -> u64 {
        self.segments.iter().map(|held| held.summary().rows).sum()
    }

    /// Bytes of the files that its segments are.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.segments.iter().map(|held| held.bytes + held.filter_bytes()).sum()
    }

    /// Bytes of the live buffer, and of all buffers.
    fn buffer_bytes(&self) -> (usize, usize) {
        (self.live.memory_bytes(), self.buffers().map(Buffer::memory_bytes).sum())
    }

    /// What queries see of it; made anew only after a change.
    fn shown(&self, key: PartitionKey) -> Arc<view::Partition> {
        Arc::clone(self.shown.get_or_init(|| Arc::new(self.show(key))))
    }

    fn show(&self, key: PartitionKey) -> view::Partition {
        let segments = self.segments.iter().map(Held::source);
        let groups = self.groups().map(|group| Arc::clone(group) as Arc<dyn Source>);
        view::Partition::new(key.start_nanos, key.width_nanos, segments.chain(groups).collect())
    }
}

impl State {
    /// What the manifest says, its segments to be opened by `opener`; no buffers yet.
    pub(crate) fn new(version: Arc<Version>, opener: &Arc<Opener>, now: Timestamp) -> Self {
        let mut partitions = Shelves::default();
        for (key, entry) in &version.partitions {
            let segments = entry.segments.iter();
            let segments = segments.map(|segment| Held::lazy(opener, *key, segment)).collect();
            let sealed_through = match entry.state {
                PartitionState::Open => None,
                PartitionState::Sealed(through) => Some(through),
            };
            let partition = Partition {
                segments,
                sealed_through,
                first_arrival: now,
                last_arrival: now,
                ..Partition::default()
            };
            partitions.insert(*key, Arc::new(partition));
        }
        Self::unbuffered(version, partitions)
    }

    fn unbuffered(version: Arc<Version>, partitions: Shelves<Partition>) -> Self {
        let (touched, view, slices) = (BTreeSet::new(), OnceLock::new(), Slices::default());
        Self { version, partitions, touched, view, slices, live_bytes: 0, buffer_bytes: 0 }
    }

    /// The same, to be changed. Cost: a pointer for some dozens of partitions.
    pub(crate) fn successor(&self) -> Self {
        Self { touched: BTreeSet::new(), ..self.clone() }
    }

    /// The partitions that have changed since this was made of another state.
    pub(crate) fn touched(&self) -> &BTreeSet<PartitionKey> {
        &self.touched
    }

    /// Just these segments, as one partition that covers all time.
    pub(crate) fn of_segments(segments: Vec<Arc<Segment>>) -> Self {
        let key = PartitionKey { start_nanos: 0, width_nanos: u64::MAX };
        let segments = (1..).zip(segments).map(|(id, segment)| Held::new(id, segment)).collect();
        let only = Partition { segments, ..Partition::default() };
        let partitions = Shelves::from_iter([(key, Arc::new(only))]);
        Self::unbuffered(Arc::new(Version::empty(0)), partitions)
    }

    /// What queries see. Put together by the first that asks: a store that takes many batches
    /// between two queries does not pay for each.
    pub(crate) fn view(&self) -> &View {
        self.view.get_or_init(|| self.view_of(&|_| true).sliced(&self.slices))
    }

    /// What queries would see if there were only these partitions.
    pub(crate) fn view_of(&self, wanted: &dyn Fn(&PartitionKey) -> bool) -> View {
        let partitions = self.partitions.iter().filter(|(key, _)| wanted(key));
        let held = partitions.filter(|(_, partition)| !partition.is_empty());
        View::new(held.map(|(key, partition)| partition.shown(*key)).collect())
    }

    pub(crate) fn partitions(&self) -> &Shelves<Partition> {
        &self.partitions
    }

    /// Changes one partition, which is made if need be and goes once nothing is in it, unless the
    /// manifest still tells how far it was flushed: what is replayed goes to where it went before.
    pub(crate) fn change<R>(
        &mut self,
        key: PartitionKey,
        change: impl FnOnce(&mut Partition) -> R,
    ) -> R {
        self.view = OnceLock::new();
        self.touched.insert(key);
        let (result, before, after, is_empty) = self.partitions.change(key, |partition| {
            partition.shown = OnceLock::new();
            let before = partition.buffer_bytes();
            let result = change(partition);
            (result, before, partition.buffer_bytes(), partition.is_empty())
        });
        self.live_bytes = self.live_bytes - before.0 + after.0;
        self.buffer_bytes = self.buffer_bytes - before.1 + after.1;
        if is_empty && !self.version.partitions.contains_key(&key) {
            self.partitions.remove(&key);
        }
        result
    }

    /// Puts `group`, which frame `seq` of the log brought, into the partition's live buffer.
    pub(crate) fn add(&mut self, key: PartitionKey, seq: u64, now: Timestamp, group: Group) {
        self.change(key, |partition| {
            if partition.is_empty() {
                partition.first_arrival = now;
            }
            partition.live.add(seq, now, group);
            partition.last_arrival = now;
        });
    }

    /// The partition for spans that start at `start`.
    ///
    /// An existing partition that covers the time takes it, whatever its width, so identical
    /// spans always share a partition; else the aligned one of `width_nanos`, cut to the gap
    /// between its neighbours.
    pub(crate) fn route(&self, start: Timestamp, width_nanos: u64) -> PartitionKey {
        let wanted = PartitionKey::aligned(start, width_nanos);
        let upto = PartitionKey { start_nanos: start.nanos(), width_nanos: u64::MAX };
        let before = self.partitions.at_or_below(&upto);
        if let Some(key) = before.filter(|key| key.last() >= start) {
            return key;
        }
        let after = self.partitions.at_or_above(&upto).map(|key| key.start_nanos);
        let first = before.map_or(wanted.start_nanos, |key| {
            wanted.start_nanos.max(key.last().nanos().saturating_add(1))
        });
        let last = after.map_or(wanted.last().nanos(), |next| wanted.last().nanos().min(next - 1));
        PartitionKey { start_nanos: first, width_nanos: (last - first).saturating_add(1) }
    }

    /// Bytes of the live buffers, and of all buffers.
    pub(crate) const fn buffer_bytes(&self) -> (usize, usize) {
        (self.live_bytes, self.buffer_bytes)
    }
}
