//! Values in the order of lists: truth values, numbers, text.

use std::cmp::Ordering;

use crate::base::error::{Error, Result};
use crate::base::model::Value;
use crate::base::number::{Number, from_ordered_bits, ordered_bits};
use crate::base::text::Str;

/// A value that lists show, borrowed. The order: truth values, then numbers as numbers, integers
/// before doubles of the same value, then texts by their bytes.
#[derive(Clone, Copy, Debug)]
pub enum Plain<'a> {
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    Text(&'a str),
}

impl<'a> Plain<'a> {
    /// A value, unless it is of a type that lists leave out.
    pub fn of(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Int(number) => Self::Number(Number::Int(*number)),
            Value::Double(number) => Self::Number(Number::Double(*number)),
            Value::String(text) => Self::Text(text),
            _ => return None,
        })
    }

    /// The same, owned.
    pub fn to_value(self) -> Value {
        match self {
            Self::Bool(truth) => Value::Bool(truth),
            Self::Number(Number::Int(number)) => Value::Int(number),
            Self::Number(Number::Double(number)) => Value::Double(number),
            Self::Text(text) => Value::from(text),
        }
    }

    /// Its bytes beside those of a value itself.
    pub fn text_bytes(self) -> usize {
        if let Self::Text(text) = self { text.len() } else { 0 }
    }

    /// As a cursor: a letter for the type, then the value.
    pub fn to_cursor(self) -> String {
        match self {
            Self::Bool(truth) => format!("b{truth}"),
            Self::Number(Number::Int(number)) => format!("i{number}"),
            Self::Number(Number::Double(number)) => format!("d{:016x}", ordered_bits(number)),
            Self::Text(text) => format!("t{text}"),
        }
    }

    /// What [`Plain::to_cursor`] wrote.
    pub fn value_of_cursor(cursor: &str) -> Result<Value> {
        let parse = || {
            let (kind, rest) = (cursor.get(..1)?, cursor.get(1..)?);
            Some(match kind {
                "b" => Value::Bool(rest.parse().ok()?),
                "i" => Value::Int(rest.parse().ok()?),
                "d" => Value::Double(from_ordered_bits(u64::from_str_radix(rest, 16).ok()?)),
                "t" => Value::from(rest),
                _ => return None,
            })
        };
        parse().ok_or_else(|| {
            Error::invalid(format!("{cursor:?} is no cursor: pass a page's `next` as it stands"))
        })
    }

    fn rank(self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::Number(_) => 1,
            Self::Text(_) => 2,
        }
    }
}

impl Ord for Plain<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (*self, *other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(&b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => order_numbers(a, b),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }
}

/// As numbers. Doubles among themselves as dictionaries have them: NaNs at both ends, by sign.
fn order_numbers(a: Number, b: Number) -> Ordering {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => a.cmp(&b),
        (Number::Double(a), Number::Double(b)) => ordered_bits(a).cmp(&ordered_bits(b)),
        (Number::Double(_), Number::Int(_)) => order_numbers(b, a).reverse(),
        (Number::Int(_), Number::Double(double)) => match a.compare(b) {
            Some(order) => order.then(Ordering::Less),
            None if double.is_sign_negative() => Ordering::Greater,
            None => Ordering::Less,
        },
    }
}

impl PartialOrd for Plain<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Plain<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Plain<'_> {}

/// An owned value in the order of lists.
#[derive(Clone, Debug)]
pub struct Listed(Value);

impl Listed {
    /// A value, unless it is of a type that lists leave out.
    pub fn new(value: Value) -> Option<Self> {
        Plain::of(&value).is_some().then_some(Self(value))
    }

    /// The value, borrowed.
    pub fn plain(&self) -> Plain<'_> {
        // Whatever `new` admits is one.
        Plain::of(&self.0).unwrap_or(Plain::Bool(false))
    }

    /// The value, if it is text.
    pub const fn text(&self) -> Option<&Str> {
        if let Value::String(text) = &self.0 { Some(text) } else { None }
    }

    /// The value.
    pub fn into_value(self) -> Value {
        self.0
    }
}

impl From<Plain<'_>> for Listed {
    fn from(plain: Plain<'_>) -> Self {
        Self(plain.to_value())
    }
}

impl Ord for Listed {
    fn cmp(&self, other: &Self) -> Ordering {
        self.plain().cmp(&other.plain())
    }
}

impl PartialOrd for Listed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Listed {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Listed {}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn values_have_one_order_and_their_cursors_lose_nothing() {
        let nan = f64::from_bits;
        let ordered = [
            Value::Bool(false),
            Value::Bool(true),
            Value::Double(nan(0xfff8_0000_0000_0001)),
            Value::Double(f64::NEG_INFINITY),
            Value::Int(i64::MIN),
            Value::Double(i64::MIN as f64),
            Value::Int(-1),
            Value::Int(0),
            Value::Double(-0.0),
            Value::Double(0.0),
            Value::Double(0.5),
            Value::Int(1 << 53),
            Value::Double(9_007_199_254_740_992.0),
            Value::Int((1 << 53) + 1),
            Value::Double(f64::NAN),
            Value::from(""),
            Value::from("B"),
            Value::from("a"),
            Value::from("aé"),
            Value::from("tt"),
        ];
        for (i, a) in ordered.iter().enumerate() {
            for (j, b) in ordered.iter().enumerate() {
                let (a, b) = (Plain::of(a).unwrap(), Plain::of(b).unwrap());
                assert_eq!(a.cmp(&b), i.cmp(&j), "{a:?} {b:?}");
            }
            let cursor = Plain::of(a).unwrap().to_cursor();
            assert_eq!(&Plain::value_of_cursor(&cursor).unwrap(), a);
        }
        for wrong in ["", "x", "b", "i", "i1.5", "dx", "é"] {
            assert!(Plain::value_of_cursor(wrong).is_err(), "{wrong:?}");
        }
        assert!(Listed::new(Value::Empty).is_none());
    }
}
