//! An immutable set of live spans, sorted, over the bytes they arrived in.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};

use crate::base::error::{Error, Result};
use crate::base::ids::{SpanId, TraceId};
use crate::base::model::{ResourceContext, ScopeContext};
use crate::base::time::Timestamp;
use crate::base::view::SpanRef;
use crate::base::wire;
use crate::block::cache::Cache;
use crate::index::bloom::{BloomReader, Strength};
use crate::ingest::batch::{Entry, Payload, Shared};
use crate::ingest::contexts::Context;
use crate::ingest::live::JOIN_BELOW_SPANS;
use crate::ingest::low_filter::LowFilter;
use crate::ingest::rows::build_segments;
use crate::ingest::texts::Texts;
use crate::segment::{Segment, SegmentBuilder, SegmentOptions};

/// Spans of one partition, sorted by `(low half, high half of the trace id, start, span id)`.
///
/// Spans stay in the canonical bytes they arrived in, and are decoded when somebody looks.
/// Identical spans are not removed: readers and flushes do that.
#[derive(Debug)]
pub struct Group {
    entries: Vec<Entry>,
    payloads: Vec<Payload>,
    resources: Vec<Arc<Context<ResourceContext>>>,
    scopes: Vec<Arc<Context<ScopeContext>>>,
    starts: (u64, u64),
    seqs: (u64, u64),
    context_bytes: usize,
    filter: LowFilter,
    texts: Texts,
    /// How often the segment was asked for before there was one.
    asks: AtomicU32,
    segment: OnceLock<Option<Segment>>,
}

/// Groups of fewer spans are scanned: mostly a glance at each is enough, some ten microseconds in
/// all, and they are soon joined with others.
const INDEX_FROM_SPANS: usize = 512;

/// To encode a group takes as long as some hundred scans of it, ten milliseconds and more; and where
/// spans arrive by the thousand a second, most groups are joined with others before the second.
pub(super) const SCANS_BEFORE_INDEX: u32 = if cfg!(test) { 1 } else { 16 };

/// Decoded pages that the segment of a group keeps.
const PAGE_CACHE_BYTES: u64 = 256 << 10;

impl Group {
    pub(super) fn new(
        entries: Vec<Entry>,
        payloads: Vec<Payload>,
        resources: Vec<Arc<Context<ResourceContext>>>,
        scopes: Vec<Arc<Context<ScopeContext>>>,
        seqs: (u64, u64),
        context_bytes: usize,
    ) -> Self {
        let starts = entries.iter().map(|entry| entry.start().nanos());
        let starts = starts.fold((u64::MAX, 0), |(a, b), start| (a.min(start), b.max(start)));
        let filter = LowFilter::new(entries.iter().map(Entry::low));
        let (texts, asks, segment) = Default::default();
        Self {
            entries,
            payloads,
            resources,
            scopes,
            starts,
            seqs,
            context_bytes,
            filter,
            texts,
            asks,
            segment,
        }
    }

    /// The spans, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many spans there are, identical ones counted again.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none, which no group of a live buffer is.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The spans whose trace id has this low half.
    #[cfg(test)]
    pub fn find(&self, low: u64) -> &[Entry] {
        let range = self.range_of(low);
        self.entries.get(range).unwrap_or_default()
    }

    /// Whether it stays as it is until it is flushed.
    pub const fn is_settled(&self) -> bool {
        self.len() >= JOIN_BELOW_SPANS
    }

    /// A filter over the low halves of its trace ids, which can be asked together with those of
    /// other groups.
    pub fn bloom(&self) -> BloomReader {
        let lows = self.entries.chunk_by(|a, b| a.low() == b.low());
        let lows: Vec<u64> = lows.filter_map(|trace| trace.first()).map(Entry::low).collect();
        BloomReader::of(&lows, Strength::GROUP)
    }

    /// Whether some span may have a text as it is, for a name or in attributes: as
    /// [`Texts::may_contain`]. Of groups that are to have an index it is not known.
    pub fn may_contain_text(&self, text: &str) -> bool {
        self.len() >= INDEX_FROM_SPANS || self.texts.may_contain(self, text)
    }

    /// Where the spans stand whose trace id has this low half.
    pub fn range_of(&self, low: u64) -> Range<usize> {
        if !self.filter.may_contain(low) {
            return 0..0;
        }
        let first = self.entries.partition_point(|entry| entry.low() < low);
        let tail = self.entries.get(first..).unwrap_or_default();
        first..first + tail.partition_point(|entry| entry.low() == low)
    }

    /// Where the spans of a trace stand.
    pub fn rows_of(&self, id: TraceId) -> Range<u32> {
        let range = self.range_of(id.low());
        let entries = self.entries.get(range.clone()).unwrap_or_default();
        let mut rows = range.start as u32..range.end as u32;
        // Mostly no other trace ends in the same half.
        let is_it = |entry: &Entry| entry.trace_id() == id;
        if !(entries.first().is_some_and(is_it) && entries.last().is_some_and(is_it)) {
            let before = entries.partition_point(|entry| entry.trace_id() < id);
            let upto = entries.partition_point(|entry| entry.trace_id() <= id);
            rows = rows.start + before as u32..rows.start + upto as u32;
        }
        rows
    }

    /// The canonical bytes of a span of this group.
    pub fn span_bytes(&self, entry: &Entry) -> &[u8] {
        let start = entry.offset as usize;
        let payload = self.payloads.get(entry.payload as usize);
        payload.and_then(|bytes| bytes.get(start..start + entry.len as usize)).unwrap_or_default()
    }

