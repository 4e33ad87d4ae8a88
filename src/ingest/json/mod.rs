//! OTLP JSON, both ways.
//!
//! Reading accepts what protobuf's JSON mapping and OTLP's exceptions from it allow: ids in hex of
//! either case, members in camelCase or snake_case, 64-bit integers as strings or numbers, enums
//! as numbers or names, `NaN` and the infinities as strings, bytes in base64 of either alphabet,
//! `null` as the default, unknown members ignored. The result is protobuf, which then takes the
//! way of every request.
//!
//! What the mapping cannot say is written in members of our own, which other readers ignore:
//!
//! | member | of | says |
//! |---|---|---|
//! | `tracekeep.unknown` | any message | protobuf fields this version does not know, base64 |
//! | `tracekeep.raw` | an attribute | all of its message but the key, base64: for values with unknown fields inside, and for those nested deeper than JSON readers follow |
//! | `tracekeep.doubleBits` | a value | the bits of a NaN that is not the usual one |
//!
//! So reading what was written gives every span back as it was (P3).

mod base64;
mod glance;
mod message;
mod read;
mod read_span;
mod read_value;
mod scalar;
mod write;
mod write_value;
mod writer;

use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::limits::MAX_REQUEST_BYTES;
use crate::ingest::batch::SpanKey;
use crate::ingest::contexts::Contexts;
use crate::ingest::otlp::{Admission, Prepared, prepare_shared};

const RAW: &str = "tracekeep.raw";
const UNKNOWN: &str = "tracekeep.unknown";
const DOUBLE_BITS: &str = "tracekeep.doubleBits";

/// One JSON request, or one line of a Collector's file, as an `ExportTraceServiceRequest`.
///
/// Fails with the byte position of what is malformed.
pub fn to_protobuf(text: &[u8]) -> Result<Vec<u8>> {
    if text.len() > MAX_REQUEST_BYTES {
        let what = format!("a request of {} bytes, at most {MAX_REQUEST_BYTES}", text.len());
        return Err(Error::Limit { what });
    }
    // Checked as a whole: string by string it costs an eighth of the reading.
    let text = std::str::from_utf8(text).map_err(|error| {
        Error::invalid_at(error.valid_up_to() as u64, "not OTLP JSON: text that is not UTF-8")
    })?;
    if let Some(request) = glance::to_protobuf(text) {
        return Ok(request);
    }
    let request: Result<read::Request, _> = serde_json::from_str(text);
    request.map(read::Request::into_protobuf).map_err(|error| {
        let before = text.split_inclusive('\n').take(error.line() - 1);
        let at = before.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
        let mut what = error.to_string();
        if let Some(end) = what.rfind(" at line ") {
            what.truncate(end);
        }
        Error::invalid_at(at as u64, format!("not OTLP JSON: {what}"))
    })
}

/// Prepares a JSON request as [`prepare_shared`] does a protobuf one.
pub fn prepare_json(
    text: &[u8],
    contexts: &Contexts,
    admit: &dyn Fn(&SpanKey) -> Admission,
) -> Result<Prepared> {
    let mut request = to_protobuf(text)?;
    request.shrink_to_fit();
    prepare_shared(&Arc::new(request), contexts, admit).map_err(|error| match error {
        // The position is one in the protobuf, which the caller has never seen.
        Error::InvalidInput { message, .. } => {
            Error::invalid(format!("not OTLP JSON: {message}, in a value or a tracekeep member"))
        }
        other => other,
    })
}

#[cfg(test)]
mod tests;
