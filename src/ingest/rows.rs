//! Live groups to the rows of a segment: identical spans once, traces by their first start, each
//! in pre-order.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::ops::Range;

use crate::base::error::{Error, Result};
use crate::base::ids::TraceId;
use crate::base::wire;
use crate::block::dissection::Dissection;
use crate::block::order::{OrderItem, Preorder};
use crate::ingest::batch::Entry;
use crate::ingest::group::Group;
use crate::segment::SegmentBuilder;

/// Says which of a trace's distinct spans, given by start and id, are stored already.
pub type Skip<'a> = dyn FnMut(&[Place<'_>], &mut [bool]) -> Result<()> + 'a;

/// Asked before each trace: may put an empty builder in the place of one that is full, and says so.
pub type Cut<'a> = dyn FnMut(&mut SegmentBuilder) -> Result<bool> + 'a;

/// Bytes that memory hands over at once, on most machines.
const CACHE_LINE: usize = 64;

/// Spans that are fetched before the first of them is read: they fit the nearest cache.
const AT_ONCE: usize = 64;

/// Appends the spans of all groups to a segment, but for those that `skip` says are stored already;
/// where `cut` has it, to several.
///
/// Rows follow from the spans alone: it does not matter in which order they arrived or how they
/// are grouped. Takes memory for each span's place, not for its contents.
#[inline(never)] // So that profiles tell it from what is done with the rows.
pub fn build_segments<G: Borrow<Group>>(
    groups: &[G],
    skip: &mut Skip<'_>,
    builder: &mut SegmentBuilder,
    cut: &mut Cut<'_>,
) -> Result<()> {
    let rows = without_stored(distinct(groups), skip)?;
    let mut codes = vec![Codes::default(); groups.len()];
    let (mut taken, mut preorder) = (Dissection::default(), Preorder::default());
    let mut items: Vec<OrderItem> = Vec::new();
    builder.reserve(rows.len());
    for trace in traces(&rows) {
        if cut(builder)? {
            codes = vec![Codes::default(); groups.len()];
        }
        let spans = rows.get(trace).unwrap_or_default();
        // Their parents are looked for in order, one line of each: all lines are fetched at once.
        let is_short = spans.len() <= AT_ONCE;
        if is_short {
            fetch(spans.iter());
        }
        items.clear();
        items.extend(spans.iter().map(Place::order_item));
        let (order, regular) = preorder.of(&items);
        let Some(first) = spans.first() else { continue };
        builder.begin_trace(first.entry.trace_id(), regular);
        for order in order.chunks(AT_ONCE) {
            let places = order.iter().filter_map(|&at| spans.get(at as usize));
            if !is_short {
                fetch(places.clone());
            }
            for place in places {
                let codes = codes.get_mut(place.number as usize).ok_or_else(out_of_range)?;
                let resource = codes.resource(place, builder)?;
                let scope = codes.scope(place, builder)?;
                builder.push_canonical(resource, scope, place.span_bytes(), &mut taken)?;
            }
        }
    }
    Ok(())
}

/// Looks at all cache lines of some spans. They lie anywhere in memory: lines that do not wait for
/// each other arrive together, but a span that is read from its front to its end waits for each.
fn fetch<'g>(places: impl Iterator<Item = &'g Place<'g>>) {
    let lines = places.flat_map(|place| place.span_bytes().iter().step_by(CACHE_LINE));
    std::hint::black_box(lines.fold(0, |all, byte| all ^ byte));
}

/// Where a span lies.
#[derive(Clone, Copy)]
pub struct Place<'g> {
    /// The low half of the trace id, at hand: spans are sorted by it first.
    low: u64,
    /// The group that holds it.
    pub group: &'g Group,
    /// The group's number.
    number: u32,
    /// Tells spans of one trace with equal start and id apart, by their contents.
    tie: u32,
    /// Its entry there.
    pub entry: &'g Entry,
}

impl<'g> Place<'g> {
    /// Compares by [`Place::key`], of which the first part mostly decides.
    fn compare(&self, other: &Self) -> Ordering {
        let first = self.low.cmp(&other.low);
        first.then_with(|| self.key().cmp(&other.key()))
    }

