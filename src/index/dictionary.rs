//! Dictionaries: the distinct values of one key and type in order; a value's rank is its code.
//!
//! ```text
//! string   front-coded texts                        in the order of their bytes
//! int      packed column of value + 2^63            in the order of numbers
//! double   packed column of order-preserving bits   (sign bit flipped, or all bits of negative ones)
//! bool     packed column of 0 and 1
//! ```

use std::ops::{Bound, Range};

use crate::base::error::Result;
use crate::base::number::{Number, from_ordered_bits, ordered_bits};
use crate::base::text::Str;
use crate::index::front::{Texts, write_texts};
use crate::index::packed::{Packed, pack};
use crate::index::source::{Cursor, Source, partition_point};
use crate::index::term::{Term, TermKind, hash_text};

const SIGN: u64 = 1 << 63;

/// A type of which dictionaries are made.
pub trait DictionaryValue: Copy {
    /// Which type that is.
    const KIND: TermKind;
    /// What decides the order of values; equal for no two different ones.
    type Order: Ord;
    /// This value's place in the order.
    fn order(&self) -> Self::Order;
    /// The hash of a text: other keys' texts may have it as a word.
    fn text_hash(&self) -> Option<u64> {
        None
    }
    /// Appends the dictionary of these values, which ascend strictly.
    fn write<'a>(values: impl ExactSizeIterator<Item = &'a Self>, out: &mut Vec<u8>)
    where
        Self: 'a;
}

impl<'t> DictionaryValue for &'t str {
    const KIND: TermKind = TermKind::Str;
    type Order = &'t str;
    fn order(&self) -> &'t str {
        self
    }
    fn text_hash(&self) -> Option<u64> {
        Some(hash_text(self))
    }
    fn write<'a>(values: impl ExactSizeIterator<Item = &'a Self>, out: &mut Vec<u8>)
    where
        Self: 'a,
    {
        write_texts(values.copied(), out);
    }
}

impl DictionaryValue for i64 {
    const KIND: TermKind = TermKind::Int;
    type Order = Self;
    fn order(&self) -> Self {
        *self
    }
    fn write<'a>(values: impl ExactSizeIterator<Item = &'a Self>, out: &mut Vec<u8>) {
        pack(&values.map(|&v| v as u64 ^ SIGN).collect::<Vec<u64>>(), out);
    }
}

impl DictionaryValue for f64 {
    const KIND: TermKind = TermKind::Double;
    type Order = u64;
    fn order(&self) -> u64 {
        ordered_bits(*self)
    }
    fn write<'a>(values: impl ExactSizeIterator<Item = &'a Self>, out: &mut Vec<u8>) {
        pack(&values.map(|&v| ordered_bits(v)).collect::<Vec<u64>>(), out);
    }
}

impl DictionaryValue for bool {
    const KIND: TermKind = TermKind::Bool;
    type Order = Self;
    fn order(&self) -> Self {
        *self
    }
    fn write<'a>(values: impl ExactSizeIterator<Item = &'a Self>, out: &mut Vec<u8>) {
        pack(&values.map(|&v| u64::from(v)).collect::<Vec<u64>>(), out);
    }
}

/// Values of one key and type, without the section they lie in.
#[derive(Clone, Debug)]
pub enum Values {
    /// Texts.
    Str(Texts),
    /// Integers.
    Int(Packed),
    /// Floating-point numbers.
    Double(Packed),
    /// Truth values.
    Bool(Packed),
}

impl Values {
    /// Opens the dictionary at the cursor and moves past it.
    pub fn open(kind: TermKind, cursor: &mut Cursor<'_>) -> Result<Self> {
        if kind == TermKind::Str {
            return Ok(Self::Str(Texts::open(cursor)?));
        }
        let column = Packed::open(cursor)?;
        // Values differ, so a count is bounded by the bits that tell them apart.
        if !column.can_differ() {
            return Err(cursor.corrupt("a dictionary with equal values"));
        }
        Ok(match kind {
            TermKind::Int => Self::Int(column),
            TermKind::Double => Self::Double(column),
            TermKind::Str | TermKind::Bool => Self::Bool(column),
        })
    }

    /// How many values there are.
    pub fn len(&self) -> u64 {
        match self {
            Self::Str(texts) => texts.len(),
            Self::Int(column) | Self::Double(column) | Self::Bool(column) => column.len(),
        }
    }

    /// The value of a code; `Corrupt` beyond the last.
    pub fn get(&self, source: &dyn Source, code: u64) -> Result<Term> {
        match self {
            Self::Str(texts) => texts.get(source, code).map(|t| Term::Str(Str::from(t))),
            Self::Int(column) => Ok(Term::Int((column.get(source, code)? ^ SIGN) as i64)),
            Self::Double(column) => Ok(Term::Double(from_ordered_bits(column.get(source, code)?))),
            Self::Bool(column) => Ok(Term::Bool(column.get(source, code)? != 0)),
        }
    }

    /// The code of a value of the same type, to the bit; `None` if it is not here.
    pub fn find(&self, source: &dyn Source, value: &Term) -> Result<Option<u64>> {
        let (column, wanted) = match (self, value) {
            (Self::Str(texts), Term::Str(text)) => return texts.find(source, text),
            (Self::Int(column), Term::Int(value)) => (column, *value as u64 ^ SIGN),
            (Self::Double(column), Term::Double(value)) => (column, ordered_bits(*value)),
            (Self::Bool(column), Term::Bool(value)) => (column, u64::from(*value)),
            _ => return Ok(None),
        };
        let at = partition_point(column.len(), |i| Ok(column.get(source, i)? < wanted))?;
        let found = at < column.len() && column.get(source, at)? == wanted;
        Ok(found.then_some(at))
    }

    /// The codes of the numbers within these bounds, which are no NaNs.
    pub fn numbers(
        &self,
        source: &dyn Source,
        low: Bound<Number>,
        high: Bound<Number>,
    ) -> Result<Range<u64>> {
        let number = |code| -> Result<Number> {
            Ok(match self.get(source, code)? {
                Term::Int(value) => Number::Int(value),
                Term::Double(value) => Number::Double(value),
                Term::Str(_) | Term::Bool(_) => Number::Double(f64::NAN),
            })
        };
        let not_above =
            |n: Number| !is_positive_nan(n) && (n.is_nan() || n.is_within(Bound::Unbounded, high));
        let below = |n: Number| !is_positive_nan(n) && !n.is_within(low, Bound::Unbounded);
        let from = partition_point(self.len(), |i| Ok(below(number(i)?)))?;
        let to = partition_point(self.len(), |i| Ok(not_above(number(i)?)))?;
        Ok(from..to.max(from))
    }
}

/// NaNs stand at the ends of a dictionary, by sign.
fn is_positive_nan(number: Number) -> bool {
    matches!(number, Number::Double(value) if value.is_nan() && value.is_sign_positive())
}
