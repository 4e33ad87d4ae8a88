//! The peer of trace lookups: prost, which decodes the same traces' protobuf from memory.

use prost::Message;

use super::otlp::TracesData;

/// Decodes all of a trace.
pub fn decode(bytes: &[u8]) -> Result<TracesData, prost::DecodeError> {
    TracesData::decode(bytes)
}

/// How many spans it holds.
pub fn count(data: &TracesData) -> usize {
    data.resource_spans.iter().flat_map(|r| &r.scope_spans).map(|s| s.spans.len()).sum()
}
