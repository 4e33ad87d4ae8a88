//! The codec against prost, an independent decoder, on requests whole, merged and damaged.

use proptest::prelude::*;
use prost::Message as _;

use super::arbitrary;
use super::schema::SPAN;
use super::{Message, RESOURCE_CONTEXT, SCOPE_CONTEXT, canonicalize};
use crate::base::model::Span;

#[derive(Clone, PartialEq, prost::Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    children: Vec<Vec<u8>>,
    #[prost(string, tag = "3")]
    schema_url: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "2")]
    dropped_attributes_count: u32,
    #[prost(message, repeated, tag = "3")]
    entity_refs: Vec<EntityRef>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct EntityRef {
    #[prost(string, tag = "1")]
    schema_url: String,
    #[prost(string, tag = "2")]
    entity_type: String,
    #[prost(string, repeated, tag = "3")]
    id_keys: Vec<String>,
    #[prost(string, repeated, tag = "4")]
    description_keys: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    scope: Option<Scope>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    children: Vec<Vec<u8>>,
    #[prost(string, tag = "3")]
    schema_url: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Scope {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    version: String,
    #[prost(message, repeated, tag = "3")]
    attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "4")]
    dropped_attributes_count: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct WireSpan {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(string, tag = "3")]
    trace_state: String,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    start: u64,
    #[prost(fixed64, tag = "8")]
    end: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "10")]
    dropped_attributes_count: u32,
    #[prost(message, repeated, tag = "11")]
    events: Vec<Event>,
    #[prost(uint32, tag = "12")]
    dropped_events_count: u32,
    #[prost(message, repeated, tag = "13")]
    links: Vec<Link>,
    #[prost(uint32, tag = "14")]
    dropped_links_count: u32,
    #[prost(message, optional, tag = "15")]
    status: Option<Status>,
    #[prost(fixed32, tag = "16")]
    flags: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Event {
    #[prost(fixed64, tag = "1")]
    time: u64,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(message, repeated, tag = "3")]
    attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "4")]
    dropped_attributes_count: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Link {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(string, tag = "3")]
    trace_state: String,
    #[prost(message, repeated, tag = "4")]
    attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "5")]
    dropped_attributes_count: u32,
    #[prost(fixed32, tag = "6")]
    flags: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
    #[prost(int32, tag = "3")]
    code: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct AnyValue {
    #[prost(oneof = "Any", tags = "1, 2, 3, 4, 5, 6, 7")]
    value: Option<Any>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Any {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bool, tag = "2")]
    Bool(bool),
    #[prost(int64, tag = "3")]
    Int(i64),
    #[prost(double, tag = "4")]
    Double(f64),
    #[prost(message, tag = "5")]
    Array(ArrayValue),
    #[prost(message, tag = "6")]
    Map(KeyValueList),
    #[prost(bytes = "vec", tag = "7")]
    Bytes(Vec<u8>),
}

#[derive(Clone, PartialEq, prost::Message)]
struct ArrayValue {
    #[prost(message, repeated, tag = "1")]
    values: Vec<AnyValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct KeyValueList {
    #[prost(message, repeated, tag = "1")]
    values: Vec<KeyValue>,
}

/// A message whose children are not part of its canonical bytes.
trait Childless: prost::Message + Default {
    fn without_children(self) -> Self;
}

impl Childless for WireSpan {
    fn without_children(self) -> Self {
        self
    }
}

impl Childless for ResourceSpans {
    fn without_children(self) -> Self {
        Self { children: Vec::new(), ..self }
    }
}

impl Childless for ScopeSpans {
    fn without_children(self) -> Self {
        Self { children: Vec::new(), ..self }
    }
}

/// Both accept the same bytes, and the canonical ones say what the original ones said.
///
/// prost writes fields in ascending number without defaults, so what it writes is canonical.
fn check<M: Childless>(message: &'static Message, bytes: &[u8]) -> Result<(), TestCaseError> {
    let mut canonical = Vec::new();
    let ours = canonicalize(message, bytes, 0, &mut canonical);
    let theirs = M::decode(bytes);
    prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?} {:?}", ours, theirs.err());
    let Ok(theirs) = M::decode(bytes) else { return Ok(()) };
    let written = theirs.without_children().encode_to_vec();
    let again = M::decode(&canonical[..]).map(|message| message.encode_to_vec());
    prop_assert_eq!(again.as_deref(), Ok(&written[..]));
    let mut canonical = Vec::new();
    prop_assert!(canonicalize(message, &written, 0, &mut canonical).is_ok());
    prop_assert_eq!(canonical, written);
    Ok(())
}

