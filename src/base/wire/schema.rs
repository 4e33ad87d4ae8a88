//! The part of OTLP's schema that this version knows, as tables for the canonicalizer.

/// A message type.
#[derive(Debug)]
pub struct Message {
    /// Its fields in ascending number.
    pub fields: &'static [Known],
    /// Whether its fields are members of one oneof: the last one set wins, and defaults count.
    pub oneof: bool,
    /// Whether its fields lie one level deeper inside an attribute value.
    pub nests: bool,
}

/// A known field.
#[derive(Debug)]
pub struct Known {
    /// Its number.
    pub number: u32,
    /// Its type.
    pub kind: Kind,
}

/// The type of a field.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `string`.
    Text,
    /// `repeated string`.
    Texts,
    /// `bytes`.
    Bytes,
    /// `fixed32`.
    Fixed32,
    /// `fixed64` or `double`.
    Fixed64,
    /// `uint32`.
    Uint32,
    /// An enum.
    Enum,
    /// `int64`.
    Int64,
    /// `bool`.
    Bool,
    /// A message.
    One(&'static Message),
    /// Repeated messages.
    Many(&'static Message),
    /// Repeated messages that somebody else reads.
    Elsewhere,
}

const fn message(fields: &'static [Known]) -> Message {
    Message { fields, oneof: false, nests: false }
}

const fn f(number: u32, kind: Kind) -> Known {
    Known { number, kind }
}

/// `ResourceSpans` but for its `scope_spans`.
pub static RESOURCE_CONTEXT: Message =
    message(&[f(1, Kind::One(&RESOURCE)), f(2, Kind::Elsewhere), f(3, Kind::Text)]);

/// `ScopeSpans` but for its `spans`.
pub static SCOPE_CONTEXT: Message =
    message(&[f(1, Kind::One(&SCOPE)), f(2, Kind::Elsewhere), f(3, Kind::Text)]);

static RESOURCE: Message =
    message(&[f(1, Kind::Many(&KEY_VALUE)), f(2, Kind::Uint32), f(3, Kind::Many(&ENTITY_REF))]);

static ENTITY_REF: Message =
    message(&[f(1, Kind::Text), f(2, Kind::Text), f(3, Kind::Texts), f(4, Kind::Texts)]);

static SCOPE: Message = message(&[
    f(1, Kind::Text),
    f(2, Kind::Text),
    f(3, Kind::Many(&KEY_VALUE)),
    f(4, Kind::Uint32),
]);

/// `Span`.
pub static SPAN: Message = message(&[
    f(1, Kind::Bytes),
    f(2, Kind::Bytes),
    f(3, Kind::Text),
    f(4, Kind::Bytes),
    f(5, Kind::Text),
    f(6, Kind::Enum),
    f(7, Kind::Fixed64),
    f(8, Kind::Fixed64),
    f(9, Kind::Many(&KEY_VALUE)),
    f(10, Kind::Uint32),
    f(11, Kind::Many(&EVENT)),
    f(12, Kind::Uint32),
    f(13, Kind::Many(&LINK)),
    f(14, Kind::Uint32),
    f(15, Kind::One(&STATUS)),
    f(16, Kind::Fixed32),
]);

static EVENT: Message = message(&[
    f(1, Kind::Fixed64),
    f(2, Kind::Text),
    f(3, Kind::Many(&KEY_VALUE)),
    f(4, Kind::Uint32),
]);

static LINK: Message = message(&[
    f(1, Kind::Bytes),
    f(2, Kind::Bytes),
    f(3, Kind::Text),
    f(4, Kind::Many(&KEY_VALUE)),
    f(5, Kind::Uint32),
    f(6, Kind::Fixed32),
]);

static STATUS: Message = message(&[f(2, Kind::Text), f(3, Kind::Enum)]);

static KEY_VALUE: Message = message(&[f(1, Kind::Text), f(2, Kind::One(&ANY_VALUE))]);

static ANY_VALUE: Message = Message {
    fields: &[
        f(1, Kind::Text),
        f(2, Kind::Bool),
        f(3, Kind::Int64),
        f(4, Kind::Fixed64),
        f(5, Kind::One(&ARRAY_VALUE)),
        f(6, Kind::One(&KEY_VALUE_LIST)),
        f(7, Kind::Bytes),
    ],
    oneof: true,
    nests: false,
};

static ARRAY_VALUE: Message =
    Message { fields: &[f(1, Kind::Many(&ANY_VALUE))], oneof: false, nests: true };

static KEY_VALUE_LIST: Message =
    Message { fields: &[f(1, Kind::Many(&KEY_VALUE))], oneof: false, nests: true };
