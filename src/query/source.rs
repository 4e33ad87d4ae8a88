//! What a query reads: segments and live groups alike, as traces in fragments.

use std::fmt;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::ids::{SpanId, TraceId};
use crate::base::model::{ResourceContext, ScopeContext, SpanKind, StatusCode, TraceSpan};
use crate::base::text::Str;
use crate::base::time::{TimeRange, Timestamp};
use crate::base::view::{SpanRef, StrRef};
use crate::index::bloom::{BloomReader, HashedId};
use crate::index::known_values::Dictionary;
use crate::index::ordinals::OrdinalSet;
use crate::query::ast::{Expr, Scope};
use crate::query::leaves::{Leaves, Verdicts};
use crate::query::listed::Plain;
use crate::query::predicate::{Subject, matches};
use crate::query::tag::Tag;
use crate::query::typed::Query;
use crate::segment::Segment;

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
    /// Whether the spans below one are exactly the rows that follow it in its range.
    pub is_regular: bool,
}

/// A fragment in which some span may fulfil a condition.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The fragment.
    pub fragment: Fragment,
    /// Whether some span of it surely does.
    pub certain: bool,
}

/// What an index says of a condition.
#[derive(Clone, Copy, Debug)]
pub struct Estimate {
    /// How many traces may have a span that fulfils it.
    pub traces: u64,
    /// Whether each of them has.
    pub exact: bool,
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

/// What can be said of a row without reading all of it.
#[derive(Debug)]
pub struct Short<'a> {
    /// The row in its source.
    pub row: u32,
    /// Its span's id.
    pub span_id: SpanId,
    /// The parent's id.
    pub parent: Option<SpanId>,
    /// When it starts.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// Its name.
    pub name: StrRef<'a>,
    /// Whether its status is an error.
    pub is_error: bool,
    /// Its resource.
    pub resource: &'a Arc<ResourceContext>,
    /// Which filters of a query it fulfils, as far as its trace is not needed to tell.
    pub verdicts: Verdicts,
}

/// A row of which columns alone tell, or what else costs little.
#[derive(Clone, Copy, Debug)]
pub struct Sketched {
    /// The row in its source.
    pub row: u32,
    /// What tells its span from others of the trace: its id, or a number in its place.
    pub id: SpanId,
    /// What tells its parent, where [`Leaves::relate`] asks for it and the span has one.
    pub parent: Option<SpanId>,
    /// Which filters of a query it fulfils: none is open.
    pub verdicts: Verdicts,
}

/// What takes them one by one.
pub type VisitSketched<'a> = dyn FnMut(Sketched) -> Result<()> + 'a;

/// Tells of the rows of a source without reading them.
pub trait Sketcher {
    /// Hands over the rows of a fragment, in order, each a span of its own; no, if it cannot tell
    /// enough of one, nor of those behind it.
    fn sketch(&mut self, fragment: &Fragment, visit: &mut VisitSketched<'_>) -> Result<bool>;
}

/// What takes rows one by one, and may end the walk.
pub type Visitor<'a> = dyn FnMut(Row<'_>) -> Result<ControlFlow<()>> + 'a;

