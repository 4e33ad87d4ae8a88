//! P5: statistics are what a naive scan over the spans adds up to.

use super::*;
use crate::base::error::Result;
use crate::base::model::{KeyValue, Resource, ResourceContext, StatusCode};
use crate::base::text::Str;
use crate::base::time::Timestamp;
use crate::base::wire::decode_resource_context;
use crate::index::sketch::{Sketch, bucket};
use crate::index::statistics::{Caller, MINUTE};

/// Operation, who calls (`None`: no parent, `Some(None)`: a parent elsewhere), minute.
type Key = (Option<Str>, Str, i32, Option<Option<Option<Str>>>, Timestamp);

/// Spans, errors, the trace of the longest, durations.
type Sum = (u64, u64, TraceId, Sketch);

fn service(entry: &Entry) -> Option<Str> {
    decode_resource_context(&entry.resource).unwrap().service().cloned()
}

/// For each span all others are looked at.
fn naive(entries: &[Entry]) -> BTreeMap<Key, Sum> {
    let mut sums: BTreeMap<Key, (Vec<u64>, u64, TraceId)> = BTreeMap::new();
    for (id, _, spans) in ordered(entries) {
        for (at, entry) in spans.iter().enumerate() {
            let span = &entry.span;
            let others = spans.iter().enumerate().filter(|&(other, _)| other != at);
            let parent = span.parent_span_id.map(|parent| {
                let parents = others.filter(|(_, other)| other.span.span_id == parent);
                parents.map(|(_, other)| (other.span.start, service(other))).min()
            });
            let caller = parent.map(|parent| parent.map(|(_, service)| service));
            let start = span.start.nanos();
            let minute = Timestamp::from_nanos(start - start % MINUTE);
            let key = (service(entry), span.name.clone(), span.kind.0, caller, minute);
            let duration = span.end.nanos().saturating_sub(start);
            let (durations, errors, longest) = sums.entry(key).or_insert((Vec::new(), 0, id));
            if durations.iter().all(|&other| other < duration) {
                *longest = id;
            }
            durations.push(duration);
            let failed = span.status.as_ref().is_some_and(|s| s.code == StatusCode::ERROR);
            *errors += u64::from(failed);
        }
    }
    let sum = |(key, (durations, errors, longest)): (Key, (Vec<u64>, u64, TraceId))| {
        let mut sketch = Sketch::default();
        durations.iter().for_each(|&duration| sketch.add(bucket(duration), 1));
        (key, (durations.len() as u64, errors, longest, sketch))
    };
    sums.into_iter().map(sum).collect()
}

fn told(segment: &Segment) -> Result<BTreeMap<Key, Sum>> {
    let statistics = segment.statistics()?.unwrap();
    let mut sums = BTreeMap::new();
    statistics.scan(&mut |cell| {
        let operation = &statistics.operations()[cell.operation as usize];
        let caller = match cell.caller {
            Caller::None => None,
            Caller::Elsewhere => Some(None),
            Caller::Service(_) => Some(statistics.calling(cell.caller).map(|name| name.cloned())),
        };
        let (service, name) = (operation.service.clone(), operation.name.clone());
        let key = (service, name, operation.kind.0, caller, cell.minute);
        let exemplar = segment.entry(cell.exemplar)?.id;
        let sum = (cell.spans, cell.errors, exemplar, cell.durations.clone());
        assert!(sums.insert(key, sum).is_none());
        Ok(())
    })?;
    Ok(sums)
}

