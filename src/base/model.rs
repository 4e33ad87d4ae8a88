//! The owned span model: OTLP's shape, every field kept.
//!
//! Two values are equal exactly when their decoded protobuf messages are: field by field, doubles
//! by their bits, attributes in their order. `unknown` fields hold, verbatim, protobuf fields of
//! that message that this version does not know.

use std::sync::Arc;

use crate::base::ids::{SpanId, TraceId};
use crate::base::text::Str;
use crate::base::time::Timestamp;

/// Spans of one resource, as one OTLP `ResourceSpans`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResourceSpans {
    /// What produced the spans.
    pub resource: Option<Resource>,
    /// Its spans by instrumentation scope.
    pub scope_spans: Vec<ScopeSpans>,
    /// Schema of the resource's attributes.
    pub schema_url: Str,
    /// Unknown protobuf fields.
    pub unknown: Vec<u8>,
}

/// Spans of one instrumentation scope, as one OTLP `ScopeSpans`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScopeSpans {
    /// What recorded the spans.
    pub scope: Option<Scope>,
    /// The spans.
    pub spans: Vec<Span>,
    /// Schema of the spans' attributes.
    pub schema_url: Str,
    /// Unknown protobuf fields.
    pub unknown: Vec<u8>,
}

/// What a span says of its producer: a `ResourceSpans` without the spans. Shared by many spans.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResourceContext {
    /// The resource.
    pub resource: Option<Resource>,
    /// Schema of the resource's attributes.
    pub schema_url: Str,
    /// Unknown protobuf fields.
    pub unknown: Vec<u8>,
}

/// What a span says of its recorder: a `ScopeSpans` without the spans. Shared by many spans.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScopeContext {
    /// The instrumentation scope.
    pub scope: Option<Scope>,
    /// Schema of the spans' attributes.
    pub schema_url: Str,
    /// Unknown protobuf fields.
    pub unknown: Vec<u8>,
}

impl ResourceContext {
    /// The value of `service.name`, if it is a string; the first one where the key repeats.
    pub fn service(&self) -> Option<&Str> {
        let attributes = &self.resource.as_ref()?.attributes;
        attributes.iter().filter(|a| a.key == "service.name").find_map(|a| match &a.value {
            Value::String(text) => Some(text),
            _ => None,
        })
    }
}

/// An entity that produces telemetry.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource {
    /// Its description, in the order given; keys may repeat.
    pub attributes: Vec<KeyValue>,
    /// How many attributes the producer dropped.
    pub dropped_attributes_count: u32,
    /// Entities the resource refers to.
    pub entity_refs: Vec<EntityRef>,
    /// Unknown protobuf fields.
    pub unknown: Vec<u8>,
}

/// A reference from a resource to an entity.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EntityRef {
    /// Schema of the entity.
    pub schema_url: Str,
    /// Type of the entity, such as `service`.
    pub entity_type: Str,
    /// Attribute keys that identify it.
    pub id_keys: Vec<Str>,
    /// Attribute keys that describe it.
    pub description_keys: Vec<Str>,
    /// Unknown protobuf fields.
    pub unknown: Vec<u8>,
}

/// The instrumentation that recorded spans.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// Its name, usually that of a library.
    pub name: Str,
    /// Its version.
    pub version: Str,
    /// Its attributes.
    pub attributes: Vec<KeyValue>,
    /// How many attributes the producer dropped.
    pub dropped_attributes_count: u32,
    /// Unknown protobuf fields.
    pub unknown: Vec<u8>,
}

/// One operation within a trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Span {
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// Its id within the trace.
    pub span_id: SpanId,
    /// The W3C `tracestate`.
    pub trace_state: Str,
    /// The span that caused it; `None` for a root.
    pub parent_span_id: Option<SpanId>,
    /// W3C trace flags and OTLP's "remote parent" bits.
    pub flags: u32,
    /// What it does; with the service, its operation.
    pub name: Str,
    /// Its role.
    pub kind: SpanKind,
    /// When it began.
    pub start: Timestamp,
    /// When it ended; may lie before `start` when clocks are wrong.
    pub end: Timestamp,
    /// Attributes in the order given; keys may repeat.
    pub attributes: Vec<KeyValue>,
    /// How many attributes the producer dropped.
    pub dropped_attributes_count: u32,
    /// Things that happened meanwhile.
    pub events: Vec<Event>,
    /// How many events the producer dropped.
    pub dropped_events_count: u32,
    /// Spans it relates to besides its parent.
    pub links: Vec<Link>,
    /// How many links the producer dropped.
    pub dropped_links_count: u32,
    /// How it went; `None` and an unset status are told apart, as in protobuf.
    pub status: Option<Status>,
    /// Unknown protobuf fields.
    pub unknown: Vec<u8>,
}

