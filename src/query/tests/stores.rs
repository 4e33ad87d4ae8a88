//! The random stores as views, over real segments and live groups or over fakes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::fake::Fake;
use super::generate::WIDTH;
use crate::base::effort::Effort;
use crate::base::ids::TraceId;
use crate::base::model::{ResourceSpans, ScopeSpans, TraceSpan};
use crate::base::wire::{encode_resource_context, encode_scope_context};
use crate::block::cache::Cache;
use crate::block::order::{OrderItem, preorder};
use crate::block::whim;
use crate::ingest::contexts::Contexts;
use crate::ingest::group::Group;
use crate::ingest::otlp;
use crate::ingest::request::encode_request;
use crate::query::source::Source;
use crate::query::view::{Partition, View};
use crate::segment::{Segment, SegmentBuilder, SegmentOptions};

/// Spans, each with the sources of its partition that hold a copy.
pub type Placed = [(TraceSpan, Vec<usize>)];

/// Of each partition's three sources one is a segment, one a live group, one an indexed fake.
pub fn real(store: &Placed) -> View {
    wide(store, WIDTH)
}

/// The same in partitions of another width.
pub fn wide(store: &Placed, width: u64) -> View {
    view(store, width, |source, spans| match source {
        0 => Arc::new(segment(spans)),
        1 => Arc::new(group(spans, width)),
        _ => Arc::new(Fake::new(spans, true)),
    })
}

/// Segments alone, which may hold copies of each other's spans, as files that were opened together do.
pub fn segments(store: &Placed, width: u64) -> View {
    view(store, width, |_, spans| Arc::new(segment(spans)))
}

/// Fakes alone: shows the search itself, and shows it fast.
pub fn fakes(store: &Placed) -> View {
    view(store, WIDTH, |source, spans| Arc::new(Fake::new(spans, source == 0)))
}

fn view(
    store: &Placed,
    width: u64,
    make: impl Fn(usize, Vec<TraceSpan>) -> Arc<dyn Source>,
) -> View {
    let mut sources = BTreeMap::<(u64, usize), Vec<TraceSpan>>::new();
    for (span, holders) in store {
        let start = span.span.start.nanos() / width * width;
        for holder in holders {
            sources.entry((start, *holder)).or_default().push(span.clone());
        }
    }
    let mut partitions = BTreeMap::<u64, Vec<Arc<dyn Source>>>::new();
    for ((start, holder), spans) in sources {
        partitions.entry(start).or_default().push(make(holder, spans));
    }
    let partition = |(start, sources)| Partition::new(start, width, sources);
    View::new(partitions.into_iter().map(|key| Arc::new(partition(key))).collect())
}

fn group(spans: Vec<TraceSpan>, width: u64) -> Group {
    let alone = |span: TraceSpan| ResourceSpans {
        resource: span.resource.resource.clone(),
        scope_spans: vec![ScopeSpans {
            scope: span.scope.scope.clone(),
            spans: vec![span.span],
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    };
    let request = encode_request(&spans.into_iter().map(alone).collect::<Vec<_>>()).unwrap();
    let contexts = Contexts::new(1 << 20);
    let prepared = otlp::prepare(&request, &contexts, &|_| otlp::Admission::Accept).unwrap();
    prepared.batch.split(1, |start| start.nanos() / width).remove(0).1
}

/// A segment of tiny blocks, so that traces cross their boundaries.
fn segment(spans: Vec<TraceSpan>) -> Segment {
    // Many a store has forms of the index that else take thousands of spans.
    let seed = spans.len() as u64;
    whim::with((!seed.is_multiple_of(3)).then_some(seed << 20), || segment_of(spans, 3, 64))
}

pub fn segment_of(spans: Vec<TraceSpan>, block_rows: usize, page_bytes: usize) -> Segment {
    let mut traces = BTreeMap::<TraceId, Vec<TraceSpan>>::new();
    for span in spans {
        let trace = traces.entry(span.span.trace_id).or_default();
        // As a flush does.
        if !trace.contains(&span) {
            trace.push(span);
        }
    }
    let mut traces: Vec<_> = traces.into_iter().collect();
    traces.sort_by_key(|(id, spans)| (spans.iter().map(|s| s.span.start).min(), *id));
    let options = SegmentOptions { block_rows, page_bytes, effort: Effort::Quick };
    let mut builder = SegmentBuilder::new(options);
    for (id, spans) in traces {
        let item = |(tie, s): (u64, &TraceSpan)| OrderItem {
            span_id: s.span.span_id,
            parent: s.span.parent_span_id,
            start: s.span.start,
            tie,
        };
        let items: Vec<_> = (0..).zip(&spans).map(item).collect();
        let (order, regular) = preorder(&items);
        builder.begin_trace(id, regular);
        for index in order {
            let span = &spans[index as usize];
            let (mut resource, mut scope) = (Vec::new(), Vec::new());
            encode_resource_context(&span.resource, &mut resource).unwrap();
            encode_scope_context(&span.scope, &mut scope).unwrap();
            let resource = builder.resource(&resource).unwrap();
            let scope = builder.scope(&scope).unwrap();
            builder.push(resource, scope, &span.span.view().unwrap()).unwrap();
        }
    }
    let mut bytes = Vec::new();
    builder.finish(&mut bytes).unwrap();
    Segment::from_bytes(bytes, PathBuf::from("test.seg"), Arc::new(Cache::new(1 << 16))).unwrap()
}
