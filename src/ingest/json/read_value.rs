//! Attributes from JSON to protobuf, written as they are read.
//!
//! Members are written in the order they come in. Where that is not the order of canonical bytes,
//! the canonicalizer puts them right later; exporters write them in order.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess};
use serde::de::{Error, Visitor};

use crate::base::varint;
use crate::base::wire::{put_bytes, put_message};
use crate::ingest::json::scalar::{Base64, Double, Number, Text, Truth};

/// Repeated `KeyValue` fields under `TAG`.
#[derive(Default)]
pub struct Attributes<const TAG: u8>(pub Vec<u8>);

impl<'de, const TAG: u8> Deserialize<'de> for Attributes<TAG> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut out = Vec::new();
        deserializer.deserialize_any(Reader { out: &mut out, read: Read::List(TAG, true) })?;
        Ok(Self(out))
    }
}

/// What stands next in the input.
#[derive(Clone, Copy)]
enum Read {
    /// A list of messages under a tag: of `KeyValue`, or else of `AnyValue`.
    List(u8, bool),
    /// The contents of a `KeyValue`.
    Pair,
    /// The contents of an `AnyValue`.
    Value,
    /// The contents of a `KeyValueList`, or else of an `ArrayValue`.
    Values(bool),
}

/// Reads one thing, and appends its fields. Answers whether there was one: `null` is none.
///
/// Recursion is bounded by the JSON reader, which refuses input deeper than 128 levels.
struct Reader<'o> {
    out: &'o mut Vec<u8>,
    read: Read,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.read {
            Read::List(..) => "a list",
            Read::Pair => "an attribute: {\"key\": .., \"value\": {..}}",
            Read::Value => "a value, such as {\"stringValue\": ..}",
            Read::Values(_) => "an object with \"values\"",
        })
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        let Read::List(tag, pairs) = self.read else {
            return Err(A::Error::invalid_type(serde::de::Unexpected::Seq, &self));
        };
        let read = if pairs { Read::Pair } else { Read::Value };
        loop {
            let start = self.out.len();
            let next =
                put_message(self.out, tag, |out| list.next_element_seed(Reader { out, read }));
            if next?.is_none() {
                self.out.truncate(start);
                return Ok(true);
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        while let Some(Text(name)) = map.next_key::<Text<'de>>()? {
            match self.read {
                Read::Pair => member_of_pair(self.out, name, &mut map)?,
                Read::Value => member_of_value(self.out, name, &mut map)?,
                Read::Values(pairs) if name == "values" => {
                    let read = Read::List(0x0a, pairs);
                    map.next_value_seed(Reader { out: self.out, read })?;
                }
                Read::Values(_) => drop(map.next_value::<IgnoredAny>()?),
                Read::List(..) => {
                    return Err(A::Error::invalid_type(serde::de::Unexpected::Map, &self));
                }
            }
        }
        Ok(true)
    }
}

fn member_of_pair<'de, A: MapAccess<'de>>(
    out: &mut Vec<u8>,
    name: Cow<'de, str>,
    map: &mut A,
) -> Result<(), A::Error> {
    match &*name {
        "key" => {
            let Text(key) = map.next_value()?;
            if !key.is_empty() {
                put_bytes(out, 0x0a, key.as_bytes());
            }
        }
        "value" => {
            let start = out.len();
            let read = Read::Value;
            let seed = |out: &mut Vec<u8>| map.next_value_seed(Reader { out, read });
            if !put_message(out, 0x12, seed)? {
                out.truncate(start);
            }
        }
        super::RAW => {
            let Base64(all_but_key) = map.next_value()?;
            out.extend_from_slice(&all_but_key);
        }
        _ => drop(map.next_value::<IgnoredAny>()?),
    }
    Ok(())
}

fn member_of_value<'de, A: MapAccess<'de>>(
    out: &mut Vec<u8>,
    name: Cow<'de, str>,
    map: &mut A,
) -> Result<(), A::Error> {
    match &*name {
        "stringValue" | "string_value" => {
            if let Some(Text(text)) = map.next_value()? {
                put_bytes(out, 0x0a, text.as_bytes());
            }
        }
        "boolValue" | "bool_value" => {
            if let Some(Truth(truth)) = map.next_value()? {
                out.extend_from_slice(&[0x10, u8::from(truth)]);
            }
        }
        "intValue" | "int_value" => {
            if let Some(Number::<i64>(number)) = map.next_value()? {
                out.push(0x18);
                varint::write_u64(out, number as u64);
            }
        }
        "doubleValue" | "double_value" => {
            if let Some(Double(number)) = map.next_value()? {
                put_double(out, number.to_bits());
            }
        }
        super::DOUBLE_BITS => {
            // Behind "doubleValue", which it makes exact: of a oneof the last one wins.
            if let Some(Number::<u64>(bits)) = map.next_value()? {
                put_double(out, bits);
            }
        }
        "bytesValue" | "bytes_value" => {
            if let Some(Base64(bytes)) = map.next_value()? {
                put_bytes(out, 0x3a, &bytes);
            }
        }
        "arrayValue" | "array_value" => nested(out, 0x2a, false, map)?,
        "kvlistValue" | "kvlist_value" => nested(out, 0x32, true, map)?,
        _ => drop(map.next_value::<IgnoredAny>()?),
    }
    Ok(())
}

fn put_double(out: &mut Vec<u8>, bits: u64) {
    out.push(0x21);
    out.extend_from_slice(&bits.to_le_bytes());
}

fn nested<'de, A: MapAccess<'de>>(
    out: &mut Vec<u8>,
    tag: u8,
    pairs: bool,
    map: &mut A,
) -> Result<(), A::Error> {
    let start = out.len();
    let read = Read::Values(pairs);
    if !put_message(out, tag, |out| map.next_value_seed(Reader { out, read }))? {
        out.truncate(start);
    }
    Ok(())
}
