//! Claim: a store with a damaged byte, or with bytes missing, answers rightly or says which file is
//! damaged; what lies elsewhere is answered rightly (P6).

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod files;
mod lost;
mod sound;
mod versions;
