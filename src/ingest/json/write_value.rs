//! Attributes from the owned model to JSON.

use crate::base::error::Result;
use crate::base::model::{KeyValue, Value};
use crate::base::wire;
use crate::ingest::json::writer::JsonWriter;
use crate::ingest::json::{DOUBLE_BITS, RAW};

/// Values that nest deeper are written as raw bytes: JSON readers follow some 128 levels, and a
/// level of a value takes three.
const MAX_JSON_DEPTH: usize = 24;

/// Writes the member `attributes`, unless there are none.
pub fn attributes(json: &mut JsonWriter, attributes: &[KeyValue]) -> Result<()> {
    if attributes.is_empty() {
        return Ok(());
    }
    json.name("attributes");
    json.list(|json| attributes.iter().try_for_each(|attribute| put_attribute(json, attribute)))
}

fn put_attribute(json: &mut JsonWriter, attribute: &KeyValue) -> Result<()> {
    // Says how deep the value is before anything recurses into it.
    let view = attribute.value.view()?;
    json.object(|json| {
        put_key(json, attribute);
        if deeper_than(&attribute.value, MAX_JSON_DEPTH) {
            let mut bytes = Vec::new();
            wire::encode_value(&view, &mut bytes);
            json.name(RAW);
            json.base64(&bytes);
        } else {
            put_value_of(json, attribute);
        }
    });
    Ok(())
}

fn deeper_than(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(values) => {
            levels == 0 || values.iter().any(|value| deeper_than(value, levels - 1))
        }
        Value::Map(pairs) => {
            levels == 0 || pairs.iter().any(|pair| deeper_than(&pair.value, levels - 1))
        }
        _ => false,
    }
}

fn put_key(json: &mut JsonWriter, pair: &KeyValue) {
    json.name("key");
    json.string(&pair.key);
}

fn put_value_of(json: &mut JsonWriter, pair: &KeyValue) {
    match &pair.value {
        Value::Missing => {}
        Value::Raw(bytes) => {
            json.name(RAW);
            json.base64(bytes);
        }
        value => {
            json.name("value");
            put_value(json, value);
        }
    }
}

fn put_value(json: &mut JsonWriter, value: &Value) {
    json.object(|json| match value {
        // `Raw` does not stand in arrays: `Value::view` has refused it.
        Value::Missing | Value::Empty | Value::Raw(_) => {}
        Value::Bool(truth) => {
            json.name("boolValue");
            json.bare(truth);
        }
        Value::Int(number) => {
            json.name("intValue");
            json.quoted(number);
        }
        Value::Double(number) => put_double(json, *number),
        Value::String(text) => {
            json.name("stringValue");
            json.string(text);
        }
        Value::Bytes(bytes) => {
            json.name("bytesValue");
            json.base64(bytes);
        }
        Value::Array(values) => nested(json, "arrayValue", values, put_value),
        Value::Map(pairs) => nested(json, "kvlistValue", pairs, |json, pair| {
            json.object(|json| {
                put_key(json, pair);
                put_value_of(json, pair);
            });
        }),
    });
}

fn nested<T>(json: &mut JsonWriter, name: &str, list: &[T], put: fn(&mut JsonWriter, &T)) {
    json.name(name);
    json.object(|json| {
        json.name("values");
        json.list(|json| list.iter().for_each(|item| put(json, item)));
    });
}

fn put_double(json: &mut JsonWriter, number: f64) {
    json.name("doubleValue");
    if number.is_finite() {
        // The shortest digits that read back to the same double; `{:?}` keeps exponents short.
        json.bare(format_args!("{number:?}"));
        return;
    }
    json.string(match number {
        number if number.is_nan() => "NaN",
        number if number > 0.0 => "Infinity",
        _ => "-Infinity",
    });
    if number.is_nan() && number.to_bits() != f64::NAN.to_bits() {
        json.name(DOUBLE_BITS);
        json.quoted(number.to_bits());
    }
}