    /// A span of this group.
    pub fn span(&self, entry: &Entry) -> Result<SpanRef<'_>> {
        wire::decode_span(self.span_bytes(entry)).ok_or_else(|| foreign(entry))
    }

    /// A span of this group with those attributes alone whose key is one of these.
    pub fn span_with(&self, entry: &Entry, keys: &[&str]) -> Result<SpanRef<'_>> {
        let wanted = |key: &[u8]| keys.iter().any(|own| own.as_bytes() == key);
        wire::decode_span_with(self.span_bytes(entry), wanted).ok_or_else(|| foreign(entry))
    }

    /// A span of this group without its attributes, events and links.
    pub fn outline(&self, entry: &Entry) -> Result<SpanRef<'_>> {
        wire::decode_outline(self.span_bytes(entry)).ok_or_else(|| foreign(entry))
    }

    /// The parent of a span of this group.
    pub fn parent(&self, entry: &Entry) -> Option<SpanId> {
        wire::span_parent(self.span_bytes(entry))
    }

    /// The resource context of a span of this group.
    pub fn resource(&self, entry: &Entry) -> Result<&Arc<Context<ResourceContext>>> {
        self.resources.get(entry.resource as usize).ok_or_else(|| foreign(entry))
    }

    /// The scope context of a span of this group.
    pub fn scope(&self, entry: &Entry) -> Result<&Arc<Context<ScopeContext>>> {
        self.scopes.get(entry.scope as usize).ok_or_else(|| foreign(entry))
    }

    /// Memory of resources and scopes that its requests were the first to bring.
    pub const fn context_bytes(&self) -> usize {
        self.context_bytes
    }

    /// The earliest start.
    pub const fn min_start(&self) -> Timestamp {
        Timestamp::from_nanos(self.starts.0)
    }

    /// The latest start.
    pub const fn max_start(&self) -> Timestamp {
        Timestamp::from_nanos(self.starts.1)
    }

    /// The group as a segment in memory, whose indexes answer searches; encoded when it has been
    /// asked for some times, and there from then on. `None` for groups that are to be scanned: small
    /// ones, and those of which it does not show yet that they are searched again and again.
    pub fn segment(&self) -> Option<&Segment> {
        if self.len() < INDEX_FROM_SPANS
            || self.segment.get().is_none() && self.asks.fetch_add(1, Relaxed) < SCANS_BEFORE_INDEX
        {
            return None;
        }
        // Spans that could not be encoded could not be flushed either: the flush says why.
        let make = || self.indexed().ok();
        self.segment.get_or_init(make).as_ref()
    }

    fn indexed(&self) -> Result<Segment> {
        let mut builder = SegmentBuilder::new(SegmentOptions::default());
        build_segments(&[self], &mut |_, _| Ok(()), &mut builder, &mut |_| Ok(false))?;
        let mut bytes = Vec::new();
        builder.finish(&mut bytes)?;
        let cache = Arc::new(Cache::new(PAGE_CACHE_BYTES));
        Segment::from_bytes(bytes, "live buffer".into(), cache)
    }

    /// The spans of both groups, in one.
    pub(super) fn merged(&self, other: &Self) -> Self {
        let mut shared = (Shared::default(), Shared::default());
        let mut payloads = self.payloads.clone();
        let own = self.renumbering(0, &mut shared.0, &mut shared.1);
        let others = other.renumbering(payloads.len() as u32, &mut shared.0, &mut shared.1);
        payloads.extend(other.payloads.iter().cloned());
        let mut entries = Vec::with_capacity(self.len() + other.len());
        let mut left = self.entries.iter().map(|entry| own.of(entry)).peekable();
        for next in other.entries.iter().map(|entry| others.of(entry)) {
            while let Some(entry) = left.next_if(|entry| entry.order() < next.order()) {
                entries.push(entry);
            }
            entries.push(next);
        }
        entries.extend(left);
        let seqs = (self.seqs.0.min(other.seqs.0), self.seqs.1.max(other.seqs.1));
        let context_bytes = self.context_bytes + other.context_bytes;
        Self::new(entries, payloads, shared.0.list, shared.1.list, seqs, context_bytes)
    }

    /// How entries change when their lists are joined with those of other groups.
    fn renumbering(
        &self,
        first_payload: u32,
        resources: &mut Shared<ResourceContext>,
        scopes: &mut Shared<ScopeContext>,
    ) -> Renumbering {
        let index = |context: &Arc<_>| resources.index(Arc::clone(context));
        let resources = self.resources.iter().map(index).collect();
        let index = |context: &Arc<_>| scopes.index(Arc::clone(context));
        let scopes = self.scopes.iter().map(index).collect();
        Renumbering { first_payload, resources, scopes }
    }
}

/// New numbers for what entries refer to.
struct Renumbering {
    first_payload: u32,
    resources: Vec<u32>,
    scopes: Vec<u32>,
}

impl Renumbering {
    #[inline]
    fn of(&self, entry: &Entry) -> Entry {
        let new = |list: &[u32], old: u32| list.get(old as usize).copied().unwrap_or(old);
        let mut entry = *entry;
        entry.payload += self.first_payload;
        entry.resource = new(&self.resources, entry.resource);
        entry.scope = new(&self.scopes, entry.scope);
        entry
    }
}

/// An entry was looked up in a group that it does not belong to.
fn foreign(entry: &Entry) -> Error {
    let path = Path::new("live buffer");
    Error::corrupt(path, u64::from(entry.offset), "span", "the entry is of another group")
}
