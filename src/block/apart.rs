//! Records taken apart: the bytes of spans, resources and scopes by what they mean, so that like
//! stands beside like before it is compressed.
//!
//! ```text
//! | streams | per stream: id, length | the streams, one behind another |       varints but for the last
//! structure: per record its kind: u8; of protobuf each tag and number as it stands, and a 0 where
//!            the record or a message inside ends
//! ```
//! A page of such spans takes half of what it takes as a whole: keys follow keys, and a number that
//! stands in a name, a key and a value of a span is told once. Lengths of messages need no bytes.
//!
//! | stream | holds |
//! |---|---|
//! | 0 | the structure |
//! | 1 | numbers that stand in texts, varints |
//! | 2 | lengths of bytes, varints |
//! | 3 | records that are not protobuf |
//! | 4 + 32 x parent + field | values of that field; parent is the field of the message around it |
//!
//! A text ends with [`END`]. Where it has a decimal number of three to eighteen digits, not
//! beginning with 0, stands [`NUMBER`] for the next of stream 1, or `NUMBER` + i for the i-th that
//! was told in this record, of nine. These bytes occur in no UTF-8. A field of a number that was told
//! so has the wire type [`KNOWN`] in the structure, which protobuf has not, and i - 1 for the number.

mod join;
mod take;

pub use join::join;
pub use take::take;

use crate::base::varint::len_u64;

/// Ends a text.
const END: u8 = 0xff;

/// The next number of its stream.
const NUMBER: u8 = 0xf5;

/// The wire type of a field whose number was told before.
const KNOWN: u64 = 6;

/// Numbers of a record that can be told again.
const KNOWN_NUMBERS: usize = 9;

/// Digits of a number.
const DIGITS: std::ops::RangeInclusive<usize> = 3..=18;

/// Messages inside each other, at most: twice as many as values nest.
const MAX_DEPTH: usize = 200;

/// Raw bytes of a page whose records are taken apart, at most: putting them together moves what
/// lies in messages as often as they nest.
pub const MAX_BYTES: usize = 1 << 20;

const STRUCTURE: usize = 0;
const NUMBERS: usize = 1;
const LENGTHS: usize = 2;
const OTHERS: usize = 3;

/// Parents and fields beyond share streams.
const MAX_FIELD: u64 = 31;

/// How many streams there are.
const STREAMS: usize = 4 + 32 * 32;

/// The stream of a field of a message that is itself field `parent`.
fn stream_of(parent: u64, field: u64) -> usize {
    4 + 32 * parent.min(MAX_FIELD) as usize + field.min(MAX_FIELD) as usize
}

/// The bytes that a record of so many takes in a raw page, with those of its length.
fn raw_bytes(len: usize) -> usize {
    len + len_u64(len as u64)
}

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any bytes.
    Other,
    /// A canonical resource context.
    Resource,
    /// A canonical scope context.
    Scope,
    /// A canonical span.
    Span,
}

impl Kind {
    fn of(code: u8) -> Option<Self> {
        [Self::Other, Self::Resource, Self::Scope, Self::Span].get(usize::from(code)).copied()
    }

    /// The message that the record is.
    fn message(self) -> Option<Message> {
        match self {
            Self::Other => None,
            Self::Resource => Some(Message::ResourceContext),
            Self::Scope => Some(Message::ScopeContext),
            Self::Span => Some(Message::Span),
        }
    }
}

/// A message of OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Message {
    ResourceContext,
    ScopeContext,
    Resource,
    EntityRef,
    Scope,
    Span,
    Event,
    Link,
    Status,
    KeyValue,
    AnyValue,
    Array,
    Map,
}

/// What a length-delimited field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Message(Message),
    Text,
    Bytes,
}

impl Message {
    /// What a field of this message holds, if it is length-delimited.
    fn content(self, field: u64) -> Content {
        use Content::{Bytes, Message as Inner, Text};
        match (self, field) {
            (Self::ResourceContext, 1) => Inner(Self::Resource),
            (Self::ScopeContext, 1) => Inner(Self::Scope),
            (Self::ResourceContext | Self::ScopeContext, 3) => Text,
            (Self::Resource, 1) => Inner(Self::KeyValue),
            (Self::Resource, 3) => Inner(Self::EntityRef),
            (Self::EntityRef, 1..=4) => Text,
            (Self::Scope, 1 | 2) => Text,
            (Self::Scope, 3) => Inner(Self::KeyValue),
            (Self::Span, 3 | 5) => Text,
            (Self::Span, 9) => Inner(Self::KeyValue),
            (Self::Span, 11) => Inner(Self::Event),
            (Self::Span, 13) => Inner(Self::Link),
            (Self::Span, 15) => Inner(Self::Status),
            (Self::Event, 2) => Text,
            (Self::Event, 3) => Inner(Self::KeyValue),
            (Self::Link, 3) => Text,
            (Self::Link, 4) => Inner(Self::KeyValue),
            (Self::Status, 2) => Text,
            (Self::KeyValue, 1) => Text,
            (Self::KeyValue, 2) => Inner(Self::AnyValue),
            (Self::AnyValue, 1) => Text,
            (Self::AnyValue, 5) => Inner(Self::Array),
            (Self::AnyValue, 6) => Inner(Self::Map),
            (Self::Array, 1) => Inner(Self::AnyValue),
            (Self::Map, 1) => Inner(Self::KeyValue),
            _ => Bytes,
        }
    }
}

#[cfg(test)]
mod tests;