fn check_all(bytes: &[u8]) -> Result<(), TestCaseError> {
    check::<WireSpan>(&SPAN, bytes)?;
    check::<ResourceSpans>(&RESOURCE_CONTEXT, bytes)?;
    check::<ScopeSpans>(&SCOPE_CONTEXT, bytes)
}

#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
fn encoded(span: &Span) -> Vec<u8> {
    let mut bytes = Vec::new();
    super::encode_span(&span.view().unwrap(), &mut bytes);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn p3_prost_reads_what_was_written(span in arbitrary::span()) {
        let bytes = encoded(&span);
        check::<WireSpan>(&SPAN, &bytes)?;
        let theirs = WireSpan::decode(&bytes[..]).unwrap_or_default();
        prop_assert_eq!(theirs.name, &*span.name);
        prop_assert_eq!((theirs.start, theirs.flags), (span.start.nanos(), span.flags));
        prop_assert_eq!(theirs.events.len(), span.events.len());
    }

    #[test]
    fn p3_messages_merge_as_in_prost(
        a in arbitrary::span(), b in arbitrary::span(), tail in prop::collection::vec(0..20u8, 0..6),
    ) {
        let mut bytes = [encoded(&a), encoded(&b)].concat();
        check::<WireSpan>(&SPAN, &bytes)?;
        bytes.extend_from_slice(&tail);
        check::<WireSpan>(&SPAN, &bytes)?;
    }

    #[test]
    fn p3_values_merge_as_in_prost(
        pieces in prop::collection::vec(prop_oneof![
            Just(vec![0x0a, 1, b'a']), Just(vec![0x10, 5]), Just(vec![0x18, 0x80, 0]),
            Just(vec![0x2a, 2, 0x0a, 0]), Just(vec![0x2a, 4, 0x0a, 2, 0x18, 1]),
            Just(vec![0x32, 2, 0x0a, 0]), Just(vec![0x3a, 0]), Just(vec![0x40, 1]),
            Just(vec![0x2a, 6, 0x0a, 4, 0x2a, 2, 0x0a, 0]),
        ], 0..6),
    ) {
        let value = pieces.concat();
        let mut pair = vec![0x12, value.len() as u8];
        pair.extend_from_slice(&value);
        let mut span = vec![0x4a, pair.len() as u8];
        span.extend_from_slice(&pair);
        check_all(&span)?;
        // The value in two pieces, and in two fields of the pair.
        let twice = [&pair[..], &pair[..]].concat();
        let mut resource = vec![0x0a, twice.len() as u8 + 2, 0x0a, twice.len() as u8];
        resource.extend_from_slice(&twice);
        check_all(&resource)?;
    }

    #[test]
    fn p6_damaged_bytes_are_refused_as_by_prost(
        span in arbitrary::span(), at: prop::sample::Index, byte: u8, cut: bool,
    ) {
        let mut bytes = encoded(&span);
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
        } else if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        check_all(&bytes)?;
    }

    #[test]
    fn p6_any_bytes_are_refused_as_by_prost(
        bytes in prop::collection::vec(prop_oneof![6 => 0..0x30u8, 1 => any::<u8>()], 0..24),
    ) {
        check_all(&bytes)?;
    }
}
