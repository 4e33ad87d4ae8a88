//! Floor 6: from requests to live spans.
//!
//! ```text
//! OTLP JSON --json--> OTLP protobuf --otlp--> Batch --split--> Group per partition --> Live
//!                                               \--payload--> log
//! ```
//!
//! A request is validated and indexed once; its bytes, in canonical form, are what the log keeps
//! and what live spans are read from. Promises: a span comes out as it went in (P3); a batch is
//! the same when its payload is replayed, so that recovery rebuilds what was there (P1, P2);
//! malformed input is an error with a position, never a panic, and leaves nothing behind (P6).

pub mod batch;
pub mod contexts;
mod gather;
pub mod group;
pub mod json;
pub mod live;
pub mod log;
mod low_filter;
pub mod otlp;
pub mod request;
pub mod rows;
mod texts;
mod wrong_id;

#[cfg(test)]
mod real_data;
#[cfg(test)]
mod tests;
