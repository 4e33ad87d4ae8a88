//! What the tag index speaks of: where a key stands, what a term is, what can be asked.

use std::fmt;
use std::ops::Bound;

use crate::base::checksum::hash64;
use crate::base::number::Number;
use crate::base::text::Str;
use crate::index::ordinals::OrdinalSet;

/// Where in a span an attribute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TagScope {
    /// A field of the span itself, such as its name.
    Intrinsic,
    /// An attribute of the resource.
    Resource,
    /// An attribute of the span.
    Span,
    /// An attribute of an event.
    Event,
    /// An attribute of a link.
    Link,
    /// An attribute of the instrumentation scope.
    Instrumentation,
}

impl TagScope {
    /// All scopes, in the order of their codes on disk.
    pub const ALL: [Self; 6] = [
        Self::Intrinsic,
        Self::Resource,
        Self::Span,
        Self::Event,
        Self::Link,
        Self::Instrumentation,
    ];

    /// The scope's code on disk: also its place in [`Self::ALL`].
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }

    /// The scope of a code.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// The scope's name, as queries write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intrinsic => "intrinsic",
            Self::Resource => "resource",
            Self::Span => "span",
            Self::Event => "event",
            Self::Link => "link",
            Self::Instrumentation => "instrumentation",
        }
    }
}

impl fmt::Display for TagScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The type of a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TermKind {
    /// Text.
    Str,
    /// A signed integer.
    Int,
    /// A floating-point number.
    Double,
    /// A truth value.
    Bool,
}

impl TermKind {
    /// All kinds, in the order of their codes on disk.
    pub const ALL: [Self; 4] = [Self::Str, Self::Int, Self::Double, Self::Bool];

    pub(crate) const fn code(self) -> u8 {
        self as u8
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// The type's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Str => "string",
            Self::Int => "int",
            Self::Double => "double",
            Self::Bool => "bool",
        }
    }
}

/// A value as the index holds it.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// Text.
    Str(Str),
    /// A signed integer.
    Int(i64),
    /// A floating-point number.
    Double(f64),
    /// A truth value.
    Bool(bool),
}

/// What is asked of a key. Numbers compare across int and double; text compares by bytes.
#[derive(Clone, Copy)]
pub enum Probe<'a> {
    /// The key has any value.
    Exists,
    /// The value is this text.
    Str(&'a str),
    /// The value is this truth value.
    Bool(bool),
    /// The value is a number within these bounds; NaN is within none.
    Number {
        /// The lower bound.
        low: Bound<Number>,
        /// The upper bound.
        high: Bound<Number>,
    },
    /// The value is a text within these bounds.
    StrRange {
        /// The lower bound.
        low: Bound<&'a str>,
        /// The upper bound.
        high: Bound<&'a str>,
    },
    /// The value is a text for which this holds.
    Matches(&'a dyn Fn(&str) -> bool),
}

impl Probe<'_> {
    /// The value equals this number, as int or double.
    pub const fn equals(number: Number) -> Self {
        Self::Number { low: Bound::Included(number), high: Bound::Included(number) }
    }
}

impl fmt::Debug for Probe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => f.write_str("Exists"),
            Self::Str(text) => write!(f, "Str({text:?})"),
            Self::Bool(value) => write!(f, "Bool({value})"),
            Self::Number { low, high } => write!(f, "Number({low:?}, {high:?})"),
            Self::StrRange { low, high } => write!(f, "StrRange({low:?}, {high:?})"),
            Self::Matches(_) => f.write_str("Matches(..)"),
        }
    }
}

/// The traces that may have what was asked for: never one too few.
#[derive(Clone, Debug)]
pub struct Candidates {
    /// The traces.
    pub set: OrdinalSet,
    /// Whether every one of them has it. Even then its spans are to be looked at where several
    /// conditions must hold on one span.
    pub exact: bool,
}

/// The hash under which [`crate::index::terms_builder::TermsBuilder::add_hashed`] takes text.
pub fn hash_text(text: &str) -> u64 {
    hash64(text.as_bytes())
}

/// The hash of a number: the same for equal numbers, whether int or double.
///
/// XXH3-64 of eight little-endian bytes: of the integer where the value is one of 64 bits, else
/// of the double's bits.
pub fn hash_number(number: Number) -> u64 {
    match number.canonical() {
        Number::Int(value) => hash64(&value.to_le_bytes()),
        Number::Double(value) => hash64(&value.to_bits().to_le_bytes()),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn codes_are_pinned() {
        assert_eq!(TagScope::ALL.map(TagScope::code), [0, 1, 2, 3, 4, 5]);
        assert_eq!(TermKind::ALL.map(TermKind::code), [0, 1, 2, 3]);
        for scope in TagScope::ALL {
            assert_eq!(TagScope::from_code(scope.code()).unwrap(), scope);
        }
        for kind in TermKind::ALL {
            assert_eq!(TermKind::from_code(kind.code()).unwrap(), kind);
        }
        assert_eq!(TagScope::from_code(6), None);
    }

    #[test]
    fn equal_numbers_hash_alike() {
        let hash = |v: f64| hash_number(Number::Double(v));
        assert_eq!(hash_number(Number::Int(7)), hash(7.0));
        assert_eq!(hash(-0.0), hash_number(Number::Int(0)));
        assert_ne!(hash_number(Number::Int((1 << 53) + 1)), hash(9_007_199_254_740_992.0));
    }
}
