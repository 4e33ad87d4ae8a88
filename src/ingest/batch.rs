//! The spans of one request, ready to be logged and to be seen.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use crate::base::ids::{SpanId, TraceId};
use crate::base::model::{ResourceContext, ScopeContext};
use crate::base::time::Timestamp;
use crate::ingest::contexts::{Context, Interned};
use crate::ingest::group::Group;

/// The bytes that spans lie in. The caller's memory where it gives it away: to copy a request, into
/// memory that is touched for the first time, takes a third of the time of checking it.
pub type Payload = Arc<Vec<u8>>;

/// Where a span lies and what it is found by. A group sorts its entries by
/// `(low half, high half of the trace id, start, span id)`.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    low: u64,
    high: u64,
    start: u64,
    span: u64,
    end: u64,
    pub(super) offset: u32,
    pub(super) len: u32,
    /// Indexes into the lists of the group.
    pub(super) payload: u32,
    pub(super) resource: u32,
    pub(super) scope: u32,
}

/// A million entries are a million times this.
const _: () = assert!(size_of::<Entry>() == 64);

impl Entry {
    /// The trace the span belongs to.
    pub fn trace_id(&self) -> TraceId {
        TraceId::from(u128::from(self.high) << 64 | u128::from(self.low))
    }

    /// The low half of the trace id, which entries are sorted by first.
    pub const fn low(&self) -> u64 {
        self.low
    }

    /// The group's number of its resource.
    pub const fn resource_number(&self) -> usize {
        self.resource as usize
    }

    /// The span's id.
    pub fn span_id(&self) -> SpanId {
        SpanId::from(self.span)
    }

    /// When the span began.
    pub const fn start(&self) -> Timestamp {
        Timestamp::from_nanos(self.start)
    }

    /// When the span ended.
    pub const fn end(&self) -> Timestamp {
        Timestamp::from_nanos(self.end)
    }

    /// The order of entries in a group; the place decides between equals, so that replaying a
    /// log gives the same order.
    pub(super) const fn order(&self) -> (u64, u64, u64, u64, u32, u32) {
        (self.low, self.high, self.start, self.span, self.payload, self.offset)
    }
}

/// What admission looks at.
#[derive(Clone, Copy, Debug)]
pub struct SpanKey {
    /// The trace the span belongs to.
    pub trace_id: TraceId,
    /// The span's id.
    pub span_id: SpanId,
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
}

/// The accepted spans of one request.
#[derive(Debug)]
pub struct Batch {
    payload: Payload,
    entries: Vec<Entry>,
    resources: Vec<Arc<Context<ResourceContext>>>,
    scopes: Vec<Arc<Context<ScopeContext>>>,
    /// Memory of contexts that this batch was the first to bring.
    context_bytes: usize,
}

impl Batch {
    /// How many spans there are.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is nothing to log.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The canonical request that holds exactly these spans: what the log keeps.
    pub const fn payload(&self) -> &Payload {
        &self.payload
    }

    /// What it takes in memory.
    pub fn memory_bytes(&self) -> usize {
        self.payload.len() + self.entries.len() * size_of::<Entry>() + self.context_bytes
    }

