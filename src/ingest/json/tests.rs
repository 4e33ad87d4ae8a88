//! What reading and writing JSON promise.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use proptest::collection::vec;
use proptest::prelude::*;

use super::{glance, read, to_protobuf};
use crate::base::error::Error;
use crate::base::model::{
    Event, KeyValue, Link, ResourceSpans, ScopeSpans, Span, Trace, TraceSpan, Value,
};
use crate::base::wire::arbitrary;
use crate::ingest::contexts::Contexts;
use crate::ingest::otlp::{Admission, prepare};
use crate::ingest::request::encode_request;

fn trace_span() -> impl Strategy<Value = TraceSpan> {
    (arbitrary::resource_context(), arbitrary::scope_context(), arbitrary::span()).prop_map(
        |(resource, scope, span)| TraceSpan {
            resource: resource.into(),
            scope: scope.into(),
            span,
        },
    )
}

/// The request of one span.
fn alone(span: &TraceSpan) -> Vec<u8> {
    let (resource, scope) = (span.resource.as_ref().clone(), span.scope.as_ref().clone());
    encode_request(&[ResourceSpans {
        resource: resource.resource,
        scope_spans: vec![ScopeSpans {
            scope: scope.scope,
            spans: vec![span.span.clone()],
            schema_url: scope.schema_url,
            unknown: scope.unknown,
        }],
        schema_url: resource.schema_url,
        unknown: resource.unknown,
    }])
    .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn p3_json_gives_every_span_back(span in trace_span()) {
        let json = span.to_otlp_json().unwrap();
        prop_assert!(!json.contains('\n'));
        let read = to_protobuf(json.as_bytes()).unwrap();
        // An unusual NaN is there twice.
        let is_same = read == alone(&span) || stored(&read) == stored(&alone(&span));
        prop_assert!(is_same, "{json}");
        let trace = Trace { id: span.span.trace_id, spans: vec![span.clone()] };
        prop_assert_eq!(trace.to_otlp_json().unwrap(), json);
        prop_assert_eq!(trace.to_otlp().unwrap(), alone(&span));
    }

    #[test]
    fn what_is_read_at_a_glance_is_read_alike(
        spans in vec(trace_span(), 0..4), at: prop::sample::Index, byte in prop_oneof!["[\\]{}\", 0-9a-z]"],
    ) {
        let json = Trace { id: arbitrary_id(), spans }.to_otlp_json().unwrap();
        let mut damaged = json.clone().into_bytes();
        *damaged.get_mut(at.index(json.len())).unwrap() = *byte.as_bytes().first().unwrap();
        for text in [Ok(json), String::from_utf8(damaged)].into_iter().flatten() {
            if let Some(read) = glance::to_protobuf(&text) {
                let general: read::Request = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(read, general.into_protobuf());
            }
        }
    }

    #[test]
    fn a_trace_is_the_same_request_in_protobuf_and_json(spans in vec(trace_span(), 0..5)) {
        let spans = [spans.clone(), spans].concat();
        let trace = Trace { id: arbitrary_id(), spans };
        let json = trace.to_otlp_json().unwrap();
        let read = to_protobuf(json.as_bytes()).unwrap();
        prop_assert_eq!(stored(&read), stored(&trace.to_otlp().unwrap()));
    }

    #[test]
    fn p6_damaged_json_is_refused_or_read(
        span in trace_span(), at: prop::sample::Index, byte in prop_oneof!["[\\]{}\",0-9a-z]"],
    ) {
        let mut json = span.to_otlp_json().unwrap().into_bytes();
        let at = at.index(json.len());
        let byte = *byte.as_bytes().first().unwrap();
        *json.get_mut(at).unwrap() = byte;
        for text in [&json[..], &json[..at]] {
            if let Err(error) = to_protobuf(text) {
                let Error::InvalidInput { position: Some(at), .. } = error else {
                    return Err(TestCaseError::fail(error.to_string()));
                };
                prop_assert!(at as usize <= text.len());
            }
        }
    }
}

/// What becomes of a request. An unusual NaN is read twice, and the last one counts.
fn stored(request: &[u8]) -> Vec<u8> {
    let prepared = prepare(request, &Contexts::new(1 << 20), &|_| Admission::Accept).unwrap();
    prepared.batch.payload().to_vec()
}

#[test]
fn what_exporters_write_is_read_at_a_glance() {
    let span = |more: &str| {
        format!(
            r#"{{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174",
            "parentSpanId":"","name":"GET \u00fc","kind":2,"startTimeUnixNano":"1544712660000000000",
            "endTimeUnixNano":1544712661000000000,"attributes":[
            {{"key":"a","value":{{"stringValue":"b"}}}},{{"key":"n","value":{{"intValue":"-7"}}}},
            {{"key":"","value":{{"doubleValue":0.25}}}},{{"key":"t","value":{{"boolValue":true}}}}],
            "status":{{}}{more}}}"#
        )
    };
    let plain = span("").replace("\\u00fc", "ü");
    let spans = [plain, span(r#","events":[{"name":"e"}],"flags":1"#), span(r#","other":[]"#)];
    let text = format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[]}},"scopeSpans":[{{"scope":{{}},
        "spans":[{}]}}],"schemaUrl":"s"}}]}} "#,
        spans.join(", ")
    );
    let general: read::Request = serde_json::from_str(&text).unwrap();
    assert_eq!(glance::to_protobuf(&text).unwrap(), general.into_protobuf());
    for other in ["{}x", "{\"resourceSpans\":[],}", "{\"resourceSpans\":[{\"spans\":1}]}", "[]", ""]
    {
        assert_eq!(glance::to_protobuf(other), None, "{other}");
    }
}

