//! How large a segment of so many spans is: fitted to segments of the benches' web shop.

/// What each span takes in a merged segment.
const SPAN_BYTES: f64 = 20.0;
/// What spans share: dictionaries, models, resources. All of it is there from some hundred spans on.
const SHARED_BYTES: f64 = 16_000.0;
const SHARED_BY_SPANS: f64 = 300.0;
/// Headers, directories, filters.
const OWN_BYTES: f64 = 2_000.0;
/// What a flush writes for each byte that a merge would: it takes less trouble.
const FLUSHED: f64 = 1.16;

/// Bytes of a merged segment.
pub fn merged(spans: f64) -> f64 {
    SPAN_BYTES * spans + SHARED_BYTES * (1.0 - (-spans / SHARED_BY_SPANS).exp()) + OWN_BYTES
}

/// Bytes of a segment as a flush writes it.
pub fn flushed(spans: f64) -> f64 {
    merged(spans) * FLUSHED
}