    /// The order of entries in a group.
    fn key(&self) -> (u64, TraceId, u64, u64) {
        let entry = self.entry;
        (entry.low(), entry.trace_id(), entry.start().nanos(), entry.span_id().to_u64())
    }

    /// Its canonical bytes.
    pub fn span_bytes(&self) -> &'g [u8] {
        self.group.span_bytes(self.entry)
    }

    /// All that a span says: its canonical bytes, those of its resource, those of its scope.
    pub fn contents(&self) -> [&'g [u8]; 3] {
        let resource = self.group.resource(self.entry).map_or(&[][..], |context| context.bytes());
        let scope = self.group.scope(self.entry).map_or(&[][..], |context| context.bytes());
        [self.span_bytes(), resource, scope]
    }

    fn order_item(&self) -> OrderItem {
        OrderItem {
            span_id: self.entry.span_id(),
            parent: wire::span_parent(self.group.span_bytes(self.entry)),
            start: self.entry.start(),
            tie: u64::from(self.tie),
        }
    }
}

/// All spans in the order of entries. Each group is sorted already, so sorting merges.
fn sorted<'a, G: Borrow<Group>>(groups: &'a [G]) -> Vec<Place<'a>> {
    let spans = groups.iter().map(|group| group.borrow().len()).sum();
    let mut places = Vec::with_capacity(spans);
    for (group, number) in groups.iter().zip(0..) {
        let group = group.borrow();
        let place = |entry: &'a Entry| Place { low: entry.low(), group, number, tie: 0, entry };
        places.extend(group.entries().iter().map(place));
    }
    places.sort_by(Place::compare);
    places
}

/// The spans of all groups, each once: by trace, then start, id and contents.
pub fn distinct<G: Borrow<Group>>(groups: &[G]) -> Vec<Place<'_>> {
    let mut places = sorted(groups);
    for same in places.chunk_by_mut(|a, b| a.key() == b.key()) {
        if same.len() > 1 {
            // Sorted, hostile numbers of spans that differ in their contents only stay cheap.
            same.sort_by_key(Place::contents);
            same.iter_mut().zip(0..).for_each(|(place, tie)| place.tie = tie);
        }
    }
    places.dedup_by(|next, kept| next.key() == kept.key() && next.contents() == kept.contents());
    places
}

