//! Real captures, read by us and by a naive reader of the same file.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::Read;
use std::path::PathBuf;

use serde_json::Value;

use crate::base::model::{Trace, TraceSpan};
use crate::ingest::contexts::Contexts;
use crate::ingest::json::prepare_json;
use crate::ingest::otlp::{Admission, Prepared, prepare};

/// Requests of a file that a test reads: the whole files are imported by the store's tests.
const REQUESTS: usize = 12;

/// A file of the shared captures, unpacked; `None` where they are absent and need not be there.
fn capture(name: &str) -> Option<Box<dyn Read>> {
    let folder = std::env::var("TRACEKEEP_REAL_DATA").unwrap_or_else(|_| "../shared/data".into());
    let path = PathBuf::from(folder).join(name);
    match std::fs::File::open(&path) {
        Ok(file) => Some(Box::new(zstd::Decoder::new(file).unwrap())),
        Err(error) => {
            let required = std::env::var("TRACEKEEP_REQUIRE_REAL_DATA").is_ok_and(|v| v == "1");
            assert!(!required, "{}: {error}", path.display());
            None
        }
    }
}

fn lines(name: &str) -> Vec<String> {
    let Some(file) = capture(name) else { return Vec::new() };
    let lines = std::io::BufRead::lines(std::io::BufReader::new(file));
    lines.take(REQUESTS).map(Result::unwrap).collect()
}

fn requests(name: &str) -> Vec<Vec<u8>> {
    let Some(mut file) = capture(name) else { return Vec::new() };
    let mut requests = Vec::new();
    let mut len = [0; 4];
    while requests.len() < REQUESTS && file.read_exact(&mut len).is_ok() {
        let mut request = vec![0; u32::from_be_bytes(len) as usize];
        file.read_exact(&mut request).unwrap();
        requests.push(request);
    }
    requests
}

fn spans(prepared: Prepared) -> Vec<TraceSpan> {
    let mut spans = Vec::new();
    for (_, group) in prepared.batch.split(1, |start| start.nanos() / 3_600_000_000_000) {
        for entry in group.entries() {
            spans.push(TraceSpan {
                resource: group.resource(entry).unwrap().decoded().clone(),
                scope: group.scope(entry).unwrap().decoded().clone(),
                span: group.span(entry).unwrap().into_span().unwrap(),
            });
        }
    }
    spans
}

/// Every span of a request with its contexts, in JSON, without what says nothing.
fn naive(request: &Value) -> Vec<String> {
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let mut spans = Vec::new();
    for resource in list(request, "resourceSpans") {
        for scope in list(&resource, "scopeSpans") {
            for span in list(&scope, "spans") {
                let mut all = [&resource["resource"], &scope["scope"], &span].map(Value::clone);
                all.iter_mut().for_each(strip);
                spans.push(format!("{all:?} {} {}", resource["schemaUrl"], scope["schemaUrl"]));
            }
        }
    }
    spans.sort();
    spans
}

/// Drops members that hold the default, and spells numbers alike.
fn strip(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(strip);
            // Present although empty or zero: members of a oneof.
            members.retain(|name, value| {
                let empty =
                    value == "" || value == 0 || value.as_array().is_some_and(Vec::is_empty);
                !empty || name.ends_with("Value") || name == "key"
            });
        }
        Value::Array(values) => values.iter_mut().for_each(strip),
        Value::Number(number) => *value = Value::from(number.as_f64()),
        _ => {}
    }
}

fn accept(_: &crate::ingest::batch::SpanKey) -> Admission {
    Admission::Accept
}

fn check_lines(name: &str) {
    let contexts = Contexts::new(1 << 20);
    for line in lines(name) {
        let prepared = prepare_json(line.as_bytes(), &contexts, &accept).unwrap();
        assert_eq!(prepared.appended.rejected, 0);
        let trace = Trace { spans: spans(prepared), ..Trace::default() };
        let again: Value = serde_json::from_str(&trace.to_otlp_json().unwrap()).unwrap();
        assert_eq!(naive(&again), naive(&serde_json::from_str(&line).unwrap()));
    }
}

#[test]
fn p3_hotel_spans_come_back_as_a_naive_reader_sees_them() {
    check_lines("dsb-hotel.otlp.jsonl.zst");
}

#[test]
fn p3_media_spans_come_back_as_a_naive_reader_sees_them() {
    check_lines("dsb-media.otlp.jsonl.zst");
}

#[test]
fn p3_boutique_spans_come_back_as_a_naive_reader_sees_them() {
    check_lines("nezha-ob-0822.otlp.jsonl.zst");
}

#[test]
fn p3_demo_spans_come_back_from_protobuf_and_json() {
    let contexts = Contexts::new(1 << 20);
    for request in requests("otel-demo.otlp.pb.zst") {
        let prepared = prepare(&request, &contexts, &accept).unwrap();
        assert_eq!(prepared.appended.rejected, 0);
        let spans = spans(prepared);
        let trace = Trace { spans: spans.clone(), ..Trace::default() };
        let bytes = trace.to_otlp().unwrap();
        let json = trace.to_otlp_json().unwrap();
        for again in [
            prepare(&bytes, &contexts, &accept).unwrap(),
            prepare_json(json.as_bytes(), &contexts, &accept).unwrap(),
        ] {
            let mut again = self::spans(again);
            let mut spans = spans.clone();
            for list in [&mut again, &mut spans] {
                list.sort_by_cached_key(|span| format!("{span:?}"));
            }
            assert!(again == spans);
        }
    }
}
