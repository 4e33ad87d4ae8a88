//! What the whole-store tests share: random spans, a naive model, a world to run stores in.
#![allow(dead_code, reason = "each test binary uses its part")]
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

pub mod condition;
pub mod generate;
pub mod naive;