impl Span {
    /// Time from start to end; zero if the end lies before the start.
    pub fn duration(&self) -> std::time::Duration {
        self.end.since(self.start)
    }

    /// The status code, unset if there is no status.
    pub fn status_code(&self) -> StatusCode {
        self.status.as_ref().map_or(StatusCode::UNSET, |s| s.code)
    }
}

/// A span's role. OTLP enums are open: numbers without a name are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanKind(pub i32);

impl SpanKind {
    /// Not stated.
    pub const UNSPECIFIED: Self = Self(0);
    /// An operation inside a service.
    pub const INTERNAL: Self = Self(1);
    /// The server side of a request.
    pub const SERVER: Self = Self(2);
    /// The client side of a request.
    pub const CLIENT: Self = Self(3);
    /// Sends a message.
    pub const PRODUCER: Self = Self(4);
    /// Receives a message.
    pub const CONSUMER: Self = Self(5);

    /// The name in lower case, as TraceQL writes it, unless the number has none.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "unspecified",
            1 => "internal",
            2 => "server",
            3 => "client",
            4 => "producer",
            5 => "consumer",
            _ => return None,
        })
    }
}

/// Whether an operation failed. OTLP enums are open: numbers without a name are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusCode(pub i32);

impl StatusCode {
    /// Not stated.
    pub const UNSET: Self = Self(0);
    /// Explicitly fine.
    pub const OK: Self = Self(1);
    /// Failed.
    pub const ERROR: Self = Self(2);

    /// The name in lower case, as TraceQL writes it, unless the number has none.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "unset",
            1 => "ok",
            2 => "error",
            _ => return None,
        })
    }
}

/// How an operation went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// A description for people.
    pub message: Str,
    /// The verdict.
    pub code: StatusCode,
    /// Unknown protobuf fields.
    pub unknown: Vec<u8>,
}

/// Something that happened during a span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// When.
    pub time: Timestamp,
    /// What.
    pub name: Str,
    /// Attributes in the order given; keys may repeat.
    pub attributes: Vec<KeyValue>,
    /// How many attributes the producer dropped.
    pub dropped_attributes_count: u32,
    /// Unknown protobuf fields.
    pub unknown: Vec<u8>,
}

/// A reference to a span of this or another trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Link {
    /// The trace linked to.
    pub trace_id: TraceId,
    /// The span linked to.
    pub span_id: SpanId,
    /// The W3C `tracestate` of the linked context.
    pub trace_state: Str,
    /// Attributes in the order given; keys may repeat.
    pub attributes: Vec<KeyValue>,
    /// How many attributes the producer dropped.
    pub dropped_attributes_count: u32,
    /// W3C trace flags of the linked context.
    pub flags: u32,
    /// Unknown protobuf fields.
    pub unknown: Vec<u8>,
}

/// One attribute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyValue {
    /// Its key.
    pub key: Str,
    /// Its value.
    pub value: Value,
}

impl KeyValue {
    /// An attribute with this key and value.
    pub fn new(key: impl Into<Str>, value: impl Into<Value>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// The value of an attribute: OTLP's `AnyValue`.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// The attribute carries no value message at all.
    #[default]
    Missing,
    /// A value message in which nothing is set.
    Empty,
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// A floating-point number; equal by its bits.
    Double(f64),
    /// Text.
    String(Str),
    /// Binary.
    Bytes(Vec<u8>),
    /// Values in order. A `Missing` element counts as `Empty`; `Raw` cannot stand here.
    Array(Vec<Value>),
    /// Attributes in order; keys may repeat.
    Map(Vec<KeyValue>),
    /// A value with protobuf fields that this version does not know, at whatever depth: all of
    /// the attribute's message but its key, verbatim.
    Raw(Vec<u8>),
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Missing, Self::Missing) | (Self::Empty, Self::Empty) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Double(a), Self::Double(b)) => a.to_bits() == b.to_bits(),
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) | (Self::Raw(a), Self::Raw(b)) => a == b,
            (Self::Array(a), Self::Array(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            _ => false,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<Str> for Value {
    fn from(text: Str) -> Self {
        Self::String(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Double(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

/// A trace as it is read back: every live span once, in the order of `(start, span id)`, with
/// what it says of its resource and scope.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// The trace's id.
    pub id: TraceId,
    /// Its spans.
    pub spans: Vec<TraceSpan>,
}

/// A span of a [`Trace`], with its resource and scope, which it shares with others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TraceSpan {
    /// The resource's context.
    pub resource: Arc<ResourceContext>,
    /// The scope's context.
    pub scope: Arc<ScopeContext>,
    /// The span itself.
    pub span: Span,
}

impl TraceSpan {
    /// The service the span belongs to, if its resource names one.
    pub fn service(&self) -> Option<&Str> {
        self.resource.service()
    }
}
