//! Claim: what indexes and columns say of a trace is asked before its spans are read, also where a
//! query asks of traces as a whole (P5: the answers stay those of a scan).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use tracekeep::{
    Explain, KeyValue, Options, Query, Resource, ResourceSpans, ScopeSpans, Span, Status,
    StatusCode, Store, Timestamp, TraceId, TraceReader,
};

const START: u64 = 480_000 * 3_600_000_000_000;

/// A span of a service: its number in its trace, its parent's, whether it failed.
type Made = (&'static str, u64, Option<u64>, bool);

fn group(trace: u64, made: Made) -> ResourceSpans {
    let (service, id, parent, failed) = made;
    let attributes = vec![KeyValue::new("service.name", service)];
    let start = Timestamp::from_nanos(START + trace * 1_000_000 + id * 1000);
    let span = Span {
        trace_id: TraceId::from(u128::from(trace)),
        span_id: id.into(),
        parent_span_id: parent.map(Into::into),
        name: "work".into(),
        start,
        end: start,
        status: failed.then(|| Status { code: StatusCode::ERROR, ..Status::default() }),
        ..Span::default()
    };
    ResourceSpans {
        resource: Some(Resource { attributes, ..Resource::default() }),
        scope_spans: vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    }
}

/// A store with one segment for each list of traces.
fn store(dir: &std::path::Path, segments: &[&[(u64, &[Made])]]) -> Store {
    let store = Store::open(dir, Options::default().threads(0)).unwrap();
    for traces in segments {
        let spans = traces.iter().flat_map(|(trace, all)| all.iter().map(|made| (*trace, *made)));
        let batch: Vec<ResourceSpans> = spans.map(|(trace, made)| group(trace, made)).collect();
        store.append(&batch).unwrap();
        store.flush().unwrap();
    }
    store
}

fn found(store: &Store, query: &str) -> (Vec<u128>, Explain) {
    let (page, explain) = store.explain(&Query::parse(query).unwrap()).unwrap();
    (page.traces.iter().map(|hit| hit.trace_id.into()).collect(), explain)
}

const BELOW: &[Made] = &[("a", 1, None, false), ("b", 2, Some(1), false), ("b", 3, Some(2), true)];
const BESIDE: &[Made] = &[("b", 1, None, false), ("a", 2, Some(1), false), ("b", 3, Some(1), true)];
const SOUND: &[Made] = &[("a", 1, None, false), ("b", 2, Some(1), false)];
const OTHER: &[Made] = &[("b", 1, None, true)];

const ERRORS_BELOW_A: &str = r#"{ resource.service.name = "a" } >> { status = error }"#;

#[test]
fn structural_queries_read_only_traces_whose_structure_fits() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), &[&[(1, BELOW), (2, BESIDE), (3, SOUND), (4, OTHER)]]);
    let (traces, explain) = found(&store, ERRORS_BELOW_A);
    assert_eq!(traces, [1]);
    assert_eq!((explain.traces_read, explain.traces_ruled_out), (1, 2), "{explain:?}");
    // Whatever drives, what is denied is not looked for.
    let denied = r#"{ resource.service.name = "a" } !>> { status = error }"#;
    assert_eq!(found(&store, denied).0, [4, 2]);
    store.close().unwrap();
}

#[test]
fn counts_read_only_traces_with_as_many_matches() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), &[&[(1, BELOW), (2, BESIDE), (3, SOUND), (4, OTHER)]]);
    let (traces, explain) = found(&store, r#"{ resource.service.name = "b" } | count() > 1"#);
    assert_eq!(traces, [2, 1]);
    assert_eq!((explain.traces_read, explain.traces_too_small), (2, 1), "{explain:?}");
    assert_eq!(explain.traces_ruled_out, 1, "{explain:?}");
    store.close().unwrap();
}

#[test]
fn what_lies_in_another_segment_counts() {
    let dir = tempfile::tempdir().unwrap();
    let (above, below) = BELOW.split_at(2);
    let store = store(dir.path(), &[&[(1, above), (3, SOUND)], &[(1, below), (4, OTHER)]]);
    assert_eq!(found(&store, ERRORS_BELOW_A).0, [1]);
    assert_eq!(found(&store, r#"{ resource.service.name = "b" } | count() > 1"#).0, [1]);
    store.close().unwrap();
}

#[test]
fn a_trace_id_is_looked_up() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), &[&[(1, BELOW), (2, BESIDE)], &[(3, SOUND), (4, OTHER)]]);
    let (traces, explain) = found(&store, r#"{ trace:id = "3" }"#);
    assert_eq!(traces, [3]);
    assert_eq!((explain.candidates, explain.traces_read), (1, 1), "{explain:?}");
    assert_eq!(found(&store, r#"{ trace:id = "5" }"#).1.candidates, 0);
    store.close().unwrap();
}
