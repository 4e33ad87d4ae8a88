//! The command as scripts meet it: exit codes, streams, formats.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod bench;
mod conversions;
mod files;
mod imports;
mod jobs;
mod malformed;
mod reading;
mod schema;
mod streams;
mod usage;