/// Which of some distinct spans are stored already, by trace.
pub fn stored(places: &[Place<'_>], skip: &mut Skip<'_>) -> Result<Vec<bool>> {
    let mut all = vec![false; places.len()];
    let mut rest = all.as_mut_slice();
    for trace in places.chunk_by(|a, b| a.entry.trace_id() == b.entry.trace_id()) {
        let Some((own, later)) = rest.split_at_mut_checked(trace.len()) else { break };
        skip(trace, own)?;
        rest = later;
    }
    Ok(all)
}

fn without_stored<'g>(mut places: Vec<Place<'g>>, skip: &mut Skip<'_>) -> Result<Vec<Place<'g>>> {
    let mut stored = stored(&places, skip)?.into_iter();
    places.retain(|_| stored.next() == Some(false));
    Ok(places)
}

/// The traces in sorted places, by their first start and then id.
fn traces(places: &[Place<'_>]) -> impl Iterator<Item = Range<usize>> {
    let mut end = 0;
    let mut traces = Vec::new();
    for trace in places.chunk_by(|a, b| a.entry.trace_id() == b.entry.trace_id()) {
        let Some(first) = trace.first() else { continue };
        let start = end;
        end += trace.len();
        traces.push((first.entry.start(), first.entry.trace_id(), start..end));
    }
    traces.sort_unstable_by_key(|&(start, id, _)| (start, id));
    traces.into_iter().map(|(_, _, range)| range)
}

/// The builder's codes of a group's contexts, once they have been asked for.
#[derive(Clone, Default)]
struct Codes {
    resources: Vec<Option<u32>>,
    scopes: Vec<Option<u32>>,
}

impl Codes {
    fn resource(&mut self, place: &Place<'_>, builder: &mut SegmentBuilder) -> Result<u32> {
        let make = || builder.resource(place.group.resource(place.entry)?.bytes());
        known_or(&mut self.resources, place.entry.resource, make)
    }

    fn scope(&mut self, place: &Place<'_>, builder: &mut SegmentBuilder) -> Result<u32> {
        let make = || builder.scope(place.group.scope(place.entry)?.bytes());
        known_or(&mut self.scopes, place.entry.scope, make)
    }
}

fn known_or(
    codes: &mut Vec<Option<u32>>,
    index: u32,
    make: impl FnOnce() -> Result<u32>,
) -> Result<u32> {
    let index = index as usize;
    if let Some(&Some(code)) = codes.get(index) {
        return Ok(code);
    }
    let code = make()?;
    // Not beyond the group's list of contexts, or `make` had failed.
    codes.resize(codes.len().max(index + 1), None);
    *codes.get_mut(index).ok_or_else(out_of_range)? = Some(code);
    Ok(code)
}

fn out_of_range() -> Error {
    Error::invalid("an entry of no group")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::BTreeSet;
    use std::ops::ControlFlow;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::base::model::TraceSpan;
    use crate::ingest::contexts::Contexts;
    use crate::ingest::otlp::{Admission, prepare};
    use crate::ingest::request::encode_request;
    use crate::ingest::tests::{read_all, request};
    use crate::segment::Segment;

    fn rows_of(segment: &Segment) -> Vec<TraceSpan> {
        let mut rows = Vec::new();
        let all = 0..segment.summary().rows as u32;
        segment
            .rows(all, &mut |row| {
                rows.push(TraceSpan {
                    resource: segment.resource(row.resource)?,
                    scope: segment.scope(row.scope)?,
                    span: row.span.into_span().unwrap(),
                });
                Ok(ControlFlow::Continue(()))
            })
            .unwrap();
        rows
    }

    fn group(request: &[crate::base::model::ResourceSpans]) -> Option<Group> {
        let bytes = encode_request(request).unwrap();
        let contexts = Contexts::new(1 << 20);
        let prepared = prepare(&bytes, &contexts, &|_| Admission::Accept).unwrap();
        prepared.batch.split(0, |_| 0).pop().map(|(_, group)| group)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn p5_a_flush_keeps_each_distinct_span_once(
            requests in vec(request(), 1..5), again: bool, skipped in 0..6u64,
        ) {
            let mut groups: Vec<Group> = requests.iter().filter_map(|r| group(r)).collect();
            if again {
                groups.extend(requests.iter().filter_map(|r| group(r)));
            }
            let all: BTreeSet<String> = read_all(&groups).into_iter().collect();
            let mut skip = |trace: &[Place<'_>], stored: &mut [bool]| {
                assert_eq!(trace.len(), stored.len());
                for (Place { group, entry, .. }, stored) in trace.iter().zip(stored) {
                    assert!(group.entries().iter().any(|own| own.order() == entry.order()));
                    *stored = entry.low() == skipped;
                }
                Ok(())
            };
            let first = segment(&groups, &mut skip);
            let rows = rows_of(&first);
            let kept = |span: &TraceSpan| span.span.trace_id.low() != skipped;
            prop_assert!(rows.iter().all(kept));
            let said: BTreeSet<String> = rows.iter().map(|span| format!("{span:?}")).collect();
            prop_assert_eq!(said.len(), rows.len());
            prop_assert!(said.is_subset(&all));
            let left = groups.iter().flat_map(|g| g.entries().iter().map(move |e| (g, e)));
            let left = left.filter(|(_, e)| e.low() != skipped).map(|(g, e)| {
                format!("{:?}", TraceSpan {
                    resource: g.resource(e).unwrap().decoded().clone(),
                    scope: g.scope(e).unwrap().decoded().clone(),
                    span: g.span(e).unwrap().into_span().unwrap(),
                })
            });
            prop_assert_eq!(left.collect::<BTreeSet<_>>(), said);
            groups.reverse();
            prop_assert_eq!(rows_of(&segment(&groups, &mut skip)), rows);
        }
    }

    fn segment(groups: &[Group], skip: &mut Skip<'_>) -> Segment {
        let mut builder = SegmentBuilder::new(Default::default());
        build_segments(groups, skip, &mut builder, &mut |_| Ok(false)).unwrap();
        let mut bytes = Vec::new();
        builder.finish(&mut bytes).unwrap();
        let cache = crate::block::cache::Cache::new(0);
        Segment::from_bytes(bytes, "test".into(), cache.into()).unwrap()
    }
}