fn arbitrary_id() -> crate::base::ids::TraceId {
    7u128.into()
}

#[test]
fn p3_nans_come_back_wherever_they_stand() {
    for bits in [f64::NAN.to_bits(), (-f64::NAN).to_bits(), f64::NAN.to_bits() | 1] {
        let nan = Value::Array(vec![Value::Map(Vec::new()), Value::Double(f64::from_bits(bits))]);
        let attributes = vec![KeyValue { key: "k".into(), value: nan }];
        let link = Link { attributes: attributes.clone(), ..Link::default() };
        let event = Event { attributes: attributes.clone(), ..Event::default() };
        let span = Span { links: vec![link], events: vec![event], attributes, ..Span::default() };
        let span = TraceSpan { span, ..TraceSpan::default() };
        let trace = Trace { id: arbitrary_id(), spans: vec![span.clone(), span] };
        let json = trace.to_otlp_json().unwrap();
        let read = to_protobuf(json.as_bytes()).unwrap();
        assert_eq!(stored(&read), stored(&trace.to_otlp().unwrap()), "{bits:x}");
    }
}

#[test]
fn p3_deep_values_come_back() {
    let deep = (0..64).fold(Value::Int(1), |value, i| match i % 2 {
        0 => Value::Array(vec![value]),
        _ => Value::Map(vec![KeyValue { key: "k".into(), value }]),
    });
    let attributes = vec![KeyValue { key: "deep".into(), value: deep }];
    let span = Span { attributes, ..Span::default() };
    let span = TraceSpan { span, ..TraceSpan::default() };
    let json = span.to_otlp_json().unwrap();
    assert_eq!(to_protobuf(json.as_bytes()).unwrap(), alone(&span));
}

/// What the mapping allows beside what we write.
#[test]
fn reads_every_spelling() {
    let plain = r#"{"resourceSpans":[{"resource":{},"scopeSpans":[{"spans":[{
        "traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"a\u00e9",
        "kind":2,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"3000",
        "flags":1,"status":{"code":2},
        "attributes":[{"key":"i","value":{"intValue":"-5"}},{"key":"d","value":{"doubleValue":2.0}},
        {"key":"b","value":{"bytesValue":"+/8="}},{"key":"n","value":{"doubleValue":"NaN"}},
        {"key":"l","value":{"arrayValue":{"values":[{"boolValue":true},{}]}}},{"key":"m"}]}]}]}]}"#;
    let other = r#"{"other":[{}],"resource_spans":[{"scope_spans":[{"spans":[{"status":
        {"code":"STATUS_CODE_ERROR","message":null,"more":{"a":[1]}},"attributes":[
        {"value":{"int_value":-5},"key":"i"},{"key":"d","value":{"double_value":"2"}},
        {"key":"b","value":{"bytes_value":"-_8"}},{"key":"n","value":{"doubleValue":"NaN","x":1}},
        {"key":"l","value":{"array_value":{"values":[{"boolValue":true},{"stringValue":null}]}}},
        {"key":"m","value":null}],"flags":"1","end_time_unix_nano":3e3,"name":"a\u00e9",
        "start_time_unix_nano":1544712660000000000,"kind":"SPAN_KIND_SERVER","parentSpanId":"",
        "events":null,"span_id":"EEE19B7EC3C1B174","traceState":null,
        "trace_id":"5B8EFFF798038103D269B633813FC60C"}]}],"resource":{"attributes":[]}}]}"#;
    let read = |text: &str| {
        let bytes = to_protobuf(text.as_bytes()).unwrap();
        let contexts = crate::ingest::contexts::Contexts::new(1 << 20);
        let admit = |_: &_| crate::ingest::otlp::Admission::Accept;
        let prepared = crate::ingest::otlp::prepare(&bytes, &contexts, &admit).unwrap();
        assert_eq!(prepared.appended.accepted, 1);
        prepared.batch.payload().to_vec()
    };
    assert_eq!(read(plain), read(other));
}

#[test]
fn p6_errors_say_where() {
    let at = |text: &str| match to_protobuf(text.as_bytes()) {
        Err(Error::InvalidInput { position, message }) => (position.unwrap(), message),
        other => unreachable!("{other:?}"),
    };
    assert_eq!(at("{").0, 0);
    assert_eq!(at("{\n  \"resourceSpans\": 5}").0, 21);
    let (_, message) = at(r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xy"}]}]}]}"#);
    assert_eq!(message, "not OTLP JSON: \"xy\" is not an id in pairs of hex digits");
    let open = r#"{"arrayValue":{"values":["#.repeat(100);
    let deep = format!(r#"[{{"attributes":[{{"value":{open}"#);
    let (_, message) = at(&format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":{deep}"#));
    assert_eq!(message, "not OTLP JSON: recursion limit exceeded");
    let ignored = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(to_protobuf(format!(r#"{{"x":{ignored}}}"#).as_bytes()).unwrap().is_empty());
}
