//! Claim: whatever is appended in whatever order, and however it was flushed, merged, expired, copied
//! and reopened since, every question is answered as by a scan over a list of the live spans (P2, P4, P5).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use support::condition::{Condition, condition};
use support::generate::{HOUR, batch, trace_id};
use support::naive::{Hit, Naive, assert_same_spans};
use tracekeep::simulation::{Environment, InlineExecutor, ManualClock, MemDisk};
use tracekeep::{
    Options, Query, Reader, ResourceSpans, Retention, Scan, Store, TagScope, TimeRange, Timestamp,
    TraceId, TraceReader, TraceSpan, Value,
};

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<ResourceSpans>),
    /// Appends an earlier batch once more.
    Again(prop::sample::Index),
    Flush,
    Merge,
    Retain(Retention),
    Backup,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => batch().prop_map(Step::Append),
        2 => any::<prop::sample::Index>().prop_map(Step::Again),
        2 => Just(Step::Flush),
        1 => Just(Step::Merge),
        1 => rule().prop_map(Step::Retain),
        1 => Just(Step::Backup),
        1 => Just(Step::Reopen),
    ]
}

/// Rules at whose moment the spans are up to five hours old, or not made yet.
fn rule() -> impl Strategy<Value = Retention> {
    prop_oneof![
        (0..300u64).prop_map(|minutes| {
            Retention::default().max_age(Duration::from_secs(minutes * 60))
        }),
        (0..4usize).prop_map(|most| Retention::default().max_partitions(most)),
    ]
}

/// Small everywhere, so that every boundary is met.
fn options() -> impl Strategy<Value = Options> {
    let widths = prop::sample::select(vec![60, 3600, 86_400]);
    (
        4..64usize,
        64..512usize,
        widths,
        prop_oneof![Just(1usize), Just(2000), Just(1 << 20)],
        0..2usize,
    )
        .prop_map(|(rows, page, seconds, seal, threads)| {
            Options::default()
                .block_rows(rows)
                .page_bytes(page)
                .partition(Duration::from_secs(seconds))
                .seal_bytes(seal)
                .merge_fan_in(2)
                .threads(threads)
                .min_free_bytes(0)
        })
}

/// Questions to ask once the history is over.
#[derive(Clone, Debug)]
struct Questions {
    ids: Vec<TraceId>,
    conditions: Vec<Condition>,
    range: (u64, u64),
    limit: usize,
}

fn questions() -> impl Strategy<Value = Questions> {
    let ends = prop_oneof![
        2 => Just((0, u64::MAX)),
        3 => (0..300u64, 0..300u64).prop_map(|(a, b)| (HOUR + a * 60_000_000_000, HOUR + (a + b) * 60_000_000_000)),
    ];
    let conditions = prop::collection::vec(condition(), 1..6);
    (prop::collection::vec(trace_id(), 3), conditions, ends, 1..8usize)
        .prop_map(|(ids, conditions, range, limit)| Questions { ids, conditions, range, limit })
}

const NOW: Timestamp = Timestamp::from_nanos(HOUR + 300 * 60_000_000_000);

fn world(disk: &MemDisk) -> Environment {
    Environment {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(ManualClock::new(NOW)),
        executor: Arc::new(InlineExecutor::new()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 500, ..ProptestConfig::default() })]

    #[test]
    fn p2_p4_p5_every_answer_is_that_of_a_scan(
        steps in prop::collection::vec(step(), 1..12),
        options in options(),
        questions in questions(),
    ) {
        // In memory: thousands of real fsyncs would be most of the test's time.
        let disk = MemDisk::new();
        let open = || Store::open_in("/store", options.clone(), world(&disk)).unwrap();
        let mut store = open();
        let mut naive = Naive::default();
        let mut batches: Vec<Vec<ResourceSpans>> = Vec::new();
        for step in steps {
            match step {
                Step::Append(batch) => {
                    let count: usize = batch.iter().flat_map(|r| &r.scope_spans).map(|s| s.spans.len()).sum();
                    prop_assert_eq!(store.append(&batch).unwrap().accepted, count as u64);
                    naive.append(&batch);
                    batches.push(batch);
                }
                Step::Again(index) if !batches.is_empty() => {
                    let batch = index.get::<Vec<ResourceSpans>>(&batches);
                    store.append(batch).unwrap();
                    naive.append(batch);
                }
                Step::Again(_) => {}
                Step::Flush => store.flush().unwrap(),
                Step::Merge => store.merge().unwrap(),
                Step::Retain(rule) => retain(&store, &mut naive, &rule, options.partition),
                Step::Backup => {
                    let to = format!("/backup-{}", disk.operations());
                    store.backup(&to).unwrap();
                    let copy = Reader::open_in(&to, options.clone(), world(&disk)).unwrap();
                    check(&copy, &naive, &questions);
                    check_stats(&copy.stats().unwrap(), &naive);
                }
                Step::Reopen => {
                    drop(store);
                    store = open();
                }
            }
        }
        check(&store, &naive, &questions);
        check_stats(&store.stats().unwrap(), &naive);
        let snapshot = store.snapshot().unwrap();
        let reader = Reader::open_in("/store", options.clone(), world(&disk)).unwrap();
        check(&reader, &naive, &questions);
        check_stats(&reader.stats().unwrap(), &naive);
        store.merge().unwrap();
        check(&store, &naive, &questions);
        check(&snapshot, &naive, &questions);
        check(&reader, &naive, &questions);
        let merged = store.stats().unwrap();
        check_stats(&merged, &naive);
        prop_assert_eq!(merged.buffered_spans, 0);
        let before = naive.clone();
        retain(&store, &mut naive, &Retention::default().max_partitions(1), options.partition);
        check(&store, &naive, &questions);
        check_stats(&store.stats().unwrap(), &naive);
        check(&snapshot, &before, &questions);
        check(&reader, &before, &questions);
    }
}

