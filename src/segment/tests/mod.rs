//! The room's claims, against a naive list of spans.

mod canonical;
mod damage;
mod durations;
mod statistics;
mod terms;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use super::*;
use crate::base::effort::Effort;
use crate::base::ids::TraceId;
use crate::base::model::Span;
use crate::base::wire::{arbitrary, encode_resource_context, encode_scope_context, encode_span};
use crate::block::cache::Cache;
use crate::block::order::{OrderItem, preorder};
use crate::block::whim;

/// A span with the canonical bytes of its resource and scope.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub resource: Vec<u8>,
    pub scope: Vec<u8>,
    pub span: Span,
}

impl Entry {
    fn bytes(&self) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let mut bytes = Vec::new();
        encode_span(&self.span.view().unwrap(), &mut bytes);
        (self.resource.clone(), self.scope.clone(), bytes)
    }
}

/// Spans of few traces, so that these are long.
pub(super) fn entries(most: usize) -> impl Strategy<Value = Vec<Entry>> {
    let context = (arbitrary::resource_context(), arbitrary::scope_context());
    let contexts = prop::collection::vec(context, 1..4);
    let spans = prop::collection::vec((arbitrary::span(), 0u8..6, 0u8..8, any::<u8>()), 0..most);
    (contexts, spans).prop_map(|(contexts, spans)| {
        let contexts: Vec<(Vec<u8>, Vec<u8>)> = contexts
            .iter()
            .map(|(resource, scope)| {
                let (mut a, mut b) = (Vec::new(), Vec::new());
                encode_resource_context(resource, &mut a).unwrap();
                encode_scope_context(scope, &mut b).unwrap();
                (a, b)
            })
            .collect();
        let mut before: Vec<Span> = Vec::new();
        let mut entries = Vec::new();
        for (mut span, trace, like, pick) in spans {
            // Repeated structure, so that there are templates with many rows.
            if like > 0
                && let Some(other) = before.get(usize::from(pick) % before.len().max(1))
            {
                span = Span {
                    span_id: span.span_id,
                    parent_span_id: Some(other.span_id),
                    ..other.clone()
                };
            }
            span.trace_id = TraceId::from(u128::from(trace));
            before.push(span.clone());
            let (resource, scope) = contexts[usize::from(pick) % contexts.len()].clone();
            entries.push(Entry { resource, scope, span });
        }
        entries
    })
}

/// The entries by trace, traces and rows in the order of a segment.
pub(super) fn ordered(entries: &[Entry]) -> Vec<(TraceId, bool, Vec<Entry>)> {
    let mut traces: BTreeMap<TraceId, Vec<Entry>> = BTreeMap::new();
    for entry in entries {
        traces.entry(entry.span.trace_id).or_default().push(entry.clone());
    }
    let mut traces: Vec<(TraceId, bool, Vec<Entry>)> = traces
        .into_iter()
        .map(|(id, spans)| {
            let items: Vec<OrderItem> = (0..)
                .zip(&spans)
                .map(|(tie, entry)| OrderItem {
                    span_id: entry.span.span_id,
                    parent: entry.span.parent_span_id,
                    start: entry.span.start,
                    tie,
                })
                .collect();
            let (order, regular) = preorder(&items);
            (id, regular, order.iter().map(|&i| spans[i as usize].clone()).collect())
        })
        .collect();
    traces.sort_by_key(|(id, _, spans)| (spans.iter().map(|e| e.span.start).min(), *id));
    traces
}

pub(super) fn build(entries: &[Entry], options: SegmentOptions) -> (Vec<u8>, Summary) {
    let mut builder = SegmentBuilder::new(options);
    for (id, regular, spans) in ordered(entries) {
        builder.begin_trace(id, regular);
        for entry in spans {
            let resource = builder.resource(&entry.resource).unwrap();
            let scope = builder.scope(&entry.scope).unwrap();
            builder.push(resource, scope, &entry.span.view().unwrap()).unwrap();
        }
    }
    let mut bytes = Vec::new();
    let summary = builder.finish(&mut bytes).unwrap();
    assert_eq!(summary.bytes, bytes.len() as u64);
    (bytes, summary)
}

