//! Claim: every span of the shared captures comes back from a store with every field as a naive
//! reader of the same file sees it, live, flushed, merged and reopened (P3); and after a merge, what
//! a partition holds of a trace stands in one row range.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod files;
mod json;
#[path = "../../benches/common/otlp.rs"]
mod otlp;
mod protobuf;

use std::collections::BTreeMap;
use std::fmt::Write;

use tracekeep::{Durability, Options, Store, Trace, TraceId, TraceReader, TraceSpan};
use xxhash_rust::xxh3::xxh3_128;

use files::{Form, Request};

/// What the naive reader saw: for each trace a digest of each of its spans.
///
/// The digest is taken of the span's debug text, which shows every field of the span, of its
/// resource and of its scope, so a capture of a million spans fits the memory of a test.
#[derive(Default)]
struct Seen {
    traces: BTreeMap<TraceId, Vec<u128>>,
    spans: u64,
    text: String,
}

impl Seen {
    fn add(&mut self, span: &TraceSpan) {
        let digest = self.digest(span);
        self.traces.entry(span.span.trace_id).or_default().push(digest);
        self.spans += 1;
    }

    fn digest(&mut self, span: &TraceSpan) -> u128 {
        self.text.clear();
        write!(self.text, "{span:?}").unwrap();
        xxh3_128(self.text.as_bytes())
    }

    /// Identical spans count once.
    fn settle(&mut self) {
        for digests in self.traces.values_mut() {
            digests.sort_unstable();
            digests.dedup();
        }
    }

    fn distinct(&self) -> u64 {
        self.traces.values().map(|digests| digests.len() as u64).sum()
    }

    fn digests(&mut self, trace: &Trace) -> Vec<u128> {
        let mut digests: Vec<_> = trace.spans.iter().map(|span| self.digest(span)).collect();
        digests.sort_unstable();
        digests
    }
}

fn naive_spans(request: &Request) -> Vec<TraceSpan> {
    match request.form {
        Form::Json => json::spans(&request.bytes),
        Form::Protobuf => protobuf::spans(&request.bytes),
    }
}

/// Shows how a trace differs, by reading the file once more.
fn fail(name: &str, trace: &Trace) -> ! {
    let requests = files::requests(name).unwrap();
    let spans = requests.flat_map(|request| naive_spans(&request));
    let mut wanted: Vec<_> = spans.filter(|span| span.span.trace_id == trace.id).collect();
    wanted.sort_by_key(|span| (span.span.start, span.span.span_id));
    for (span, wanted) in trace.spans.iter().zip(&wanted) {
        assert_eq!(span, wanted, "{name}, trace {}", trace.id);
    }
    panic!("{name}, trace {}: {} spans for {}", trace.id, trace.spans.len(), wanted.len());
}

fn check(name: &str, store: &Store, seen: &mut Seen) {
    let stats = store.stats().unwrap();
    assert_eq!(stats.spans, seen.distinct(), "{name}");
    assert_eq!(stats.traces, seen.traces.len() as u64, "{name}");
    let ids: Vec<_> = seen.traces.keys().copied().collect();
    let mut compared = 0;
    for (trace, id) in store.traces(&ids).unwrap().zip(&ids) {
        let trace = trace.unwrap().unwrap_or_else(|| panic!("{name}: {id} is not found"));
        assert_eq!(trace.id, *id);
        if seen.digests(&trace) != seen.traces[id] {
            fail(name, &trace);
        }
        compared += trace.spans.len() as u64;
    }
    assert_eq!(compared, seen.distinct(), "{name}");
}

/// Imports a capture of `spans` spans and compares each, small captures also before the merge.
fn compare(name: &str, spans: Option<u64>) {
    let Some(requests) = files::requests(name) else { return };
    let dir = tempfile::tempdir().unwrap();
    // What is durable is not asked here.
    let options = Options::default().durability(Durability::Os).memory_bytes(128 << 20);
    let store = Store::open(dir.path(), options.clone()).unwrap();
    let mut seen = Seen::default();
    for request in requests {
        let done = match request.form {
            Form::Json => store.append_otlp_json(&request.bytes),
            Form::Protobuf => store.append_otlp(&request.bytes),
        };
        let done = done.unwrap();
        let naive = naive_spans(&request);
        naive.iter().for_each(|span| seen.add(span));
        assert_eq!((done.accepted, done.rejected), (naive.len() as u64, 0), "{done:?}");
    }
    assert_eq!(seen.spans, spans.unwrap_or(seen.spans));
    seen.settle();
    let small = seen.spans < 10_000;
    if small {
        check(name, &store, &mut seen);
    }
    store.flush().unwrap();
    if small {
        check(name, &store, &mut seen);
    }
    store.merge().unwrap();
    store.close().unwrap();
    let store = Store::open(dir.path(), options).unwrap();
    let merged = store.stats().unwrap();
    assert_eq!(merged.buffered_spans, 0);
    for partition in &merged.partitions {
        assert_eq!(partition.split_traces, 0, "{name}: {partition:?}");
    }
    check(name, &store, &mut seen);
}

#[test]
fn p3_demo_spans_come_back() {
    compare("otel-demo.otlp.pb.zst", Some(4_743));
}

#[test]
fn p3_hotel_spans_come_back() {
    compare("dsb-hotel.otlp.jsonl.zst", Some(66_000));
}

#[test]
fn p3_media_spans_come_back() {
    compare("dsb-media.otlp.jsonl.zst", Some(175_500));
}

#[test]
fn p3_boutique_spans_come_back() {
    compare("nezha-ob-0822.otlp.jsonl.zst", Some(846_632));
}

#[test]
fn p3_tricky_spans_come_back() {
    let names = files::names("tricky");
    assert!(names.is_empty() || names.len() >= 6, "{names:?}");
    for name in names {
        compare(&name, None);
    }
}

#[test]
fn every_capture_is_compared() {
    let mut known = vec![
        "dsb-hotel.otlp.jsonl.zst",
        "dsb-media.otlp.jsonl.zst",
        "nezha-ob-0822.otlp.jsonl.zst",
        "otel-demo.otlp.pb.zst",
    ];
    let names = files::names(".");
    known.retain(|_| !names.is_empty());
    let names: Vec<_> = names.iter().map(|name| name.trim_start_matches("./")).collect();
    assert_eq!(names, known);
}
