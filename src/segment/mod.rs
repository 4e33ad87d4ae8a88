//! Floor 4: the segment, one immutable file of spans with everything that finds them.
//!
//! ```text
//! | header 64 | blocks | pages | footer 128 | area | parity | crc table | its copy | footer | footer |
//! ```
//!
//! *Blocks* hold the rows, *pages* the values that are too long or too rare for columns; each
//! block and page has a checksum of its own, so that damage costs the traces in it and no other.
//! The *area* holds all that they share and all that finds traces, in sections (see `kind`), which
//! a directory at its end lists; it survives the loss of any single granule (see `area`). The
//! *footer* says where these parts lie, and carries the [`Summary`]; readers take one of the two at
//! the end, and salvage finds the one before the area when the end of the file is lost.
//!
//! Rows are spans. Traces are contiguous, ordered by their first start and then id, and known by
//! that order as *ordinals*; inside a trace rows are in pre-order. A trace too large for a merge to
//! gather stays in fragments, each with an ordinal of its own. A row is read by its template
//! (see [`crate::block::models`]) without decoding its neighbours' values.
//!
//! | section | holds |
//! |---|---|
//! | models | [`crate::block::models`]: of templates, durations, columns, steps, words and ids; a zstd frame |
//! | resources and scopes | counts of both, a page directory, and its pages ([`crate::block::pages`]): canonical bytes, resources first |
//! | page directory | that of the pages, a zstd frame |
//! | block directory | where each block ends behind the header, varints, a zstd frame |
//! | trace table, trace-id index, bloom filter, tag index, zone maps | [`crate::index`] |
//! | operations, peaks, statistics, sketches | [`crate::index`], a zstd frame each |
//! | dictionaries | of texts, which columns and the tag index share; its first page is the *vocabulary* |
//!
//! The vocabulary is what frames of sections and pages have as their dictionary: small segments say
//! the same in many places.
//!
//! Promises: what was pushed comes back equal in canonical bytes (P3); indexes never miss a trace
//! (P5); every byte is under a checksum, and any bytes at all end in a value or an `Error` that
//! names file, offset and section, without panic or an allocation beyond the file's own size and
//! the documented limits (P6); opening reads the footer only. Little-endian throughout.

mod anatomy;
mod area;
mod blocks;
mod builder;
mod callers;
mod carrying;
mod counting;
mod describe;
mod durations;
mod figures;
mod findable;
mod finish;
mod footer;
mod ids;
mod lineup;
mod meta;
mod packing;
mod peek;
mod reader;
mod recount;
mod rows;
mod runs;
mod salvage;
mod scarcity;
mod sections;
mod sections_anatomy;
mod services;
mod statistics;
mod tagging;
mod tallies;
mod uses;
mod values;
mod verify;
mod writer;

pub use builder::{SegmentBuilder, SegmentOptions};
pub use carrying::Carried;
pub use describe::SegmentInfo;
pub use figures::StatisticsInfo;
pub use footer::{Summary, VERSION};
pub use ids::{IdFilter, IdsInfo};
pub use peek::{Columns, Peek, Templates};
pub use reader::Segment;
pub use rows::{Outlined, Row};
pub use runs::RunInfo;
pub use salvage::Salvage;
pub use services::SERVICE_NAME;
pub use statistics::Statistics;
pub use tagging::intrinsic;

/// Kinds of the area's sections; the numbers are on disk.
mod kind {
    pub const MODELS: u32 = 1;
    pub const CONTEXTS: u32 = 2;
    pub const PAGES: u32 = 3;
    pub const BLOCKS: u32 = 4;
    pub const TRACES: u32 = 5;
    pub const IDS: u32 = 6;
    pub const BLOOM: u32 = 7;
    pub const TERMS: u32 = 8;
    pub const OPERATIONS: u32 = 9;
    pub const ZONES: u32 = 10;
    pub const PEAKS: u32 = 11;
    pub const STATISTICS: u32 = 12;
    pub const SKETCHES: u32 = 13;
    pub const DICTIONARIES: u32 = 14;

    /// The name of a kind, as errors and `inspect` show it.
    pub const fn name(kind: u32) -> &'static str {
        match kind {
            MODELS => "models",
            CONTEXTS => "resources and scopes",
            PAGES => "page directory",
            BLOCKS => "block directory",
            TRACES => "trace table",
            IDS => "trace-id index",
            BLOOM => "bloom filter",
            TERMS => "tag index",
            OPERATIONS => "operations",
            ZONES => "zone maps",
            PEAKS => "peaks",
            STATISTICS => "statistics",
            SKETCHES => "sketches",
            DICTIONARIES => "dictionaries",
            _ => "section",
        }
    }
}

#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod tests;
