//! Every limit of the engine, each with its reason.

/// The largest request, log frame, attribute or span that is accepted. Lengths of this size are
/// the only ones a reader believes before it has verified the bytes behind them.
pub const MAX_REQUEST_BYTES: usize = 256 << 20;

/// How deep arrays and maps may nest in an attribute value: enough for any real payload, and few
/// enough that no stack is at risk.
pub const MAX_VALUE_DEPTH: usize = 64;

/// Distinct templates a segment keeps before further rows are spelled out one by one, so that
/// input with a new shape on every span cannot grow the template table without bound.
pub const MAX_TEMPLATES: usize = 4096;

/// The longest skeleton a template may have; longer spans are spelled out.
pub const MAX_SKELETON_BYTES: usize = 4096;

/// Rows of a block: small enough that one trace does not pay for many neighbours (a block is one
/// checksummed granule of 4 to 16 KiB), large enough that its header is noise.
pub const BLOCK_ROWS: usize = 512;

/// Models of durations that a segment has at most: those of a block are counted before they are
/// verified.
pub const MAX_DURATION_MODELS: usize = 64;

/// The longest term that goes into a dictionary as it is; longer values are indexed by hash.
pub const MAX_TERM_BYTES: usize = 1024;

/// Default `limit` of a search.
pub const DEFAULT_LIMIT: usize = 20;

/// Default `limit` of a list of values.
pub const DEFAULT_VALUES: usize = 1000;

/// Values of a tag that a comparison tells apart: enough for users and hosts, too few for ids of
/// requests, which tell nothing. Some eight megabytes a tag.
pub const MAX_COMPARED_VALUES: usize = 64 << 10;

/// Default memory of a query: half of it is enough to look at a trace of a million spans.
pub const QUERY_MEMORY_BYTES: usize = 256 << 20;

/// The longest query text, and how deep its parentheses may nest.
pub const MAX_QUERY_BYTES: usize = 64 << 10;

/// How deep a query may nest.
pub const MAX_QUERY_DEPTH: usize = 64;