pub(super) fn open(bytes: Vec<u8>) -> Result<Segment, crate::base::error::Error> {
    Segment::from_bytes(bytes, PathBuf::from("test.seg"), Arc::new(Cache::new(1 << 20)))
}

/// The rows of a range, which views and owned spans must tell alike.
pub(super) fn read(
    segment: &Segment,
    range: std::ops::Range<u32>,
) -> Result<Vec<Entry>, crate::base::error::Error> {
    let mut owned = Vec::new();
    segment.outlines(range.clone(), &mut |outlined| {
        owned.push(outlined.own()?);
        Ok(ControlFlow::Continue(()))
    })?;
    let mut owned = owned.into_iter();
    let mut found = Vec::new();
    segment.rows(range, &mut |row| {
        let (scope, span) = owned.next().unwrap();
        assert_eq!((scope, Some(span)), (row.scope, row.span.to_span()));
        found.push(Entry {
            resource: segment.resource_bytes(row.resource)?,
            scope: segment.scope_bytes(row.scope)?,
            span: row.span.into_span().unwrap(),
        });
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

fn options() -> impl Strategy<Value = SegmentOptions> {
    let effort = prop::sample::select([Effort::Quick, Effort::Thorough].as_slice());
    (4usize..64, 16usize..400, effort).prop_map(|(block_rows, page_bytes, effort)| SegmentOptions {
        block_rows,
        page_bytes,
        effort,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn p3_every_span_comes_back(
        entries in entries(80), options in options(), whim in any::<Option<u64>>(),
    ) {
        let (bytes, summary) = whim::with(whim, || build(&entries, options));
        let segment = open(bytes).unwrap();
        prop_assert_eq!(segment.summary(), &summary);
        prop_assert_eq!(summary.rows, entries.len() as u64);
        let traces = ordered(&entries);
        prop_assert_eq!(summary.traces, traces.len() as u64);
        for (ordinal, (id, regular, spans)) in (0u32..).zip(&traces) {
            let entry = segment.entry(ordinal).unwrap();
            prop_assert_eq!(entry.id, *id);
            prop_assert_eq!(entry.flags.has(crate::index::traces::TraceFlags::REGULAR), *regular);
            prop_assert!(segment.find(id.low()).unwrap().contains(&ordinal));
            let found = read(&segment, entry.row_range()).unwrap();
            let bytes = |list: &[Entry]| list.iter().map(Entry::bytes).collect::<Vec<_>>();
            prop_assert!(bytes(&found) == bytes(spans), "{found:#?} instead of {spans:#?}");
        }
    }

    #[test]
    fn any_range_of_rows_reads_alike(
        entries in entries(60), options in options(), from: prop::sample::Index, to: prop::sample::Index,
    ) {
        let (bytes, summary) = build(&entries, options);
        let segment = open(bytes).unwrap();
        let rows = summary.rows as usize;
        let all = read(&segment, 0..rows as u32).unwrap();
        let (from, to) = (from.index(rows + 1), to.index(rows + 1));
        let (from, to) = (from.min(to), from.max(to));
        let some = read(&segment, from as u32..to as u32).unwrap();
        prop_assert_eq!(&some[..], &all[from..to]);
    }
}

#[test]
fn an_empty_segment_is_one() {
    let (bytes, summary) = build(&[], SegmentOptions::default());
    let segment = open(bytes).unwrap();
    assert_eq!((summary.rows, summary.traces), (0, 0));
    assert!(segment.find(1).unwrap().is_empty() && read(&segment, 0..0).unwrap().is_empty());
    assert!(segment.verify().is_empty(), "{:?}", segment.verify());
    assert!(segment.describe().unwrap().blocks.is_empty());
}

#[test]
fn a_description_covers_the_file_without_gaps() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let entries = entries(80).new_tree(&mut runner).unwrap().current();
    let options = SegmentOptions { block_rows: 7, page_bytes: 300, effort: Effort::Quick };
    let segment = open(build(&entries, options).0).unwrap();
    let info = segment.describe().unwrap();
    let mut end = 0;
    for part in &info.parts {
        assert_eq!(part.offset, end);
        end += part.bytes;
    }
    assert_eq!(end, info.bytes);
    assert_eq!(info.templates.iter().map(|t| t.rows).sum::<u64>(), info.spans);
}
