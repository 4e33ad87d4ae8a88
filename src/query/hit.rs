//! What searches answer.

use std::ops::Range;
use std::time::Duration;

use crate::base::ids::TraceId;
use crate::base::model::{KeyValue, SpanKind, TraceSpan};
use crate::base::text::Str;
use crate::base::time::Timestamp;
use crate::query::ast::Scope;
use crate::query::explain::Plan;

/// A page of traces, newest start first; of equal starts, the lower id first.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Page {
    /// The traces.
    pub traces: Vec<TraceHit>,
    /// What [`Query::after`](crate::Query::after) takes to go on. `None` if there is nothing to go
    /// on with; else there may be. A page may hold fewer traces than asked for, for want of
    /// [memory](crate::Query::memory_bytes).
    pub next: Option<String>,
}

/// A trace that a search found. All but `matched` and `spans` describes the whole live trace.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct TraceHit {
    /// The trace.
    pub trace_id: TraceId,
    /// The service of its root span, if it names one.
    ///
    /// The root is the earliest span without a parent id; failing that, the earliest whose
    /// parent is not in the trace; failing that too (a cycle), the earliest.
    pub root_service: Option<Str>,
    /// The name of its root span.
    pub root_name: Option<Str>,
    /// When its first span starts.
    pub start: Timestamp,
    /// When the last of its spans ends.
    pub end: Timestamp,
    /// From `start` to `end`; zero if no span ends after the first start.
    pub duration: Duration,
    /// Its spans.
    pub span_count: u64,
    /// Those whose status is an error.
    pub error_count: u64,
    /// The same by service, sorted; spans whose resource names no service are left out.
    pub services: Vec<ServiceStats>,
    /// How many spans the query finds, those of all sets.
    pub matched: u64,
    /// Of each set the earliest, up to [`Query::spans_per_set`](crate::Query::spans_per_set), set
    /// by set.
    pub spans: Vec<TraceSpan>,
    /// The sets: one, unless the query groups spans by values.
    pub sets: Vec<SpanSet>,
    /// For each of `spans` the fields that the query's `select()` names, those that it has.
    pub selected: Vec<Vec<KeyValue>>,
}

/// Spans of a trace that belong together.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SpanSet {
    /// How many they are.
    pub matched: u64,
    /// Which of [`TraceHit::spans`] are shown of them.
    pub shown: Range<usize>,
    /// What was computed of them: values of `by()`, and of numbers that were compared.
    pub attributes: Vec<KeyValue>,
}

/// A service's part in a trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceStats {
    /// The service.
    pub service: Str,
    /// Its spans.
    pub spans: u64,
    /// Those whose status is an error.
    pub errors: u64,
}

/// A trace that a search found, with when it took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TraceTimes {
    /// The trace.
    pub trace_id: TraceId,
    /// When its first span starts.
    pub start: Timestamp,
    /// When the last of its spans ends.
    pub end: Timestamp,
}

/// How much a search read, and what it could leave out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explain {
    /// How the search finds what it answers.
    pub plan: Plan,
    /// Partitions of the store.
    pub partitions: u64,
    /// Those outside the time range.
    pub partitions_out_of_range: u64,
    /// Segments in the partitions that remain.
    pub segments: u64,
    /// Those without a span that starts in the time range.
    pub segments_out_of_range: u64,
    /// Those left alone because newer traces filled the page.
    pub segments_unread: u64,
    /// Live groups in the partitions that remain.
    pub live_groups: u64,
    /// Fragments of traces that the indexes left over and that were looked at.
    pub candidates: u64,
    /// Those that an index was certain of.
    pub certain: u64,
    /// Traces with fewer spans than the query counts, which were not read.
    pub traces_too_small: u64,
    /// Traces that were not read since indexes or single columns say that they do not match.
    pub traces_ruled_out: u64,
    /// Traces whose spans were read.
    pub traces_read: u64,
    /// The spans of these.
    pub spans_read: u64,
    /// Traces that fulfilled the query.
    pub traces_matched: u64,
}

/// A service's operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Operation {
    /// The spans' name.
    pub name: Str,
    /// The spans' kind.
    pub kind: SpanKind,
}

/// An attribute's key and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct TagKey {
    /// On what the attribute stands.
    pub scope: TagScope,
    /// The key.
    pub key: Str,
}

/// On what an attribute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TagScope {
    /// A resource.
    Resource,
    /// A span.
    Span,
    /// An event of a span.
    Event,
    /// A link of a span.
    Link,
    /// An instrumentation scope.
    Instrumentation,
}

impl TagScope {
    /// All of them, in their order.
    pub(crate) const ALL: [Self; 5] =
        [Self::Resource, Self::Span, Self::Event, Self::Link, Self::Instrumentation];

    /// As TraceQL writes it before the point: `resource`, `span`, ...
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Span => "span",
            Self::Event => "event",
            Self::Link => "link",
            Self::Instrumentation => "instrumentation",
        }
    }

    /// The scope of a condition, unless it is that of unscoped names.
    pub(crate) const fn of(scope: Scope) -> Option<Self> {
        Some(match scope {
            Scope::Any => return None,
            Scope::Resource => Self::Resource,
            Scope::Span => Self::Span,
            Scope::Event => Self::Event,
            Scope::Link => Self::Link,
            Scope::Instrumentation => Self::Instrumentation,
        })
    }
}