/// Lets both keep what the rule says, and compares what the store reports.
fn retain(store: &Store, naive: &mut Naive, rule: &Retention, width: Duration) {
    let before = naive.clone();
    naive.retain(rule, NOW, width);
    let lost: BTreeSet<_> = before
        .spans
        .iter()
        .filter(|span| !naive.spans.contains(span))
        .map(|span| span.span.trace_id)
        .collect();
    let foretold = store.expired(rule).unwrap();
    let report = store.retain(rule).unwrap();
    assert_eq!(report, foretold);
    assert_eq!(report.spans(), (before.spans.len() - naive.spans.len()) as u64);
    assert_eq!(report.cut_traces, lost.intersection(&naive.ids()).count() as u64);
    assert!(store.expired(rule).unwrap().partitions.is_empty());
}

fn check_stats(stats: &tracekeep::Stats, naive: &Naive) {
    assert_eq!(stats.spans, naive.spans.len() as u64);
    assert_eq!(stats.traces, naive.ids().len() as u64);
    assert_eq!(stats.partitions.iter().map(|p| p.spans).sum::<u64>(), stats.spans);
}

fn check(store: &impl TraceReader, naive: &Naive, questions: &Questions) {
    let (first, last) = questions.range;
    let range = match last {
        u64::MAX => TimeRange::from(Timestamp::from_nanos(first)..),
        last => TimeRange::from(Timestamp::from_nanos(first)..Timestamp::from_nanos(last + 1)),
    };
    check_lookups(store, naive, &questions.ids, range);
    check_names(store, naive, range);
    let inside = naive.spans.iter().filter(|span| range.contains(span.span.start));
    check_scan(store.scan(range).unwrap(), inside);
    check_durations(store, naive, range);
    for condition in &questions.conditions {
        check_search(store, naive, condition, questions, range);
    }
}

fn check_lookups(store: &impl TraceReader, naive: &Naive, others: &[TraceId], range: TimeRange) {
    let ids: BTreeSet<_> = naive.ids().into_iter().chain(others.iter().copied()).collect();
    for &id in &ids {
        let found = store.trace(id).unwrap();
        let Some(resolved) = naive.resolve(id) else {
            assert!(found.is_none());
            continue;
        };
        let wanted = naive.spans_of(resolved);
        let found = found.unwrap_or_else(|| panic!("{id:?} is not found"));
        assert_eq!(found.id, resolved);
        assert_same_spans(&found, &wanted);
        let chunks = store.trace_chunks(id).unwrap().unwrap();
        let spans: Vec<_> = chunks.flat_map(Result::unwrap).collect();
        assert_eq!(spans, found.spans);
    }
    for &id in &naive.ids() {
        let mut wanted = naive.spans_of(id);
        wanted.retain(|s| range.contains(s.span.start));
        match store.trace_in(id, range).unwrap() {
            Some(found) if found.id == id => assert_same_spans(&found, &wanted),
            // A short id whose own spans lie outside stands for a longer one.
            Some(found) => {
                assert!(wanted.is_empty() && id.high() == 0 && found.id.low() == id.low())
            }
            None => assert!(wanted.is_empty()),
        }
    }
    let list: Vec<_> = ids.into_iter().collect();
    let all: Vec<_> = store.traces(&list).unwrap().map(|t| t.unwrap().map(|t| t.id)).collect();
    let wanted: Vec<_> = list.iter().map(|&id| naive.resolve(id)).collect();
    assert_eq!(all, wanted);
}

/// Whether a scan gives each of these spans once, and no other.
fn check_scan<'a>(scan: Scan, wanted: impl Iterator<Item = &'a TraceSpan>) {
    let mut found: Vec<_> = scan.flat_map(Result::unwrap).collect();
    for span in wanted {
        let place = found.iter().position(|other| other == span);
        found.swap_remove(place.unwrap_or_else(|| panic!("{span:?} is not scanned")));
    }
    assert!(found.is_empty(), "scanned besides: {found:?}");
}

