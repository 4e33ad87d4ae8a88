//! An OTLP receiver over a Tracekeep [`Store`](tracekeep::Store): gRPC and HTTP, protobuf and
//! JSON.
//!
//! ```text
//! gRPC ─ codec (bytes as they came) ─┐
//!                                    ├─ intake ─ Store::submit_otlp ─ answer ─ status
//! HTTP ─ gzip, content type ─────────┘
//! ```
//!
//! No request is decoded here: the store checks the bytes and logs the same ones. A request is
//! answered once it is durable, as the store's options define it; many that wait share one sync.

mod answer;
mod codec;
pub mod grpc;
pub mod http;
mod intake;

pub use intake::{Intake, MAX_REQUEST_BYTES};
