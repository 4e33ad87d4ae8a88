//! A span as it passes from floor to floor: borrowed where it can be, made where it must be.
//!
//! The wire decoder, the live buffer and the segment reader all produce a [`SpanRef`]; predicates,
//! column builders and the owned model consume one. So each source and each use is written once.

use std::borrow::Cow;

use crate::base::ids::{SpanId, TraceId};
use crate::base::model::{SpanKind, StatusCode};
use crate::base::text::Str;
use crate::base::time::Timestamp;

/// Text that is borrowed, shared, or was made for this row.
#[derive(Clone, Debug)]
pub enum StrRef<'a> {
    /// Bytes of a buffer that outlives the row.
    Plain(&'a str),
    /// An entry of a dictionary: becomes owned by counting.
    Shared(&'a Str),
    /// Text put together while decoding.
    Made(Str),
}

impl StrRef<'_> {
    /// The text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Shared(text) => text,
            Self::Made(text) => text,
        }
    }

    /// The text, owned; free unless it was plain.
    pub fn into_str(self) -> Str {
        match self {
            Self::Plain(text) => Str::from(text),
            Self::Shared(text) => text.clone(),
            Self::Made(text) => text,
        }
    }
}

impl PartialEq for StrRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Default for StrRef<'_> {
    fn default() -> Self {
        Self::Plain("")
    }
}

impl<'a> From<&'a str> for StrRef<'a> {
    fn from(text: &'a str) -> Self {
        Self::Plain(text)
    }
}

/// An attribute value; the nested kinds stay canonical protobuf bytes until somebody looks.
#[derive(Clone, Debug, Default)]
pub enum ValueRef<'a> {
    /// No value message.
    #[default]
    Missing,
    /// A value message without a value.
    Empty,
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// A floating-point number.
    Double(f64),
    /// Text.
    Str(StrRef<'a>),
    /// Binary.
    Bytes(Cow<'a, [u8]>),
    /// Canonical bytes of an `ArrayValue` message.
    Array(Cow<'a, [u8]>),
    /// Canonical bytes of a `KeyValueList` message.
    Map(Cow<'a, [u8]>),
    /// All of the `KeyValue` message but its key, verbatim.
    Raw(Cow<'a, [u8]>),
}

/// One attribute.
#[derive(Clone, Debug, Default)]
pub struct AttrRef<'a> {
    /// Its key.
    pub key: StrRef<'a>,
    /// Its value.
    pub value: ValueRef<'a>,
}

/// A status.
#[derive(Clone, Debug, Default)]
pub struct StatusRef<'a> {
    /// A description for people.
    pub message: StrRef<'a>,
    /// The verdict.
    pub code: StatusCode,
    /// Unknown protobuf fields.
    pub unknown: Cow<'a, [u8]>,
}

/// An event.
#[derive(Clone, Debug, Default)]
pub struct EventRef<'a> {
    /// When.
    pub time: Timestamp,
    /// What.
    pub name: StrRef<'a>,
    /// Attributes in order.
    pub attributes: Vec<AttrRef<'a>>,
    /// How many attributes the producer dropped.
    pub dropped_attributes_count: u32,
    /// Unknown protobuf fields.
    pub unknown: Cow<'a, [u8]>,
}

/// A link.
#[derive(Clone, Debug, Default)]
pub struct LinkRef<'a> {
    /// The trace linked to.
    pub trace_id: TraceId,
    /// The span linked to.
    pub span_id: SpanId,
    /// The W3C `tracestate`.
    pub trace_state: StrRef<'a>,
    /// Attributes in order.
    pub attributes: Vec<AttrRef<'a>>,
    /// How many attributes the producer dropped.
    pub dropped_attributes_count: u32,
    /// W3C trace flags.
    pub flags: u32,
    /// Unknown protobuf fields.
    pub unknown: Cow<'a, [u8]>,
}

/// A span without its resource and scope; the fields mean what they mean in
/// [`crate::base::model::Span`].
#[derive(Clone, Debug, Default)]
pub struct SpanRef<'a> {
    pub trace_id: TraceId,
    pub span_id: SpanId,
    pub trace_state: StrRef<'a>,
    pub parent_span_id: Option<SpanId>,
    pub flags: u32,
    pub name: StrRef<'a>,
    pub kind: SpanKind,
    pub start: Timestamp,
    pub end: Timestamp,
    pub attributes: Vec<AttrRef<'a>>,
    pub dropped_attributes_count: u32,
    pub events: Vec<EventRef<'a>>,
    pub dropped_events_count: u32,
    pub links: Vec<LinkRef<'a>>,
    pub dropped_links_count: u32,
    pub status: Option<StatusRef<'a>>,
    pub unknown: Cow<'a, [u8]>,
}

impl SpanRef<'_> {
    /// The status code, unset if there is no status.
    pub fn status_code(&self) -> StatusCode {
        self.status.as_ref().map_or(StatusCode::UNSET, |s| s.code)
    }
}
