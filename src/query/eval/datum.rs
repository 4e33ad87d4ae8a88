//! Values taken off a span, to be kept, compared and told.

use std::cmp::Ordering;

use crate::base::model::{SpanKind, StatusCode, Value};
use crate::base::number::Number;
use crate::base::text::Str;
use crate::query::compare::Seen;
use crate::query::lang::field::Type;

/// A value.
#[derive(Clone, Debug)]
pub enum Datum {
    /// A value that only exists.
    Other,
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A duration in nanoseconds.
    Nanos(u64),
    /// Text.
    Text(Str),
    /// A kind or status.
    Code(i32),
    /// An array's elements.
    Array(Vec<Value>),
}

impl Datum {
    /// A copy of what was seen.
    pub fn of(seen: Seen<'_>) -> Self {
        match seen {
            Seen::Text(text) => Self::Text(text.into()),
            Seen::Number(number) => Self::Number(number),
            Seen::Bool(truth) => Self::Bool(truth),
            Seen::Code(code) => Self::Code(code),
            Seen::Nanos(nanos) => Self::Nanos(nanos),
            Seen::Other => Self::Other,
            Seen::Array(elements) => Self::Array(elements.to_vec()),
        }
    }

    /// As conditions see it.
    pub fn seen(&self) -> Seen<'_> {
        match self {
            Self::Other => Seen::Other,
            Self::Bool(truth) => Seen::Bool(*truth),
            Self::Number(number) => Seen::Number(*number),
            Self::Nanos(nanos) => Seen::Nanos(*nanos),
            Self::Text(text) => Seen::Text(text),
            Self::Code(code) => Seen::Code(*code),
            Self::Array(elements) => Seen::Array(elements),
        }
    }

    /// As answers tell it, where it is of this type.
    pub fn told(&self, of: Type) -> Value {
        let code = |name: Option<&str>, code: i32| match name {
            Some(name) => Value::from(name),
            None => Value::Int(i64::from(code)),
        };
        match self {
            Self::Other => Value::Empty,
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Number(number) => told_number(*number),
            Self::Nanos(nanos) => {
                i64::try_from(*nanos).map_or(Value::Double(*nanos as f64), Value::Int)
            }
            Self::Text(text) => Value::String(text.clone()),
            Self::Array(elements) => Value::Array(elements.clone()),
            Self::Code(own) if of == Type::Kind => code(SpanKind(*own).name(), *own),
            Self::Code(own) => code(StatusCode(*own).name(), *own),
        }
    }

    /// Which of two equal values is told: integers before doubles, so that it does not matter which
    /// span was met first.
    pub fn is_told_before(&self, equal: &Self) -> bool {
        match (self.seen().number(), equal.seen().number()) {
            (Some(Number::Int(_)), Some(Number::Double(_))) => true,
            (Some(Number::Double(own)), Some(Number::Double(other))) => {
                own.total_cmp(&other).is_lt()
            }
            _ => false,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Bool(_) => 1,
            Self::Number(_) | Self::Nanos(_) => 2,
            Self::Text(_) => 3,
            Self::Code(_) => 4,
            Self::Other | Self::Array(_) => 5,
        }
    }
}

/// A number as answers tell it.
pub const fn told_number(number: Number) -> Value {
    match number {
        Number::Int(value) => Value::Int(value),
        Number::Double(value) => Value::Double(value),
    }
}

/// The order of groups: truth values, numbers with NaN last, text, kinds and statuses by their
/// numbers. Equal numbers are one group, whatever their types, and so are all NaNs.
impl Ord for Datum {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Code(a), Self::Code(b)) => a.cmp(b),
            (Self::Nanos(a), Self::Nanos(b)) => a.cmp(b),
            _ => match (self.seen().number(), other.seen().number()) {
                (Some(a), Some(b)) => a.compare(b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan())),
                _ => self.rank().cmp(&other.rank()),
            },
        }
    }
}

impl PartialOrd for Datum {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Datum {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Datum {}
