//! Tracekeep: an embedded storage engine for distributed traces.

mod base;
mod block;
mod catalog;
mod disk;
mod index;
mod ingest;
mod query;
mod segment;

pub use base::error::{Error, Result};
pub use base::ids::{SpanId, TraceId};
pub use base::model::{
    EntityRef, Event, KeyValue, Link, Resource, ResourceContext, ResourceSpans, Scope,
    ScopeContext, ScopeSpans, Span, SpanKind, Status, StatusCode, Trace, TraceSpan, Value,
};
pub use base::text::Str;
pub use base::time::{TimeRange, Timestamp};
pub use query::hit::{
    Explain, Operation, Page, ServiceStats, TagKey, TagScope, TraceHit, TraceTimes,
};
pub use query::typed::Query;
