//! What the way from a request to a live buffer promises.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use proptest::collection::vec;
use proptest::prelude::*;

use crate::base::model::{ResourceSpans, ScopeSpans, Span, TraceSpan};
use crate::base::time::Timestamp;
use crate::base::wire::{arbitrary, encode_span, put_bytes, put_message};
use crate::ingest::batch::Batch;
use crate::ingest::contexts::Contexts;
use crate::ingest::group::Group;
use crate::ingest::live::Live;
use crate::ingest::otlp::{Admission, Prepared, prepare, replay};
use crate::ingest::request::encode_request;

/// Any request, as the owned model.
pub fn request() -> impl Strategy<Value = Vec<ResourceSpans>> {
    let scope =
        (arbitrary::scope_context(), vec(arbitrary::span(), 0..4)).prop_map(|(c, spans)| {
            ScopeSpans { scope: c.scope, spans, schema_url: c.schema_url, unknown: c.unknown }
        });
    let resource =
        (arbitrary::resource_context(), vec(scope, 0..3)).prop_map(|(c, scope_spans)| {
            ResourceSpans {
                resource: c.resource,
                scope_spans,
                schema_url: c.schema_url,
                unknown: c.unknown,
            }
        });
    vec(resource, 0..3)
}

fn spans(request: &[ResourceSpans]) -> Vec<Span> {
    let scopes = request.iter().flat_map(|group| &group.scope_spans);
    sorted(scopes.flat_map(|group| group.spans.clone()).collect())
}

fn sorted(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_cached_key(|span| format!("{span:?}"));
    spans
}

fn accept(bytes: &[u8]) -> Prepared {
    prepare(bytes, &Contexts::new(1 << 20), &|_| Admission::Accept).unwrap()
}

fn read(group: &Group) -> Vec<TraceSpan> {
    let read = |entry| TraceSpan {
        resource: group.resource(entry).unwrap().decoded().clone(),
        scope: group.scope(entry).unwrap().decoded().clone(),
        span: group.span(entry).unwrap().into_span().unwrap(),
    };
    group.entries().iter().map(read).collect()
}

pub fn read_all<'g>(groups: impl IntoIterator<Item = &'g Group>) -> Vec<String> {
    let mut all: Vec<_> = groups.into_iter().flat_map(read).map(|s| format!("{s:?}")).collect();
    all.sort();
    all
}

fn whole(batch: Batch) -> Vec<Group> {
    batch.split(7, |_| 0).into_iter().map(|(_, group)| group).collect()
}