    /// The batch by partitions, as `partition` tells them from a span's start. `seq` is the
    /// batch's log sequence.
    pub fn split<K: Copy + Ord>(
        self,
        seq: u64,
        mut partition: impl FnMut(Timestamp) -> K,
    ) -> Vec<(K, Group)> {
        let keys: Vec<K> = self.entries.iter().map(|entry| partition(entry.start())).collect();
        let Some(&first) = keys.first() else { return Vec::new() };
        if keys.iter().all(|key| *key == first) {
            let group = Group::new(
                self.entries,
                vec![self.payload],
                self.resources,
                self.scopes,
                (seq, seq),
                self.context_bytes,
            );
            return vec![(first, group)];
        }
        // Nearly all are of one partition: grown step by step, its list would be moved again and again.
        let mut counts: BTreeMap<K, usize> = BTreeMap::new();
        for same in keys.chunk_by(|a, b| a == b) {
            if let Some(&key) = same.first() {
                *counts.entry(key).or_default() += same.len();
            }
        }
        let room = |(key, count)| (key, Vec::with_capacity(count));
        let mut parts: BTreeMap<K, Vec<Entry>> = counts.into_iter().map(room).collect();
        let mut rest = self.entries.as_slice();
        for same in keys.chunk_by(|a, b| a == b) {
            let (Some(key), Some((own, later))) = (same.first(), rest.split_at_checked(same.len()))
            else {
                break;
            };
            parts.entry(*key).or_default().extend_from_slice(own);
            rest = later;
        }
        let mut context_bytes = self.context_bytes;
        let group = |(key, entries): (K, Vec<Entry>)| {
            let context_bytes = std::mem::take(&mut context_bytes);
            (key, self.part(entries, seq, context_bytes))
        };
        parts.into_iter().map(group).collect()
    }

    /// The group of some of the entries. It leaves alone what others hold: contexts that none of
    /// its spans names, and a payload most of which belongs to other partitions.
    fn part(&self, mut entries: Vec<Entry>, seq: u64, context_bytes: usize) -> Group {
        let resources = in_use(&self.resources, entries.iter_mut().map(|e| &mut e.resource));
        let scopes = in_use(&self.scopes, entries.iter_mut().map(|e| &mut e.scope));
        let used: usize = entries.iter().map(|entry| entry.len as usize).sum();
        let mut payload = Arc::clone(&self.payload);
        if used < payload.len() / 2 {
            let mut own = Vec::with_capacity(used);
            for entry in &mut entries {
                let start = entry.offset as usize;
                let bytes = payload.get(start..start + entry.len as usize).unwrap_or_default();
                entry.offset = own.len() as u32;
                own.extend_from_slice(bytes);
            }
            payload = Arc::new(own);
        }
        Group::new(entries, vec![payload], resources, scopes, (seq, seq), context_bytes)
    }
}

/// The contexts that `indexes` name; the indexes become those of the new list.
fn in_use<'e, T>(
    contexts: &[Arc<Context<T>>],
    indexes: impl Iterator<Item = &'e mut u32>,
) -> Vec<Arc<Context<T>>> {
    let mut list = Vec::new();
    let mut numbers = vec![None; contexts.len()];
    for index in indexes {
        let old = *index as usize;
        if let (Some(context), Some(number)) = (contexts.get(old), numbers.get_mut(old)) {
            *index = *number.get_or_insert_with(|| {
                list.push(Arc::clone(context));
                list.len() as u32 - 1
            });
        }
    }
    list
}

/// Gathers a batch while its request is scanned.
#[derive(Default)]
pub struct BatchBuilder {
    pub(super) entries: Vec<Entry>,
    resources: Shared<ResourceContext>,
    scopes: Shared<ScopeContext>,
    context_bytes: usize,
}

impl BatchBuilder {
    /// The index of a resource context.
    pub fn resource(&mut self, interned: Interned<ResourceContext>) -> u32 {
        self.charge(&interned);
        self.resources.index(interned.context)
    }

    /// The index of a scope context.
    pub fn scope(&mut self, interned: Interned<ScopeContext>) -> u32 {
        self.charge(&interned);
        self.scopes.index(interned.context)
    }

    fn charge<T>(&mut self, interned: &Interned<T>) {
        if interned.is_new {
            self.context_bytes += interned.context.memory_bytes();
        }
    }

    /// The canonical bytes of a resource context of the batch.
    pub fn resource_bytes(&self, index: u32) -> &[u8] {
        self.resources.list.get(index as usize).map_or(&[], |context| context.bytes())
    }

    /// The canonical bytes of a scope context of the batch.
    pub fn scope_bytes(&self, index: u32) -> &[u8] {
        self.scopes.list.get(index as usize).map_or(&[], |context| context.bytes())
    }

