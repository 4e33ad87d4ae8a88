//! What a query reads: segments and live groups alike, as traces in fragments.

use std::fmt;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::ids::TraceId;
use crate::base::model::{ResourceContext, ScopeContext, SpanKind, TraceSpan, Value};
use crate::base::text::Str;
use crate::base::time::Timestamp;
use crate::base::view::SpanRef;
use crate::index::bloom::HashedId;
use crate::query::ast::Scope;
use crate::query::predicate::Subject;
use crate::query::typed::Query;

/// All that one source holds of one trace.
#[derive(Clone, Debug)]
pub struct Fragment {
    /// The trace.
    pub trace_id: TraceId,
    /// Its rows in the source.
    pub rows: Range<u32>,
    /// When its first span starts.
    pub first_start: Timestamp,
    /// When its last span starts, or a later time where the source does not know.
    pub last_start: Timestamp,
    /// The latest end of its spans.
    pub last_end: Timestamp,
}

/// A fragment in which some span may fulfil a condition.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The fragment.
    pub fragment: Fragment,
    /// Whether some span of it surely does.
    pub certain: bool,
}

/// A source's candidates, newest first start first.
pub type Candidates<'a> = Box<dyn Iterator<Item = Result<Candidate>> + 'a>;

/// A span as a source hands it over.
#[derive(Debug)]
pub struct Row<'a> {
    /// Its row in the source.
    pub row: u32,
    /// The span.
    pub span: SpanRef<'a>,
    /// What it says of its resource.
    pub resource: &'a Arc<ResourceContext>,
    /// What it says of its scope.
    pub scope: &'a Arc<ScopeContext>,
}

/// What takes rows one by one, and may end the walk.
pub type Visitor<'a> = dyn FnMut(Row<'_>) -> Result<ControlFlow<()>> + 'a;

/// A service's operation, as a source's statistics have it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceOperation {
    /// The service, if the resource names one.
    pub service: Option<Str>,
    /// The span's name.
    pub name: Str,
    /// The span's kind.
    pub kind: SpanKind,
}

/// A segment or a live group: spans of one partition by trace, each once.
pub trait Source: Send + Sync + fmt::Debug {
    /// Whether this is a published segment, not a live group.
    fn is_segment(&self) -> bool;

    /// First and last start of its spans; `None` if there are none.
    fn starts(&self) -> Option<(Timestamp, Timestamp)>;

    /// Adds the fragments of traces with this low half of the id.
    fn find(&self, id: &HashedId, out: &mut Vec<Fragment>) -> Result<()>;

    /// Fragments that hold a span that fulfils the query's condition, and perhaps others.
    /// Conditions on the trace as a whole exclude nothing, nor need the time range.
    fn candidates<'a>(&'a self, query: &'a Query) -> Result<Candidates<'a>>;

    /// Hands over the fragment of every trace, in any order; a trace may have several.
    fn fragments(&self, visit: &mut dyn FnMut(Fragment)) -> Result<()>;

    /// Hands over the rows of a fragment.
    fn rows(&self, fragment: &Fragment, visit: &mut Visitor<'_>) -> Result<()>;

    /// Hands over every row.
    fn scan(&self, visit: &mut Visitor<'_>) -> Result<()>;

    /// Services, operations and kinds without reading rows, where that is possible.
    fn operations(&self) -> Result<Option<Vec<ServiceOperation>>>;

    /// The attribute keys of each scope without reading rows, where that is possible.
    fn keys(&self) -> Result<Option<Vec<(Scope, Str)>>>;

    /// The text, numbers and truth values of an attribute in one scope, elements of arrays
    /// included, without reading rows, where that is possible.
    fn values(&self, scope: Scope, key: &str) -> Result<Option<Vec<Value>>>;

    /// The error for a row that was read but makes no sense.
    fn damaged(&self, detail: &str) -> Error;
}

impl Row<'_> {
    /// The row for a predicate.
    pub fn subject(&self) -> Subject<'_> {
        Subject { span: &self.span, resource: self.resource, scope: self.scope }
    }

    /// The row as an owned span; `source` is blamed for nested values that do not decode.
    pub fn into_owned(self, source: &dyn Source) -> Result<TraceSpan> {
        let span = self.span.into_span();
        Ok(TraceSpan {
            resource: Arc::clone(self.resource),
            scope: Arc::clone(self.scope),
            span: span.ok_or_else(|| source.damaged("a nested value does not decode"))?,
        })
    }
}
