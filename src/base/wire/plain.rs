//! Plain attributes, which nearly all are: a key and one scalar, each length a single byte.
//!
//! They are told by a few compares, where the readers of [`super::value`] ask field by field.
//! What is not plain is left to those; what is, they read alike.

use crate::base::wire::cursor::{Cursor, is_ascii};

/// The tags of an `AnyValue`'s scalars.
const TEXT: u8 = 0x0a;
const BOOL: u8 = 0x10;
const INT: u8 = 0x18;
const DOUBLE: u8 = 0x21;

/// A `KeyValue` message in its parts.
#[derive(Clone, Copy, Debug)]
pub struct PlainPair<'a> {
    /// All of it.
    bytes: &'a [u8],
    /// Bytes of the key, at least one, which stand behind its tag and length.
    key_len: usize,
    /// What the `AnyValue` message holds behind its tag.
    value: &'a [u8],
    tag: u8,
}

/// A scalar of a plain attribute. Whether its bytes are canonical has not been asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainValue<'a> {
    /// What should be UTF-8.
    Text(&'a [u8]),
    /// 0 or 1.
    Bool(u64),
    /// A number.
    Int(i64),
    /// The bits of a number.
    Double(u64),
}

impl<'a> PlainPair<'a> {
    /// Splits the attribute off the front of `rest`, which begins with its length.
    #[inline(always)]
    pub fn split(rest: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&len, rest) = rest.split_first()?;
        if len >= 0x80 {
            return None;
        }
        // No length inside can be longer than this one, so they too are told in one byte.
        let (bytes, rest) = rest.split_at_checked(usize::from(len))?;
        let [0x0a, key_len, tail @ ..] = bytes else { return None };
        let key_len = usize::from(*key_len);
        let [0x12, value_len, tag, value @ ..] = tail.get(key_len..)? else { return None };
        let whole = key_len > 0 && usize::from(*value_len) == 1 + value.len();
        whole.then_some((Self { bytes, key_len, value, tag: *tag }, rest))
    }

    /// The key with its length in front.
    #[inline(always)]
    pub fn prefixed_key(&self) -> &'a [u8] {
        self.bytes.get(1..2 + self.key_len).unwrap_or_default()
    }

    /// The value; `None` if it is no scalar, or more than that.
    #[inline(always)]
    pub fn value(&self) -> Option<PlainValue<'a>> {
        PlainValue::of(self.tag, self.value)
    }

    /// Whether the attribute is surely canonical: `false` says nothing.
    #[inline(always)]
    pub fn is_canonical(&self) -> bool {
        match self.tag {
            // Tags and lengths are ASCII, too: one look at everything.
            TEXT => text(self.value).is_some() && is_ascii(self.bytes),
            BOOL => varint(self.value).is_some_and(|truth| truth < 2) && self.has_ascii_key(),
            INT => varint(self.value).is_some() && self.has_ascii_key(),
            DOUBLE => double(self.value).is_some() && self.has_ascii_key(),
            _ => false,
        }
    }

    #[inline(always)]
    fn has_ascii_key(&self) -> bool {
        is_ascii(self.prefixed_key())
    }
}

impl<'a> PlainValue<'a> {
    /// The scalar of an `AnyValue` message: its tag, and all that stands behind that. `None` if it
    /// is another or not only one.
    #[inline(always)]
    pub fn of(tag: u8, value: &'a [u8]) -> Option<Self> {
        match tag {
            TEXT => text(value).map(Self::Text),
            BOOL => varint(value).map(Self::Bool),
            INT => varint(value).map(|number| Self::Int(number as i64)),
            DOUBLE => double(value).map(Self::Double),
            _ => None,
        }
    }
}

#[inline(always)]
fn text(value: &[u8]) -> Option<&[u8]> {
    let (&len, text) = value.split_first()?;
    (usize::from(len) == text.len()).then_some(text)
}

#[inline(always)]
fn varint(value: &[u8]) -> Option<u64> {
    if let [only @ 0..0x80] = value {
        return Some(u64::from(*only));
    }
    let mut c = Cursor::new(value);
    c.varint().filter(|_| c.rest().is_empty())
}

#[inline(always)]
fn double(value: &[u8]) -> Option<u64> {
    value.try_into().ok().map(u64::from_le_bytes)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::model::{KeyValue, Span, Value};
    use crate::base::view::{StrRef, ValueRef};
    use crate::base::wire::arbitrary;
    use crate::base::wire::value::{check_pair, read_attribute};
    use crate::base::wire::write::{encode_value, put_text};

    /// What is taken for plain is what the slow readers read.
    fn check(attribute: &[u8]) -> Result<bool, TestCaseError> {
        let mut prefixed = vec![attribute.len() as u8];
        prefixed.extend_from_slice(attribute);
        prefixed.extend(b"rest");
        let Some((pair, rest)) = PlainPair::split(&prefixed) else { return Ok(false) };
        prop_assert_eq!((pair.bytes, rest), (attribute, &b"rest"[..]));
        if pair.is_canonical() {
            prop_assert!(check_pair(attribute, 0, &mut false).is_some());
        }
        let Some(read) = read_attribute(attribute) else { return Ok(false) };
        prop_assert_eq!(pair.prefixed_key().get(1..).unwrap(), read.key.as_str().as_bytes());
        let value = match read.value {
            ValueRef::Str(StrRef::Plain(text)) => Some(PlainValue::Text(text.as_bytes())),
            ValueRef::Bool(truth) => Some(PlainValue::Bool(truth.into())),
            ValueRef::Int(number) => Some(PlainValue::Int(number)),
            ValueRef::Double(number) => Some(PlainValue::Double(number.to_bits())),
            _ => None,
        };
        prop_assert_eq!(pair.value(), value);
        Ok(pair.is_canonical())
    }

    fn encoded(key: &str, value: Value) -> Vec<u8> {
        let attributes = vec![KeyValue { key: key.into(), value }];
        let span = Span { attributes, ..Span::default() };
        let mut bytes = Vec::new();
        for attribute in &span.view().unwrap().attributes {
            put_text(&mut bytes, 0x0a, attribute.key.as_str());
            encode_value(&attribute.value, &mut bytes);
        }
        bytes
    }

    proptest! {
        #[test]
        fn p6_plain_attributes_are_read_as_all_are(
            key in "[a-zä]{0,60}", value in arbitrary::value(), at: prop::sample::Index, byte: u8,
        ) {
            let bytes = encoded(&key, value);
            check(&bytes)?;
            let mut damaged = bytes;
            if !damaged.is_empty() {
                let at = at.index(damaged.len());
                *damaged.get_mut(at).unwrap() = byte;
            }
            check(&damaged)?;
        }

        #[test]
        fn p6_any_bytes_are_left_or_read_alike(bytes in prop::collection::vec(prop_oneof![
            3 => 0..5u8, 1 => Just(0x0a), 1 => Just(0x12), 1 => any::<u8>()], 0..40)
        ) {
            check(&bytes)?;
        }
    }

    #[test]
    fn plain_ones_are_told() {
        for value in [
            Value::String("text".into()),
            Value::String("".into()),
            Value::Bool(true),
            Value::Int(-1),
            Value::Int(5),
            Value::Double(0.5),
        ] {
            assert!(check(&encoded("key", value)).unwrap());
        }
    }
}