    /// Adds a span whose canonical bytes stand at `offset` of a payload. Its resource and scope are
    /// to be told by [`Self::assign`].
    pub fn push(&mut self, key: &SpanKey, payload: u32, offset: usize, len: usize) {
        self.entries.push(Entry {
            low: key.trace_id.low(),
            high: key.trace_id.high(),
            start: key.start.nanos(),
            span: key.span_id.to_u64(),
            end: key.end.nanos(),
            // Requests are far below 4 GiB, which `prepare` sees to.
            offset: offset as u32,
            len: len as u32,
            payload,
            resource: 0,
            scope: 0,
        });
    }

    /// Gives spans, by their place, the indexes of their resource and scope.
    pub fn assign(&mut self, spans: Range<usize>, resource: u32, scope: u32) {
        for entry in self.entries.get_mut(spans).unwrap_or_default() {
            (entry.resource, entry.scope) = (resource, scope);
        }
    }

    /// The batch, in order.
    pub fn finish(self, payload: Payload) -> Batch {
        Batch {
            payload,
            entries: sorted(&self.entries),
            resources: self.resources.list,
            scopes: self.scopes.list,
            context_bytes: self.context_bytes,
        }
    }
}

/// The entries in order, and no more memory than they need.
///
/// Sorting them themselves would move much and look at much. Of nearly all, the upper bits of the
/// trace id's low half and the start tell the order; what these leave open is sorted then.
fn sorted(entries: &[Entry]) -> Vec<Entry> {
    /// Enough to number the entries of any request, each of which takes 28 bytes of it and more.
    const NUMBER_BITS: u32 = u32::BITS;
    let key = |(number, entry): (u32, &Entry)| {
        let trace = u128::from(entry.low >> NUMBER_BITS) << 96;
        trace | u128::from(entry.start) << NUMBER_BITS | u128::from(number)
    };
    let mut keys: Vec<u128> = (0u32..).zip(entries).map(key).collect();
    keys.sort_unstable();
    let numbers = keys.iter().map(|&key| key as u32 as usize);
    let mut sorted: Vec<Entry> = Vec::with_capacity(entries.len());
    sorted.extend(numbers.filter_map(|number| entries.get(number)));
    for alike in sorted.chunk_by_mut(|a, b| a.low >> NUMBER_BITS == b.low >> NUMBER_BITS) {
        if !alike.is_sorted_by_key(Entry::order) {
            alike.sort_unstable_by_key(Entry::order);
        }
    }
    sorted
}

/// A list of shared contexts, each in it once.
pub(super) struct Shared<T> {
    pub(super) list: Vec<Arc<Context<T>>>,
    by_address: HashMap<usize, u32>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { list: Vec::new(), by_address: HashMap::new() }
    }
}

impl<T> Shared<T> {
    /// The index of `context`, which is appended if it is new.
    pub(super) fn index(&mut self, context: Arc<Context<T>>) -> u32 {
        let next = self.list.len() as u32;
        let address = Arc::as_ptr(&context) as usize;
        *self.by_address.entry(address).or_insert_with(|| {
            self.list.push(context);
            next
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn entries_are_sorted_as_their_order_is(
            spans in prop::collection::vec((0u64..3, 0u64..3, 0u64..2, 0u64..4, 0u64..3), 0..60),
        ) {
            type Told = (u64, u64, u64, u64, u64);
            let entry = |(&(upper, lower, high, start, span), offset): (&Told, u32)| Entry {
                low: upper << 32 | lower,
                high,
                start: start.wrapping_sub(1),
                span,
                end: 0,
                offset,
                len: 0,
                payload: 0,
                resource: 0,
                scope: 0,
            };
            let entries: Vec<Entry> = spans.iter().zip(0u32..).map(entry).collect();
            let mut expected = entries.clone();
            expected.sort_by_key(Entry::order);
            let orders = |entries: &[Entry]| entries.iter().map(Entry::order).collect::<Vec<_>>();
            prop_assert_eq!(orders(&sorted(&entries)), orders(&expected));
        }
    }
}