/// What each span of a request says, contexts included.
fn said(request: &[ResourceSpans]) -> Vec<String> {
    let mut all = Vec::new();
    for group in request {
        let resource = crate::base::model::ResourceContext {
            resource: group.resource.clone(),
            schema_url: group.schema_url.clone(),
            unknown: group.unknown.clone(),
        };
        for scopes in &group.scope_spans {
            let scope = crate::base::model::ScopeContext {
                scope: scopes.scope.clone(),
                schema_url: scopes.schema_url.clone(),
                unknown: scopes.unknown.clone(),
            };
            all.extend(scopes.spans.iter().map(|span| {
                let resource = resource.clone().into();
                let scope = scope.clone().into();
                format!("{:?}", TraceSpan { resource, scope, span: span.clone() })
            }));
        }
    }
    all.sort();
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn p3_spans_come_out_with_their_contexts(request in request()) {
        let bytes = encode_request(&request).unwrap();
        let prepared = accept(&bytes);
        prop_assert_eq!(prepared.appended.accepted as usize, spans(&request).len());
        prop_assert_eq!(&prepared.batch.payload()[..], &bytes[..], "canonical bytes are kept");
        let again = replay(prepared.batch.payload(), &Contexts::new(1 << 20)).unwrap();
        let (first, again) = (whole(prepared.batch), whole(again));
        prop_assert_eq!(read_all(&first), said(&request));
        prop_assert_eq!(
            first.iter().flat_map(read).collect::<Vec<_>>(),
            again.iter().flat_map(read).collect::<Vec<_>>()
        );
    }

    #[test]
    fn p2_refused_spans_go_alone(request in request(), refused in 0..3u64) {
        let bytes = encode_request(&request).unwrap();
        let admit = |key: &crate::ingest::batch::SpanKey| match key.trace_id.low() {
            low if low == refused => Admission::Reject("out of the window"),
            _ => Admission::Accept,
        };
        let prepared = prepare(&bytes, &Contexts::new(1 << 20), &admit).unwrap();
        let all = spans(&request);
        let count = |low| all.iter().filter(|s| s.trace_id.low() == low).count() as u64;
        let appended = &prepared.appended;
        prop_assert_eq!(appended.rejected, count(refused));
        prop_assert_eq!(appended.accepted as usize, prepared.batch.len());
        prop_assert_eq!(appended.first_rejection.is_some(), appended.rejected > 0);
        prop_assert_eq!(accept(prepared.batch.payload()).appended.rejected, 0);
        let mut kept = request.clone();
        for scope in kept.iter_mut().flat_map(|group| &mut group.scope_spans) {
            scope.spans.retain(|s| s.trace_id.low() != refused);
        }
        prop_assert_eq!(read_all(&whole(prepared.batch)), said(&kept));
    }

    #[test]
    fn p6_any_bytes_are_refused_or_read(request in request(), at: prop::sample::Index, byte: u8) {
        let mut bytes = encode_request(&request).unwrap();
        if bytes.is_empty() { return Ok(()) }
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let contexts = Contexts::new(1 << 20);
        for input in [&bytes[..], &bytes[..at]] {
            if let Ok(prepared) = prepare(input, &contexts, &|_| Admission::Accept) {
                let len = prepared.batch.len();
                let again = replay(prepared.batch.payload(), &contexts).unwrap();
                prop_assert_eq!(len, again.len());
                prop_assert_eq!(read_all(&whole(prepared.batch)), read_all(&whole(again)));
            }
        }
    }

    #[test]
    fn p4_live_spans_are_found_by_id_and_partition(
        requests in vec(request(), 1..6), width in prop_oneof![Just(10u64), Just(1 << 62)],
    ) {
        let contexts = Contexts::new(1 << 20);
        let mut live = std::collections::BTreeMap::<u64, Live>::new();
        for (seq, request) in requests.iter().enumerate() {
            let bytes = encode_request(request).unwrap();
            let prepared = prepare(&bytes, &contexts, &|_| Admission::Accept).unwrap();
            for (start, group) in prepared.batch.split(seq as u64, |start| start.nanos() / width * width) {
                let buffer = live.entry(start).or_default();
                *buffer = buffer.with(group);
            }
        }
        let groups: Vec<_> = live.values().flat_map(|l| l.groups().to_vec()).collect();
        let flat: Vec<_> = requests.concat();
        prop_assert_eq!(read_all(groups.iter().map(|g| &**g)), said(&flat));
        for (start, buffer) in &live {
            for group in buffer.groups() {
                prop_assert!(group.entries().is_sorted_by_key(|e| (e.low(), e.trace_id(), e.start(), e.span_id())));
                for entry in group.entries() {
                    prop_assert_eq!(entry.start().nanos() / width * width, *start);
                    prop_assert!(group.min_start() <= entry.start() && entry.start() <= group.max_start());
                    prop_assert!(group.find(entry.low()).iter().all(|e| e.low() == entry.low()));
                    prop_assert!(group.find(entry.low()).iter().any(|e| e.order() == entry.order()));
                }
            }
        }
    }
}

/// A request of these span messages, whatever they are.
fn request_of(spans: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    put_message(&mut out, 0x0a, |out| {
        put_message(out, 0x12, |out| spans.iter().for_each(|span| put_bytes(out, 0x12, span)));
    });
    out
}

