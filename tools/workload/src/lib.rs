//! Deterministic trace generator for Tracekeep's demo, tests and benches.
//!
//! It plays a web shop of 17 services under load and hands out what a collector in front of them
//! would send: batches of spans in the order in which they ended, grouped by resource and scope,
//! some of them late. The same [`Config`] gives the same bytes on every machine.
//!
//! What the spans are like: OpenTelemetry's semantic conventions for HTTP, gRPC, databases and
//! messaging; resources with sixteen to eighteen attributes, renewed at every roll-out; traces of 1 to over
//! 1000 spans, 36 on average; exceptions with stack traces, links, failures that are passed on; request
//! UUIDs, 100,000 users, products and orders in paths and SQL; clocks that tick in micro- or
//! nanoseconds and are off by up to 0.2 ms. A hostile mode makes what no one expects instead.
//!
//! Memory is bounded by the spans that are under way or late at one time, whatever the length.
//!
//! ```
//! use tracekeep_workload::{Config, Workload, encode_json, encode_protobuf};
//! let mut spans = 0;
//! for batch in Workload::new(&Config::default().spans(5000)) {
//!     let request: Vec<u8> = encode_protobuf(&batch);
//!     assert!(request.len() > 100_000 || spans > 0);
//!     assert!(encode_json(&batch).starts_with(r#"{"resourceSpans":["#));
//!     spans += tracekeep_workload::count(&batch);
//! }
//! assert!(spans >= 5000);
//! ```

mod arrivals;
mod config;
mod files;
mod fleet;
mod hostile;
mod json;
mod plan;
mod protobuf;
mod rng;
mod shape;
mod shop;
mod text;
mod walk;
mod workload;

pub use config::Config;
pub use files::{Written, write_json, write_protobuf};
pub use json::encode as encode_json;
pub use protobuf::encode as encode_protobuf;
pub use rng::Rng;
pub use workload::{Requests, Workload, bench_store, count};
