//! Claims: a file of any version that this build reads gives what it held when it was made; the
//! same spans make the same bytes today; a malformed file gives the error that it is known for
//! (P3, P6). The files are `format/golden/` and `format/corrupt/`.
//!
//! After a change of the bytes on disk, write the files anew with
//! `cargo test -p tracekeep --test format -- --ignored`, and look at what has changed in them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod corrupt;
mod files;
mod golden;
mod libraries;
mod manifest;
mod memory;
mod recipe;
mod rewrite;
mod shapes;
mod spans;
mod world;
