//! Attribute values, borrowed from canonical bytes, and the nested ones made owned.

use std::borrow::Cow;

use crate::base::limits::MAX_VALUE_DEPTH;
use crate::base::model::{KeyValue, Value};
use crate::base::text::Str;
use crate::base::view::{AttrRef, StrRef, ValueRef};
use crate::base::wire::cursor::{Cursor, known, utf8};

/// Reads one `KeyValue` message.
///
/// Unknown fields at whatever depth make the value [`ValueRef::Raw`]. Raw bytes hold an unknown
/// field and other values hold none, so that no value has two forms.
pub fn read_attribute(bytes: &[u8]) -> Option<AttrRef<'_>> {
    let mut c = Cursor::new(bytes);
    let key = c.text::<true>(0x0a)?;
    let all_but_key = c.rest();
    let mut raw = false;
    let mut value = ValueRef::Missing;
    if c.eat(0x12) {
        value = read_value(c.delimited()?, &mut raw)?;
    }
    if !c.unknown(known(1, 2))?.is_empty() || raw {
        value = ValueRef::Raw(Cow::Borrowed(all_but_key));
    }
    Some(AttrRef { key, value })
}

/// Reads one `AnyValue` message; sets `raw` where there are unknown fields inside.
#[inline]
fn read_value<'a>(bytes: &'a [u8], raw: &mut bool) -> Option<ValueRef<'a>> {
    let mut c = Cursor::new(bytes);
    let value = match c.peek() {
        None => return Some(ValueRef::Empty),
        Some(0x0a) => {
            c.eat(0x0a);
            ValueRef::Str(StrRef::Plain(utf8::<true>(c.delimited()?)?))
        }
        Some(0x18) => {
            c.eat(0x18);
            ValueRef::Int(c.varint()? as i64)
        }
        Some(_) => read_rarer_value(&mut c, raw)?,
    };
    if !c.unknown(known(1, 7))?.is_empty() {
        *raw = true;
    }
    Some(value)
}

fn read_rarer_value<'a>(c: &mut Cursor<'a>, raw: &mut bool) -> Option<ValueRef<'a>> {
    Some(if c.eat(0x10) {
        ValueRef::Bool(read_bool(c)?)
    } else if c.eat(0x21) {
        ValueRef::Double(f64::from_le_bytes(c.array()?))
    } else if c.eat(0x2a) {
        let bytes = c.delimited()?;
        check_array(bytes, 1, raw)?;
        ValueRef::Array(Cow::Borrowed(bytes))
    } else if c.eat(0x32) {
        let bytes = c.delimited()?;
        check_map(bytes, 1, raw)?;
        ValueRef::Map(Cow::Borrowed(bytes))
    } else if c.eat(0x3a) {
        ValueRef::Bytes(Cow::Borrowed(c.delimited()?))
    } else {
        ValueRef::Empty
    })
}

fn read_bool(c: &mut Cursor<'_>) -> Option<bool> {
    match c.varint()? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn check_array(bytes: &[u8], depth: usize, raw: &mut bool) -> Option<()> {
    if depth > MAX_VALUE_DEPTH {
        return None;
    }
    let mut c = Cursor::new(bytes);
    while c.eat(0x0a) {
        check_value(c.delimited()?, depth, raw)?;
    }
    *raw |= !c.unknown(known(1, 1))?.is_empty();
    Some(())
}

fn check_map(bytes: &[u8], depth: usize, raw: &mut bool) -> Option<()> {
    if depth > MAX_VALUE_DEPTH {
        return None;
    }
    let mut c = Cursor::new(bytes);
    while c.eat(0x0a) {
        check_pair(c.delimited()?, depth, raw)?;
    }
    *raw |= !c.unknown(known(1, 1))?.is_empty();
    Some(())
}

/// Checks a `KeyValue` whose value lies `depth` levels deep; sets `raw` where there are unknown
/// fields inside.
#[inline]
pub fn check_pair(bytes: &[u8], depth: usize, raw: &mut bool) -> Option<()> {
    let mut c = Cursor::new(bytes);
    c.text::<false>(0x0a)?;
    if c.eat(0x12) {
        check_value(c.delimited()?, depth, raw)?;
    }
    *raw |= !c.unknown(known(1, 2))?.is_empty();
    Some(())
}

#[inline]
fn check_value(bytes: &[u8], depth: usize, raw: &mut bool) -> Option<()> {
    let mut c = Cursor::new(bytes);
    if c.eat(0x0a) {
        utf8::<false>(c.delimited()?)?;
    } else if c.eat(0x10) {
        read_bool(&mut c)?;
    } else if c.eat(0x18) {
        c.varint()?;
    } else if c.eat(0x21) {
        c.array::<8>()?;
    } else if c.eat(0x2a) {
        check_array(c.delimited()?, depth + 1, raw)?;
    } else if c.eat(0x32) {
        check_map(c.delimited()?, depth + 1, raw)?;
    } else if c.eat(0x3a) {
        c.delimited()?;
    }
    *raw |= !c.unknown(known(1, 7))?.is_empty();
    Some(())
}

/// Makes the elements of an `ArrayValue` message owned. `None` if the bytes are not canonical or
/// hold unknown fields.
pub fn decode_array(canonical: &[u8]) -> Option<Vec<Value>> {
    let mut raw = false;
    check_array(canonical, 1, &mut raw)?;
    if raw { None } else { own_array(canonical) }
}

/// Makes the pairs of a `KeyValueList` message owned, as [`decode_array`] does.
pub fn decode_map(canonical: &[u8]) -> Option<Vec<KeyValue>> {
    let mut raw = false;
    check_map(canonical, 1, &mut raw)?;
    if raw { None } else { own_map(canonical) }
}

fn own_array(checked: &[u8]) -> Option<Vec<Value>> {
    let mut c = Cursor::new(checked);
    let mut values = Vec::new();
    while c.eat(0x0a) {
        values.push(own_value(c.delimited()?)?);
    }
    Some(values)
}

fn own_map(checked: &[u8]) -> Option<Vec<KeyValue>> {
    let mut c = Cursor::new(checked);
    let mut pairs = Vec::new();
    while c.eat(0x0a) {
        let mut pair = Cursor::new(c.delimited()?);
        let key = pair.text::<true>(0x0a)?.into_str();
        let value = if pair.eat(0x12) { own_value(pair.delimited()?)? } else { Value::Missing };
        pairs.push(KeyValue { key, value });
    }
    Some(pairs)
}

/// Recurses only as deep as the check that went before allowed.
fn own_value(checked: &[u8]) -> Option<Value> {
    let mut c = Cursor::new(checked);
    Some(if c.eat(0x0a) {
        Value::String(Str::from(utf8::<true>(c.delimited()?)?))
    } else if c.eat(0x10) {
        Value::Bool(read_bool(&mut c)?)
    } else if c.eat(0x18) {
        Value::Int(c.varint()? as i64)
    } else if c.eat(0x21) {
        Value::Double(f64::from_le_bytes(c.array()?))
    } else if c.eat(0x2a) {
        Value::Array(own_array(c.delimited()?)?)
    } else if c.eat(0x32) {
        Value::Map(own_map(c.delimited()?)?)
    } else if c.eat(0x3a) {
        Value::Bytes(c.delimited()?.to_vec())
    } else {
        Value::Empty
    })
}