fn encoded(span: &Span) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_span(&span.view().unwrap(), &mut bytes);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// As the Collector and careless exporters write them.
    #[test]
    fn p5_spellings_of_a_span_become_the_same_bytes(
        mut spans in vec(arbitrary::span(), 1..4), way in 0..3usize,
    ) {
        for span in &mut spans {
            span.unknown.clear();
            span.dropped_links_count = 0;
        }
        let canonical: Vec<_> = spans.iter().map(encoded).collect();
        let mut spelled = canonical.clone();
        for (span, bytes) in spans.iter().zip(&mut spelled) {
            match way {
                // An empty parent, where it would stand.
                0 if span.parent_span_id.is_none() && span.trace_state.is_empty() => {
                    bytes.splice(28..28, [0x22, 0]);
                }
                0 => {}
                // A default at the end.
                1 => bytes.extend([0x70, 0]),
                // A name that a later one replaces.
                _ => drop(bytes.splice(0..0, [0x2a, 2, b'n', b'o'])),
            }
            if way == 2 && span.name.is_empty() {
                bytes.extend([0x2a, 0]);
            }
        }
        let prepared = accept(&request_of(&spelled));
        prop_assert_eq!(prepared.appended.accepted as usize, spans.len());
        prop_assert_eq!(&prepared.batch.payload()[..], &request_of(&canonical)[..]);
    }
}

#[test]
fn p3_ids_of_a_wrong_length_are_rejected_alone() {
    let good = encoded(&Span { trace_id: 1.into(), ..Span::default() });
    let mut short_parent = good.clone();
    short_parent.extend([0x22, 2, 1, 2]);
    let mut bad_link = good.clone();
    bad_link.extend([0x6a, 3, 0x12, 1, 9]);
    let no_ids = Vec::new();
    for (bad, why) in [
        (no_ids, "a trace id of 0 bytes, 16 are right"),
        (good[..18].to_vec(), "a span id of 0 bytes, 8 are right"),
        (short_parent, "a parent span id of 2 bytes, 8 are right"),
        (bad_link, "a linked trace id of 0 bytes, 16 are right"),
    ] {
        let prepared = accept(&request_of(&[good.clone(), bad]));
        assert_eq!((prepared.appended.accepted, prepared.appended.rejected), (1, 1));
        let rejection = prepared.appended.first_rejection.unwrap();
        assert!(rejection.ends_with(why), "{rejection}");
        assert_eq!(prepared.batch.payload()[..], request_of(std::slice::from_ref(&good))[..]);
    }
}

#[test]
fn p6_errors_say_where() {
    let good = encoded(&Span { trace_id: 1.into(), ..Span::default() });
    let mut bad = good.clone();
    bad.extend([0x2a, 1, 0xff]);
    let request = request_of(&[good, bad]);
    let error = prepare(&request, &Contexts::new(1 << 20), &|_| Admission::Accept).unwrap_err();
    let at = request.len() - 1;
    assert_eq!(
        error.to_string(),
        format!("at byte {at}: not OTLP protobuf: text that is not UTF-8")
    );
}

#[test]
fn groups_of_small_requests_are_joined() {
    let contexts = Contexts::new(1 << 20);
    let mut live = Live::default();
    for i in 0..1000u64 {
        let span = Span { trace_id: u128::from(i).into(), ..Span::default() };
        let bytes = request_of(&[encoded(&span)]);
        let prepared = prepare(&bytes, &contexts, &|_| Admission::Accept).unwrap();
        let (_, group) = prepared.batch.split(i, Timestamp::nanos).remove(0);
        live = live.with(group);
    }
    assert!(live.groups().len() <= 11, "{}", live.groups().len());
    assert_eq!(live.groups().iter().map(|group| group.len()).sum::<usize>(), 1000);
    let found = live.groups().iter().flat_map(|group| group.find(500));
    assert_eq!(found.map(|entry| entry.trace_id()).collect::<Vec<_>>(), [500.into()]);
}

#[test]
fn p4_a_large_group_is_searched_as_a_segment() {
    let spans: Vec<_> = (0..1500u64)
        .map(|i| encoded(&Span { trace_id: u128::from(i / 3).into(), ..Span::default() }))
        .collect();
    let prepared = accept(&request_of(&spans));
    let group = whole(prepared.batch).remove(0);
    assert!(group.segment().is_none(), "whoever asks once does without");
    let segment = group.segment().unwrap();
    assert_eq!((segment.summary().rows, segment.summary().traces), (500, 500), "each once");
    assert_eq!(segment.find(77).unwrap().len(), 1);
    assert!(whole(accept(&request_of(&spans[..9])).batch)[0].segment().is_none());
}
