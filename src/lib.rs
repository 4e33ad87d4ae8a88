//! Tracekeep: an embedded storage engine for distributed traces.
//!
//! A [`Store`] is a directory. It takes OTLP spans, in protobuf, JSON or the owned model of this
//! crate, and gives them back as whole traces by id, or finds them by service, tag, time and
//! duration. A [`Reader`] reads along from another process; a [`Snapshot`] keeps one moment.
//!
//! ```
//! use tracekeep::{KeyValue, Options, Query, ResourceSpans, ScopeSpans, Span, Store, TraceReader};
//! # let dir = tempfile::tempdir()?;
//! let store = Store::open(dir.path().join("traces"), Options::default())?;
//! let span = Span {
//!     trace_id: 7u128.into(),
//!     span_id: 1.into(),
//!     name: "GET /cart".into(),
//!     attributes: vec![KeyValue::new("http.response.status_code", 500i64)],
//!     ..Span::default()
//! };
//! let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
//! store.append(&[ResourceSpans { scope_spans, ..ResourceSpans::default() }])?;
//! let query = Query::parse("{ span.http.response.status_code >= 500 }")?;
//! assert_eq!(store.search(&query)?.traces[0].trace_id, 7u128.into());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod base;
mod block;
mod catalog;
mod disk;
mod index;
mod ingest;
mod query;
mod segment;
mod store;
mod upkeep;

pub use base::error::{Error, Result};
pub use base::ids::{SpanId, TraceId};
pub use base::model::{
    EntityRef, Event, KeyValue, Link, Resource, ResourceContext, ResourceSpans, Scope,
    ScopeContext, ScopeSpans, Span, SpanKind, Status, StatusCode, Trace, TraceSpan, Value,
};
pub use base::observer::{FileKind, Job, Observer, SealReason, Stall, StoreEvent};
pub use base::text::Str;
pub use base::time::{TimeRange, Timestamp};
pub use disk::real::Io;
pub use ingest::otlp::Appended;
pub use query::differences::{ComparedTag, Comparison, Difference};
pub use query::explain::{Access, Condition, Plan};
pub use query::figures::MetricsExplain;
pub use query::hit::{
    Explain, Operation, Page, ServiceStats, SpanSet, TagKey, TagScope, TraceHit, TraceTimes,
};
pub use query::interrupt::CancelToken;
pub use query::metrics::{MetricsQuery, Series};
pub use query::named::{NamesPage, NamesQuery};
pub use query::red::{Red, RedGroup};
pub use query::scan::Scan;
pub use query::shapes::{Shape, ShapeSpan};
pub use query::typed::Query;
pub use query::values::{TagValue, ValueKind, ValuesPage, ValuesQuery};
pub use store::backup::BackupReport;
pub use store::counters::{Counters, Failure};
#[cfg(feature = "metrics")]
pub use store::metrics::MetricsObserver;
pub use store::options::{Durability, OnFull, Options, OutOfWindow};
pub use store::read::TraceReader;
pub use store::reader::Reader;
pub use store::resources::{MemoryUse, Resources};
pub use store::retain::{ExpiredPartition, RetentionReport};
pub use store::slot::Commit;
pub use store::snapshot::Snapshot;
pub use store::stats::{PartitionState, PartitionStats, SectionStats, Stats};
pub use store::store::Store;
#[cfg(feature = "tracing")]
pub use store::tracing::TracingObserver;
pub use upkeep::retention::{Expiry, Retention};

/// The trees of queries, for those who build queries of parts rather than of text.
pub mod traceql {
    pub use crate::query::lang::build::Expression;
    pub use crate::query::lang::field::{Field, Scope};
    pub use crate::query::lang::spans::{Having, Scalar, Spans};
    pub use crate::query::lang::tree::Relation;
}

/// What the command line shows of files. Not part of the stable interface.
#[doc(hidden)]
pub mod inspect {
    pub use crate::base::anatomy::Field;
    pub use crate::catalog::ManifestInfo;
    pub use crate::ingest::log::LogInfo;
    pub use crate::segment::{IdsInfo, SegmentInfo, StatisticsInfo, VERSION as SEGMENT_VERSION};
    pub use crate::store::inspect::{Block, FileInfo, Verified, block, fields, file, verify};
    pub use crate::store::listing::listing;
    pub use crate::store::salvage::{Salvaged, salvage};
}

/// What imports need of the formats. Not part of the stable interface.
#[doc(hidden)]
pub mod convert {
    pub use crate::ingest::json::to_protobuf as otlp_json_to_protobuf;
}

/// A world in memory, for tests that crash it. Not part of the stable interface.
#[doc(hidden)]
pub mod simulation {
    pub use crate::disk::clock::ManualClock;
    pub use crate::disk::counted::CountedDisk;
    pub use crate::disk::executor::InlineExecutor;
    pub use crate::disk::memory::{Fault, MemDisk, Survivors};
    pub use crate::disk::pool::ThreadPool;
    pub use crate::disk::real::RealDisk;
    pub use crate::store::engine::Environment;
    pub use crate::upkeep::plan::{Candidate, Facts, Policy, Step};
}