/// What takes values of a tag, each with its trace.
pub type VisitTagged<'a> = dyn FnMut(TraceId, Plain<'_>) -> Result<()> + 'a;

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

    /// Reads the filter that says which traces the source surely lacks, if it has one that can be
    /// read.
    fn filter(&self) -> Option<BloomReader> {
        None
    }

    /// Whether it has such a filter, and will be there long enough for it to be read.
    fn is_filtered(&self) -> bool {
        self.is_segment()
    }

    /// Whether it may hold traces with this low half of the id, by a filter that it keeps from then
    /// on: for lookups among few sources. `false` is certain.
    fn may_hold(&self, _id: &HashedId) -> Result<bool> {
        Ok(true)
    }

    /// Adds the fragments of traces with this low half of the id. It costs more than to ask its
    /// filter before.
    fn find(&self, id: &HashedId, out: &mut Vec<Fragment>) -> Result<()>;

    /// The same but for a fragment that is known.
    fn find_others(&self, id: &HashedId, known: &Fragment, out: &mut Vec<Fragment>) -> Result<()> {
        let mut all = Vec::new();
        self.find(id, &mut all)?;
        out.extend(all.into_iter().filter(|fragment| fragment.rows != known.rows));
        Ok(())
    }

    /// Fragments that hold a span that fulfils the query's condition, and perhaps others.
    /// Conditions on the trace as a whole exclude nothing, nor need the time range.
    fn candidates<'a>(&'a self, query: &'a Query) -> Result<Candidates<'a>>;

    /// What an index, if there is one, says of a condition.
    fn estimate(&self, _condition: &Expr, _loose: bool) -> Result<Option<Estimate>> {
        Ok(None)
    }

    /// The traces in which some span may fulfil the query's condition, where an index tells.
    fn possible(&self, _query: &Query) -> Result<Option<OrdinalSet>> {
        Ok(None)
    }

    /// Whether a fragment's trace is in a set that [`Source::possible`] told.
    fn is_in(&self, _fragment: &Fragment, _traces: &OrdinalSet) -> Result<bool> {
        Ok(true)
    }

    /// Hands over the fragment of every trace, in any order; a trace may have several.
    fn fragments(&self, visit: &mut dyn FnMut(Fragment)) -> Result<()>;

    /// Hands over the rows of a fragment.
    fn rows(&self, fragment: &Fragment, visit: &mut Visitor<'_>) -> Result<()>;

    /// Adds the spans of a fragment that start inside `range`, in any order.
    fn spans(&self, fragment: &Fragment, range: TimeRange, out: &mut Vec<TraceSpan>) -> Result<()> {
        self.rows(fragment, &mut |row| {
            if range.contains(row.span.start) {
                out.push(row.into_owned(self)?);
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Hands over those rows of a fragment that are wanted; the others cost less than reading.
    fn pick(
        &self,
        fragment: &Fragment,
        wanted: &dyn Fn(u32) -> Result<bool>,
        visit: &mut Visitor<'_>,
    ) -> Result<()> {
        self.rows(fragment, &mut |row| match wanted(row.row)? {
            true => visit(row),
            false => Ok(ControlFlow::Continue(())),
        })
    }

    /// Hands over the rows of a fragment in short, tested against the filters of a query.
    fn shorts(
        &self,
        fragment: &Fragment,
        leaves: &Leaves,
        visit: &mut dyn FnMut(Short<'_>) -> Result<()>,
    ) -> Result<()> {
        self.rows(fragment, &mut |row| {
            visit(row.short(leaves))?;
            Ok(ControlFlow::Continue(()))
        })
    }

    /// What sketches its traces for a query, if it has columns.
    fn sketcher<'a>(&'a self, _leaves: &'a Leaves) -> Result<Option<Box<dyn Sketcher + 'a>>> {
        Ok(None)
    }

    /// Hands over every row.
    fn scan(&self, visit: &mut Visitor<'_>) -> Result<()>;

    /// Hands over the durations, in nanoseconds, of the spans that start inside `range`, but not of
    /// the rows in `except`, which ascend; some at a time, in any order.
    fn durations(
        &self,
        range: TimeRange,
        except: &[Range<u32>],
        visit: &mut dyn FnMut(&[u64]),
    ) -> Result<()> {
        self.scan(&mut |row| {
            let (start, end) = (row.span.start, row.span.end);
            if range.contains(start) && !except.iter().any(|own| own.contains(&row.row)) {
                visit(&[end.nanos().saturating_sub(start.nanos())]);
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Whether every trace is a single fragment; no, where that is not known.
    fn is_gathered(&self) -> Result<bool> {
        Ok(false)
    }

    /// Whether a fragment may hold identical spans.
    fn may_repeat(&self) -> bool {
        true
    }

    /// The segment that the rows are those of, for whoever looks at columns or statistics.
    fn segment(&self) -> Result<Option<&Segment>> {
        Ok(None)
    }

    /// Services, operations and kinds without reading rows, where that is possible.
    fn operations(&self) -> Result<Option<Vec<ServiceOperation>>>;

    /// The attribute keys of each scope without reading rows, where that is possible.
    fn keys(&self) -> Result<Option<Vec<(Scope, Str)>>>;

    /// Whether some span may have an attribute in one scope, without reading rows, where that is
    /// possible.
    fn may_have(&self, _scope: Scope, _key: &str) -> Result<Option<bool>> {
        Ok(None)
    }

    /// Dictionaries that together list the text, numbers and truth values of a tag, elements of
    /// arrays included, where there are such. An unscoped key has none.
    fn dictionaries(&self, tag: &Tag) -> Result<Option<Vec<Dictionary>>>;

    /// Hands over the ids of traces by the ordinals that dictionaries tell.
    fn trace_ids(&self, visit: &mut dyn FnMut(TraceId)) -> Result<()> {
        self.fragments(&mut |fragment| visit(fragment.trace_id))
    }

    /// Hands over the values of a tag on rows that fulfil the query, each with its trace; those of one
    /// fragment side by side, one perhaps several times, or for all rows that share it once. The
    /// condition asks of spans only.
    fn tagged(&self, tag: &Tag, query: &Query, visit: &mut VisitTagged<'_>) -> Result<()> {
        self.scan(&mut |row| {
            query.bounds.interrupt.tick()?;
            if row.fulfils(query) {
                let id = row.span.trace_id;
                tag.visit(&row, &mut |value| visit(id, value))?;
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// The error for a row that was read but makes no sense.
    fn damaged(&self, detail: &str) -> Error;
}

impl Row<'_> {
    /// The row in short, tested against the filters of a query.
    pub fn short(&self, leaves: &Leaves) -> Short<'_> {
        let span = &self.span;
        let holds = |leaf: &_| matches(leaf, self.subject(), None, leaves.loose);
        Short {
            row: self.row,
            span_id: span.span_id,
            parent: span.parent_span_id,
            start: span.start,
            end: span.end,
            name: span.name.clone(),
            is_error: span.status_code() == StatusCode::ERROR,
            resource: self.resource,
            verdicts: leaves.verdicts(span.start, |filters| Verdicts::of(filters, holds)),
        }
    }

    /// Whether it starts in the query's range and fulfils its condition, which asks of spans only.
    pub fn fulfils(&self, query: &Query) -> bool {
        query.range.contains(self.span.start)
            && matches(&query.filter, self.subject(), None, query.loose) == Some(true)
    }

    /// The row for a predicate.
    pub fn subject(&self) -> Subject<'_> {
        Subject { span: &self.span, resource: self.resource, scope: self.scope }
    }

    /// The row as an owned span; `source` is blamed for nested values that do not decode.
    pub fn into_owned(self, source: &(impl Source + ?Sized)) -> Result<TraceSpan> {
        let span = self.span.into_span();
        Ok(TraceSpan {
            resource: Arc::clone(self.resource),
            scope: Arc::clone(self.scope),
            span: span.ok_or_else(|| source.damaged("a nested value does not decode"))?,
        })
    }
}
