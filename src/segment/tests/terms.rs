//! P5: the tag index misses no trace, and what it calls exact is.

use std::collections::BTreeSet;

use super::*;
use crate::base::effort::Effort;
use crate::base::model::{KeyValue, StatusCode, Value};
use crate::base::number::Number;
use crate::base::wire::{decode_resource_context, decode_scope_context};
use crate::index::term::{Probe, TagScope};

/// All values of a span under all keys, as the index has them.
fn values(entry: &Entry) -> Vec<(TagScope, String, Value)> {
    let mut all = Vec::new();
    let mut add = |scope: TagScope, attributes: &[KeyValue]| {
        all.extend(attributes.iter().map(|a| (scope, a.key.to_string(), a.value.clone())));
    };
    let span = &entry.span;
    add(TagScope::Span, &span.attributes);
    span.events.iter().for_each(|event| add(TagScope::Event, &event.attributes));
    span.links.iter().for_each(|link| add(TagScope::Link, &link.attributes));
    if let Some(resource) = decode_resource_context(&entry.resource).unwrap().resource {
        add(TagScope::Resource, &resource.attributes);
    }
    let scope = decode_scope_context(&entry.scope).unwrap().scope;
    if let Some(scope) = &scope {
        add(TagScope::Instrumentation, &scope.attributes);
    }
    let mut own = |key: &str, value: Value| all.push((TagScope::Intrinsic, key.into(), value));
    own(intrinsic::NAME, span.name.clone().into());
    own(intrinsic::KIND, i64::from(span.kind.0).into());
    own(intrinsic::STATUS, i64::from(span.status_code().0).into());
    span.events.iter().for_each(|event| own(intrinsic::EVENT_NAME, event.name.clone().into()));
    if let Some(status) = span.status.as_ref().filter(|status| !status.message.is_empty()) {
        own(intrinsic::STATUS_MESSAGE, status.message.clone().into());
    }
    if let Some(scope) = scope {
        own(intrinsic::SCOPE_NAME, scope.name.into());
        own(intrinsic::SCOPE_VERSION, scope.version.into());
    }
    all
}

fn probe(value: &Value) -> Option<Probe<'_>> {
    Some(match value {
        Value::String(text) => Probe::Str(text),
        Value::Bool(truth) => Probe::Bool(*truth),
        Value::Int(number) => Probe::equals(Number::Int(*number)),
        Value::Double(number) => Probe::equals(Number::Double(*number)),
        _ => return None,
    })
}

/// Whether a value is what another asks for: 1 = 1.0, and NaN equals nothing.
fn equals(a: &Value, b: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Int(number) => Some(Number::Int(*number)),
        Value::Double(number) => Some(Number::Double(*number)),
        _ => None,
    };
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.compare(b) == Some(std::cmp::Ordering::Equal),
        _ => a == b,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn p5_candidates_are_what_a_scan_finds(
        entries in entries(40), block_rows in 4usize..64, whim in any::<Option<u64>>(),
    ) {
        let options = SegmentOptions { block_rows, page_bytes: 300, effort: Effort::Quick };
        let segment = open(whim::with(whim, || build(&entries, options)).0).unwrap();
        let traces: Vec<Vec<(TagScope, String, Value)>> = ordered(&entries)
            .iter()
            .map(|(_, _, spans)| spans.iter().flat_map(values).collect())
            .collect();
        let with = |holds: &dyn Fn(&(TagScope, String, Value)) -> bool| -> BTreeSet<u32> {
            (0u32..).zip(&traces).filter(|(_, all)| all.iter().any(holds)).map(|(o, _)| o).collect()
        };
        for (scope, key, value) in traces.iter().flatten() {
            let found = segment.candidates(*scope, key, &Probe::Exists).unwrap();
            let expected = with(&|(s, k, _)| s == scope && k == key);
            let set: BTreeSet<u32> = found.set.iter().collect();
            prop_assert!(set.is_superset(&expected), "{scope} {key}");
            let is_right = if found.exact { set == expected } else { whim.is_some() };
            prop_assert!(is_right, "{scope} {key}");
            let Some(probe) = probe(value) else { continue };
            let found = segment.candidates(*scope, key, &probe).unwrap();
            let set: BTreeSet<u32> = found.set.iter().collect();
            let expected = with(&|(s, k, v)| s == scope && k == key && equals(v, value));
            prop_assert!(set.is_superset(&expected), "{scope} {key} {value:?}");
            prop_assert!(!found.exact || set == expected, "{scope} {key} {value:?}");
        }
        let absent = segment.candidates(TagScope::Span, "no such key", &Probe::Exists).unwrap();
        prop_assert!(whim.is_some() || absent.set.is_empty() && absent.exact);
    }

    #[test]
    fn statistics_of_operations_count_every_span(entries in entries(60)) {
        let segment = open(build(&entries, SegmentOptions::default()).0).unwrap();
        let operations = segment.operations().unwrap().list().unwrap();
        for operation in &operations {
            let of = |entry: &&Entry| {
                let context = decode_resource_context(&entry.resource).unwrap();
                context.service() == operation.service.as_ref()
                    && entry.span.name == operation.name
                    && entry.span.kind == operation.kind
            };
            let spans: Vec<&Entry> = entries.iter().filter(of).collect();
            let failed = |e: &&&Entry| e.span.status_code() == StatusCode::ERROR;
            prop_assert_eq!(operation.totals.spans, spans.len() as u64);
            prop_assert_eq!(operation.totals.errors, spans.iter().filter(failed).count() as u64);
        }
        let all: u64 = operations.iter().map(|operation| operation.totals.spans).sum();
        prop_assert_eq!(all, entries.len() as u64);
    }
}