/// Spans with few names, ids, services and minutes, so that cells hold several.
fn alike() -> impl Strategy<Value = Vec<Entry>> {
    let of_few = (0u64..4, prop::option::of(0u64..5), 0u64..8, 0u64..3, 0usize..4, 0i32..3);
    (entries(60), prop::collection::vec(of_few, 60)).prop_map(|(mut entries, few)| {
        let resources = ["", "cart", "shop"].map(|name| {
            let attributes = vec![KeyValue::new("service.name", name)];
            let resource = Some(Resource { attributes, ..Resource::default() });
            let context = ResourceContext { resource, ..ResourceContext::default() };
            let mut bytes = Vec::new();
            encode_resource_context(&context, &mut bytes).unwrap();
            bytes
        });
        for (entry, (id, parent, start, length, service, kind)) in entries.iter_mut().zip(few) {
            if let Some(resource) = resources.get(service) {
                entry.resource = resource.clone();
            }
            entry.span.span_id = id.into();
            entry.span.parent_span_id = parent.map(Into::into);
            entry.span.start = Timestamp::from_nanos(start * (MINUTE / 4));
            entry.span.end = Timestamp::from_nanos(start * (MINUTE / 4) + length * 777);
            entry.span.name = if kind == 0 { "GET".into() } else { entry.span.name.clone() };
        }
        entries
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn p5_statistics_are_those_of_a_naive_scan(
        entries in prop_oneof![entries(60), alike()], options in options(),
    ) {
        let segment = open(build(&entries, options).0).unwrap();
        prop_assert!(segment.verify().is_empty(), "{:?}", segment.verify());
        let naive = naive(&entries);
        prop_assert_eq!(&told(&segment).unwrap(), &naive);

        let statistics = segment.statistics().unwrap().unwrap();
        let elsewhere = |key: &Key| key.3 == Some(None);
        let unresolved: u64 = naive.iter().filter(|(key, _)| elsewhere(key)).map(|(_, sum)| sum.0).sum();
        prop_assert_eq!(statistics.unresolved().len() as u64, unresolved);
        let mut edges: BTreeMap<_, (u64, u64)> = BTreeMap::new();
        for ((child, _, _, caller, minute), sum) in &naive {
            if let Some(Some(parent)) = caller {
                let edge = edges.entry((*minute, parent.clone(), child.clone())).or_default();
                *edge = (edge.0 + sum.0, edge.1 + sum.1);
            }
        }
        let told = statistics.edges().unwrap();
        let told = told.iter().map(|(edge, calls)| {
            ((edge.minute, edge.parent.clone(), edge.child.clone()), (calls.calls, calls.errors))
        });
        prop_assert_eq!(told.collect::<BTreeMap<_, _>>(), edges);
    }
}

#[test]
fn too_many_operations_are_not_told() {
    let entry = |n: u32| Entry {
        resource: Vec::new(),
        scope: Vec::new(),
        span: Span { name: format!("{n}").into(), span_id: u64::from(n).into(), ..Span::default() },
    };
    let entries: Vec<Entry> = (0..=counting::MAX_OPERATIONS as u32).map(entry).collect();
    let segment = open(build(&entries, SegmentOptions::default()).0).unwrap();
    assert!(segment.statistics().unwrap().is_none());
    assert!(segment.describe().unwrap().statistics.is_none());
    assert!(segment.verify().is_empty(), "{:?}", segment.verify());
    assert_eq!(segment.unpacked_source(kind::STATISTICS).unwrap().len(), 3);
}

#[test]
fn operations_of_few_spans_each_are_told_up_to_a_number() {
    let entry = |n: u32| Entry {
        resource: Vec::new(),
        scope: Vec::new(),
        span: Span { name: format!("{n}").into(), span_id: u64::from(n).into(), ..Span::default() },
    };
    let told = |operations: u32, spans: u32| {
        let entries: Vec<Entry> = (0..spans)
            .map(|n| Entry {
                span: Span { span_id: u64::from(n).into(), ..entry(n % operations).span },
                ..entry(0)
            })
            .collect();
        let segment = open(build(&entries, SegmentOptions::default()).0).unwrap();
        segment.statistics().unwrap().is_some()
    };
    assert!(told(1024, 1024) && !told(1025, 1025));
    assert!(told(1100, 4400) && !told(1101, 4400));
}
