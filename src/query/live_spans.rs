//! Live spans against filters, decoded no further than it takes to tell.
//!
//! To decode a span takes a microsecond, mostly for its attributes; most filters are settled by what
//! stands beside its bytes or before its attributes, and hits show no more of most spans.

use std::cell::OnceCell;

use crate::base::error::Result;
use crate::base::view::SpanRef;
use crate::ingest::batch::Entry;
use crate::ingest::group::Group;
use crate::query::ast::{Expr, Field, Scope};
use crate::query::glance::Glance;
use crate::query::leaves::{Leaves, Verdicts};
use crate::query::live::entries;
use crate::query::predicate::{Subject, matches};
use crate::query::source::{Fragment, Sketched, Sketcher, VisitSketched};

/// A live span, outlined once somebody has asked.
pub struct LiveSpan<'g> {
    group: &'g Group,
    entry: &'g Entry,
    outline: OnceCell<SpanRef<'g>>,
}

/// A filter, to be asked of spans of one group.
pub struct LiveTest<'q> {
    filter: &'q Expr,
    loose: bool,
    /// Most filters of large groups are never asked.
    glance: OnceCell<Glance<'q>>,
    /// The keys of attributes that it looks at.
    keys: Vec<&'q str>,
    takes_outline_only: bool,
}

/// Tells of a group's traces what takes no attributes.
pub struct LiveSketcher<'a> {
    group: &'a Group,
    leaves: &'a Leaves,
    tests: Vec<LiveTest<'a>>,
}

impl<'g> LiveSpan<'g> {
    /// A span of a group.
    pub fn new(group: &'g Group, entry: &'g Entry) -> Self {
        Self { group, entry, outline: OnceCell::new() }
    }

    /// The span without its attributes, events and links.
    pub fn outline(&self) -> Result<&SpanRef<'g>> {
        if let Some(known) = self.outline.get() {
            return Ok(known);
        }
        let outline = self.group.outline(self.entry)?;
        Ok(self.outline.get_or_init(|| outline))
    }
}

impl<'q> LiveTest<'q> {
    /// A filter.
    pub fn new(filter: &'q Expr, loose: bool) -> Self {
        let (mut takes_outline_only, mut keys) = (true, Vec::new());
        filter.fields(&mut |field| {
            takes_outline_only &= is_in_outline(field);
            if let Field::Attribute(_, key) = field {
                keys.push(key.as_str());
            }
        });
        Self { filter, loose, glance: OnceCell::new(), keys, takes_outline_only }
    }

    fn glance(&self) -> &Glance<'q> {
        self.glance.get_or_init(|| Glance::new(self.filter, self.loose))
    }

    /// The filters of a query.
    pub fn all(leaves: &'q Leaves) -> Vec<Self> {
        leaves.filters.iter().map(|filter| Self::new(filter, leaves.loose)).collect()
    }

    /// Whether some span of a group may fulfil it; `false` is certain.
    pub fn may_hold_in(&self, group: &Group) -> bool {
        self.glance().may_hold_in(group)
    }

    /// Whether a span is never decoded further than its attributes.
    pub const fn takes_outline_only(&self) -> bool {
        self.takes_outline_only
    }

    /// Whether a span fulfils it; `None` where that depends on its trace.
    pub fn verdict(&self, live: &LiveSpan<'_>) -> Result<Option<bool>> {
        let (group, entry) = (live.group, live.entry);
        if let Some(verdict) = self.glance().verdict(group, entry) {
            return Ok(Some(verdict));
        }
        let some;
        let span = match self.takes_outline_only {
            true => live.outline()?,
            false => {
                some = group.span_with(entry, &self.keys)?;
                &some
            }
        };
        let (resource, scope) = (group.resource(entry)?.decoded(), group.scope(entry)?.decoded());
        Ok(matches(self.filter, Subject { span, resource, scope }, None, self.loose))
    }
}

/// The verdicts of a query's filters on a span.
pub fn verdicts(
    tests: &mut [LiveTest<'_>],
    leaves: &Leaves,
    live: &LiveSpan<'_>,
) -> Result<Verdicts> {
    match leaves.range.contains(live.entry.start()) {
        true => Verdicts::all(tests, |test| test.verdict(live)),
        false => Ok(Verdicts::default()),
    }
}

/// Whether a field is the same of a span and of its outline, or that of its trace.
fn is_in_outline(field: &Field) -> bool {
    match field {
        Field::Attribute(scope, _) => matches!(scope, Scope::Resource | Scope::Instrumentation),
        Field::Name
        | Field::Kind
        | Field::Status
        | Field::StatusMessage
        | Field::Duration
        | Field::SpanId
        | Field::ParentId
        | Field::TraceId
        | Field::InstrumentationName
        | Field::InstrumentationVersion => true,
        field => field.needs_trace(),
    }
}

impl<'a> LiveSketcher<'a> {
    /// Tests spans of a group against the filters of a query.
    pub fn new(group: &'a Group, leaves: &'a Leaves) -> Self {
        Self { group, leaves, tests: LiveTest::all(leaves) }
    }
}

impl Sketcher for LiveSketcher<'_> {
    fn sketch(&mut self, fragment: &Fragment, visit: &mut VisitSketched<'_>) -> Result<bool> {
        let (group, leaves) = (self.group, self.leaves);
        if !leaves.range.covers(fragment.first_start, fragment.last_start) {
            return Ok(false);
        }
        let mut before = None;
        for (row, entry) in entries(group, fragment.rows.clone()) {
            leaves.bounds.interrupt.tick()?;
            // Spans of a trace are sorted so: identical ones, which count once, are neighbours.
            let key = (entry.start(), entry.span_id());
            let verdicts = verdicts(&mut self.tests, leaves, &LiveSpan::new(group, entry))?;
            if before.replace(key) == Some(key) || verdicts.are_open() {
                return Ok(false);
            }
            let parent = if leaves.relate { group.parent(entry) } else { None };
            visit(Sketched { row, id: entry.span_id(), parent, verdicts })?;
        }
        Ok(true)
    }
}
