//! The tag index as a whole, against a naive list of attributes.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod homes;
mod model;
mod scarce;
mod sizes;