/// Whether durations are those of the spans inside, each once.
fn check_durations(store: &impl TraceReader, naive: &Naive, range: TimeRange) {
    let mut found = Vec::new();
    store.scan_durations(range, |durations| found.extend_from_slice(durations)).unwrap();
    let inside = naive.spans.iter().filter(|span| range.contains(span.span.start));
    let nanos = inside.map(|s| s.span.end.nanos().saturating_sub(s.span.start.nanos()));
    let mut wanted: Vec<u64> = nanos.collect();
    found.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(found, wanted);
}

fn check_search(
    store: &impl TraceReader,
    naive: &Naive,
    condition: &Condition,
    questions: &Questions,
    range: TimeRange,
) {
    let (first, last) = questions.range;
    let wanted = naive.search(condition, first, last);
    let text = condition.text();
    let query = Query::parse(&text).unwrap().between(range).limit(questions.limit);
    let mut found = Vec::new();
    let mut page = store.search(&query).unwrap();
    let top: Vec<_> = page.traces.iter().map(|hit| hit.trace_id).collect();
    loop {
        assert!(page.traces.len() <= questions.limit);
        for hit in &page.traces {
            found.push(Hit::of(hit, naive.root_is_ambiguous(hit.trace_id)));
        }
        match &page.next {
            Some(cursor) => page = store.search(&query.clone().after(cursor)).unwrap(),
            None => break,
        }
    }
    assert_eq!(found, wanted, "{text}");
    let ids = store.search_ids(&query).unwrap();
    assert_eq!(ids.iter().map(|t| t.trace_id).collect::<Vec<_>>(), top, "{text}");
    for (times, hit) in ids.iter().zip(&wanted) {
        assert_eq!((times.start, times.end), (hit.start, hit.end), "{text}");
    }
    let matching =
        naive.spans.iter().filter(|s| range.contains(s.span.start) && condition.holds(s));
    check_scan(store.scan_matching(&query).unwrap(), matching);
    let spans = store.search_spans(&query).unwrap();
    let count: u64 = wanted.iter().take(questions.limit).map(|hit| hit.matched).sum();
    assert_eq!(spans.len() as u64, count, "{text}");
    for span in &spans {
        assert!(range.contains(span.span.start) && condition.holds(span), "{text}: {span:?}");
    }
}

fn check_names(store: &impl TraceReader, naive: &Naive, range: TimeRange) {
    let inside: Vec<_> = naive.spans.iter().filter(|s| range.contains(s.span.start)).collect();
    let services: BTreeSet<String> =
        inside.iter().filter_map(|s| s.service()).map(|s| s.to_string()).collect();
    let found: Vec<_> = store.services(range).unwrap().iter().map(|s| s.to_string()).collect();
    assert_eq!(found, services.into_iter().collect::<Vec<_>>());
    for service in ["cart", "shop", "none"] {
        let of_service = naive.spans.iter().filter(|s| s.service().is_some_and(|x| *x == service));
        let wanted: BTreeSet<_> =
            of_service.map(|s| (s.span.name.to_string(), s.span.kind)).collect();
        let found = store.operations(service).unwrap();
        let found: Vec<_> = found.iter().map(|o| (o.name.to_string(), o.kind)).collect();
        assert_eq!(found, wanted.into_iter().collect::<Vec<_>>());
    }
    let mut keys = BTreeSet::new();
    for span in &inside {
        let resource = span.resource.resource.iter().flat_map(|r| &r.attributes);
        keys.extend(resource.map(|a| (TagScope::Resource, a.key.to_string())));
        keys.extend(span.span.attributes.iter().map(|a| (TagScope::Span, a.key.to_string())));
        let events = span.span.events.iter().flat_map(|e| &e.attributes);
        keys.extend(events.map(|a| (TagScope::Event, a.key.to_string())));
        let links = span.span.links.iter().flat_map(|l| &l.attributes);
        keys.extend(links.map(|a| (TagScope::Link, a.key.to_string())));
        let scope = span.scope.scope.iter().flat_map(|s| &s.attributes);
        keys.extend(scope.map(|a| (TagScope::Instrumentation, a.key.to_string())));
    }
    let found = store.tag_keys(range).unwrap();
    let found: Vec<_> = found.iter().map(|k| (k.scope, k.key.to_string())).collect();
    assert_eq!(found, keys.into_iter().collect::<Vec<_>>());

    let texts = |values: Vec<Value>| -> BTreeSet<String> {
        let text =
            |value| if let Value::String(text) = value { Some(text.to_string()) } else { None };
        values.into_iter().filter_map(text).collect()
    };
    let mut wanted = Vec::new();
    for attribute in
        inside.iter().flat_map(|s| &s.span.attributes).filter(|a| a.key == "http.method")
    {
        match &attribute.value {
            Value::Array(elements) => wanted.extend(elements.iter().cloned()),
            value => wanted.push(value.clone()),
        }
    }
    let found = store.tag_values("span.http.method", range).unwrap();
    assert_eq!(texts(found), texts(wanted));
}
