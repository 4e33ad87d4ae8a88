//! What the codec as a whole promises.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::collection::vec;
use proptest::prelude::*;

use super::arbitrary;
use super::schema::SPAN;
use super::*;
use crate::base::model::{KeyValue, Span, Value};

fn encoded(span: &Span) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_span(&span.view().unwrap(), &mut bytes);
    bytes
}

fn canonical(message: &'static Message, bytes: &[u8]) -> Result<Vec<u8>, WireError> {
    let mut out = Vec::new();
    canonicalize(message, bytes, 0, &mut out).map(|()| out)
}

/// The top-level fields of `bytes` in another order, the order of repeated ones kept.
fn shuffled(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut fields = Fields::new(bytes);
    let mut found = Vec::new();
    while let Some(field) = fields.next_field().unwrap() {
        found.push((u64::from(field.number).wrapping_mul(seed | 1) >> 7 & 63, field.raw));
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().flat_map(|(_, raw)| raw.to_vec()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn p3_every_field_of_a_span_comes_back(span in arbitrary::span()) {
        let bytes = encoded(&span);
        let view = decode_span(&bytes).unwrap();
        let mut again = Vec::new();
        encode_span(&view, &mut again);
        prop_assert_eq!(&again, &bytes);
        prop_assert_eq!(view.to_span().unwrap(), span.clone());
        prop_assert_eq!(canonical(&SPAN, &bytes).unwrap(), bytes.clone());
        let scanned = scan_span(&bytes).unwrap();
        let SpanHead { trace_id, span_id, start, end } = scanned;
        prop_assert_eq!(trace_id, span.trace_id);
        prop_assert_eq!((span_id, start, end), (span.span_id, span.start, span.end));
        let has_a = |attribute: &KeyValue| attribute.key.starts_with('a');
        let mut some = span.clone();
        some.attributes.retain(has_a);
        some.events.iter_mut().for_each(|event| event.attributes.retain(has_a));
        some.links.iter_mut().for_each(|link| link.attributes.retain(has_a));
        let decoded = decode_span_with(&bytes, |key| key.first() == Some(&b'a'));
        prop_assert_eq!(decoded.unwrap().to_span().unwrap(), some);
        let (attributes, events, links, unknown) = Default::default();
        let outlined = Span { attributes, events, links, flags: 0, unknown, ..span };
        prop_assert_eq!(decode_outline(&bytes).unwrap().to_span().unwrap(), outlined);
    }

    #[test]
    fn p3_every_field_of_a_context_comes_back(
        resource in arbitrary::resource_context(),
        scope in arbitrary::scope_context(),
    ) {
        let mut bytes = Vec::new();
        encode_resource_context(&resource, &mut bytes).unwrap();
        prop_assert_eq!(canonical(&RESOURCE_CONTEXT, &bytes).unwrap(), bytes.clone());
        prop_assert_eq!(decode_resource_context(&bytes).unwrap(), resource);
        bytes.clear();
        encode_scope_context(&scope, &mut bytes).unwrap();
        prop_assert_eq!(canonical(&SCOPE_CONTEXT, &bytes).unwrap(), bytes.clone());
        prop_assert_eq!(decode_scope_context(&bytes).unwrap(), scope);
    }

    #[test]
    fn p5_spans_differ_when_their_canonical_bytes_do(
        a in arbitrary::span(),
        b in arbitrary::span(),
        v in arbitrary::value(),
        w in arbitrary::value(),
    ) {
        prop_assert_eq!(a == b, encoded(&a) == encoded(&b));
        let one = Span { attributes: vec![KeyValue { key: "k".into(), value: v }], ..a.clone() };
        let two = Span { attributes: vec![KeyValue { key: "k".into(), value: w }], ..a };
        prop_assert_eq!(one == two, encoded(&one) == encoded(&two));
    }

    #[test]
    fn fields_in_any_order_are_put_in_order(span in arbitrary::span(), seed: u64) {
        let span = Span { unknown: Vec::new(), ..span };
        let bytes = encoded(&span);
        let mixed = shuffled(&bytes, seed);
        prop_assert_eq!(canonical(&SPAN, &mixed).unwrap(), bytes.clone());
        prop_assert!(mixed == bytes || decode_span(&mixed).is_none());
    }

    #[test]
    fn p6_any_bytes_are_refused_or_read_alike(bytes in vec(prop_oneof![
        3 => 0..5u8, 1 => Just(0x0a), 1 => Just(0x12), 1 => any::<u8>()], 0..40)
    ) {
        check_alike(&bytes)?;
    }

    #[test]
    fn p6_damaged_spans_are_refused_or_read_alike(
        span in arbitrary::span(), at: prop::sample::Index, byte: u8, cut: bool,
    ) {
        let mut bytes = encoded(&span);
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { *bytes.get_mut(at).unwrap() = byte }
        check_alike(&bytes)?;
    }
}

/// The strict reader accepts exactly what the canonicalizer leaves as it is (ids apart).
fn check_alike(bytes: &[u8]) -> Result<(), TestCaseError> {
    let view = decode_span(bytes);
    prop_assert_eq!(view.is_some(), scan_span(bytes).is_some());
    let merged = canonical(&SPAN, bytes);
    if let Some(view) = view {
        prop_assert_eq!(merged.as_deref(), Ok(bytes));
        let mut again = Vec::new();
        encode_span(&view, &mut again);
        prop_assert_eq!(again, bytes);
        prop_assert!(view.to_span().is_some());
    }
    if let Ok(merged) = merged {
        prop_assert_eq!(canonical(&SPAN, &merged), Ok(merged.clone()));
        let ids = merged.get(..28).is_some_and(|head| head.starts_with(&[0x0a, 16]));
        prop_assert!(decode_span(&merged).is_some() || !ids || merged.len() > 28);
    }
    decode_resource_context(bytes);
    decode_scope_context(bytes);
    decode_array(bytes);
    value::decode_map(bytes);
    Ok(())
}

#[test]
fn p7_deep_values_are_refused_before_the_stack_is() {
    let nest = |depth| (0..depth).fold(Value::Int(1), |value, _| Value::Array(vec![value]));
    let span = |value| {
        let attributes = vec![KeyValue { key: "k".into(), value }];
        Span { attributes, ..Span::default() }
    };
    assert!(span(nest(64)).view().is_ok());
    assert!(decode_span(&encoded(&span(nest(64)))).is_some());
    assert!(span(nest(65)).view().is_err());

    let mut bytes = Vec::new();
    for _ in 0..20_000 {
        // Array, any value, array, ...
        for tag in [0x0a, 0x2a] {
            let mut outer = Vec::new();
            put_bytes(&mut outer, tag, &bytes);
            bytes = outer;
        }
        if bytes.len() > 4000 {
            break;
        }
    }
    let mut attribute = Vec::new();
    put_bytes(&mut attribute, 0x12, &bytes);
    let mut span = Vec::new();
    put_bytes(&mut span, 0x4a, &attribute);
    let error = canonical(&SPAN, &span).unwrap_err();
    assert_eq!(error.what, "an attribute value that nests too deep");
}
