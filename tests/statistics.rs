//! Claim: the statistics of segments are what a scan over the list of live spans adds up to,
//! however spans were repeated, split over flushes, and merged (P5).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use support::generate::batch;
use support::naive::Naive;
use tracekeep::inspect::{FileInfo, StatisticsInfo, file};
use tracekeep::{Durability, Options, ResourceSpans, StatusCode, Store, Timestamp, TraceSpan};

const MINUTE: u64 = 60_000_000_000;
const PARTITION: u64 = 60 * MINUTE;

/// Service, name and kind.
type Operation = (Option<String>, String, i32);
/// Operation, who calls and which service that is, minute.
type Cell = (Operation, &'static str, Option<String>, String);
/// Spans and errors.
type Counts = (u64, u64);

/// The segments of a store, each with its statistics.
fn segments(root: &Path) -> Vec<(PathBuf, StatisticsInfo)> {
    let entries = |dir: &Path| std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let folders = entries(root).filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| entries(&folder).collect::<Vec<_>>());
    let segments = files.filter(|path| path.extension().is_some_and(|end| end == "seg"));
    let statistics = |path: PathBuf| match file(&path).unwrap() {
        FileInfo::Segment(info) => (path, info.statistics.unwrap()),
        other => panic!("{other:?}"),
    };
    segments.map(statistics).collect()
}

fn operation_of(info: &StatisticsInfo, place: u32) -> Operation {
    let operation = info.operations.get(place as usize).unwrap();
    (operation.service.clone(), operation.name.clone(), operation.kind)
}

fn add<K: Ord>(sums: &mut BTreeMap<K, Counts>, key: K, (spans, errors): Counts) {
    let sum = sums.entry(key).or_default();
    *sum = (sum.0 + spans, sum.1 + errors);
}

fn service(span: &TraceSpan) -> Option<String> {
    span.resource.service().map(ToString::to_string)
}

fn operation(span: &TraceSpan) -> Operation {
    (service(span), span.span.name.to_string(), span.span.kind.0)
}

fn counts(span: &TraceSpan) -> Counts {
    (1, u64::from(span.span.status.as_ref().is_some_and(|s| s.code == StatusCode::ERROR)))
}

/// The cell of a span among those of its partition: all others are looked at.
fn cell(span: &TraceSpan, all: &[TraceSpan]) -> Cell {
    let partition = |span: &TraceSpan| span.span.start.nanos() / PARTITION;
    let is_parent = |other: &&TraceSpan| {
        !std::ptr::eq(*other, span)
            && other.span.trace_id == span.span.trace_id
            && Some(other.span.span_id) == span.span.parent_span_id
            && partition(other) == partition(span)
    };
    let first = all.iter().filter(is_parent).map(|s| (s.span.start, service(s))).min();
    let (called_by, caller) = match (span.span.parent_span_id, first) {
        (None, _) => ("none", None),
        (Some(_), None) => ("elsewhere", None),
        (Some(_), Some((_, caller))) => ("service", caller),
    };
    let minute = span.span.start.nanos() / MINUTE * MINUTE;
    (operation(span), called_by, caller, Timestamp::from_nanos(minute).to_string())
}

fn check_operations(root: &Path, naive: &Naive) {
    let (mut told, mut expected) = (BTreeMap::new(), BTreeMap::new());
    for (_, info) in segments(root) {
        for own in &info.cells {
            add(&mut told, operation_of(&info, own.operation), (own.spans, own.errors));
        }
    }
    naive.spans.iter().for_each(|span| add(&mut expected, operation(span), counts(span)));
    assert_eq!(told, expected);
}

fn check_cells(root: &Path, naive: &Naive) {
    let (mut told, mut expected) = (BTreeMap::new(), BTreeMap::new());
    let mut folders = Vec::new();
    for (path, info) in segments(root) {
        folders.push(path.parent().unwrap().to_path_buf());
        for own in &info.cells {
            let operation = operation_of(&info, own.operation);
            let key = (operation, own.called_by, own.caller.clone(), own.minute.clone());
            add(&mut told, key, (own.spans, own.errors));
        }
    }
    folders.sort();
    assert!(folders.is_sorted_by(|a, b| a < b), "each partition has one segment");
    let spans = &naive.spans;
    spans.iter().for_each(|span| add(&mut expected, cell(span, spans), counts(span)));
    assert_eq!(told, expected);
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<ResourceSpans>),
    /// Appends an earlier batch once more.
    Again(prop::sample::Index),
    Flush,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => batch().prop_map(Step::Append),
        2 => any::<prop::sample::Index>().prop_map(Step::Again),
        2 => Just(Step::Flush),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]

    #[test]
    fn p5_statistics_count_every_live_span_once(steps in prop::collection::vec(step(), 1..12)) {
        let dir = tempfile::tempdir().unwrap();
        let options = Options::default().durability(Durability::Os);
        let store = Store::open(dir.path(), options).unwrap();
        let mut naive = Naive::default();
        let mut batches = Vec::new();
        for step in steps {
            let batch = match step {
                Step::Append(batch) => batch,
                Step::Again(_) if batches.is_empty() => continue,
                Step::Again(index) => Vec::clone(index.get(&batches)),
                Step::Flush => {
                    store.flush().unwrap();
                    continue;
                }
            };
            store.append(&batch).unwrap();
            naive.append(&batch);
            batches.push(batch);
        }
        store.flush().unwrap();
        check_operations(dir.path(), &naive);
        store.merge().unwrap();
        check_cells(dir.path(), &naive);
    }
}
