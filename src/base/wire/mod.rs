//! The canonical bytes of spans and their contexts: one codec for the log, the live buffer,
//! spelled rows of segments, and every comparison between spans.
//!
//! A message's *canonical bytes* are its OTLP protobuf message with
//!
//! - known fields in ascending number, repeated ones in their order,
//! - tags, lengths and varints as short as they can be,
//! - no field that holds its default; members of a oneof and messages keep their presence,
//! - then the fields this version does not know, verbatim and in the order they arrived,
//!
//! and so on inside. Two messages are equal when decoded, unknown fields included, exactly when
//! their canonical bytes are. A [`ResourceContext`](crate::base::model::ResourceContext) is a
//! `ResourceSpans` message without field 2, a [`ScopeContext`](crate::base::model::ScopeContext)
//! a `ScopeSpans` message without field 2.
//!
//! ```text
//! any protobuf --canonicalize--> canonical bytes <--encode/decode--> SpanRef <--> Span
//!                  (merges)              \--scan_span--> ids and times, nothing built
//! ```
//!
//! Promises: readers of canonical bytes refuse everything else (`None`), so what they accept is
//! encoded again to the same bytes; no input makes any of this panic, recurse deeper than
//! [`MAX_VALUE_DEPTH`](crate::base::limits::MAX_VALUE_DEPTH), or allocate more than a small
//! multiple of its length.

mod canonical;
mod context;
mod cursor;
mod field;
mod owned;
mod plain;
mod read;
mod scan;
mod schema;
mod value;
mod write;

#[cfg(test)]
pub mod arbitrary;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

pub use canonical::{canonicalize, canonicalize_span};
pub use context::{
    decode_resource_context, decode_scope_context, encode_resource_context, encode_scope_context,
};
pub use cursor::Cursor;
pub use field::{Field, Fields, WireError, WireType};
pub use plain::{PlainPair, PlainValue};
pub use read::{decode_outline, decode_span, decode_span_with};
pub use scan::{SpanHead, scan_span, span_parent};
pub use schema::{Message, RESOURCE_CONTEXT, SCOPE_CONTEXT};
pub use value::{decode_array, decode_map, read_attribute};
pub use write::{
    encode_span, encode_value, put_bytes, put_count, put_enum, put_fixed32, put_fixed64,
    put_message, put_tag, put_text,
};
