//! Segments as sources: their indexes answer before their rows do.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{Error, Result};
use crate::base::ids::TraceId;
use crate::base::model::{StatusCode, TraceSpan};
use crate::base::text::Str;
use crate::base::time::{TimeRange, Timestamp};
use crate::base::view::StrRef;
use crate::index::bloom::{BloomReader, HashedId};
use crate::index::known_values::Dictionary;
use crate::index::ordinals::OrdinalSet;
use crate::index::term::{Probe, TagScope};
use crate::index::traces::{TraceEntry, TraceFlags, TracePage};
use crate::query::ast::{Expr, Scope};
use crate::query::columns;
use crate::query::indexed::{Interruptible, arrays};
use crate::query::interrupt::Interrupt;
use crate::query::leaves::{Leaves, Verdicts};
use crate::query::neighbours::Neighbours;
use crate::query::plan::{min_duration, plan};
use crate::query::predicate::matches;
use crate::query::prune::prune;
use crate::query::sieve::{RowTests, Sieve, Sifted};
use crate::query::sketch::ColumnSketcher;
use crate::query::source::{
    Candidate, Candidates, Estimate, Fragment, ServiceOperation, Short, Sketcher, Source,
    VisitTagged, Visitor,
};
use crate::query::tag::Tag;
use crate::query::typed::Query;
use crate::segment::Segment;

/// To look at the rows of fewer traces is cheaper than to ask which blocks they need not be in.
const WORTH_PRUNING: u64 = 64;

/// Spans that an answer makes room for before they are read: a row count could be a lie.
const MOST_RESERVED: usize = 1 << 10;

impl Source for Segment {
    fn is_segment(&self) -> bool {
        true
    }

    fn starts(&self) -> Option<(Timestamp, Timestamp)> {
        let summary = self.summary();
        (summary.rows > 0).then_some((summary.first_start, summary.last_start))
    }

    fn filter(&self) -> Option<BloomReader> {
        // Without it the index is asked.
        self.bloom().ok()
    }

    fn may_hold(&self, id: &HashedId) -> Result<bool> {
        Segment::may_hold(self, id)
    }

    fn find(&self, id: &HashedId, out: &mut Vec<Fragment>) -> Result<()> {
        self.find_entries(id.low, &mut |_, entry| out.push(fragment(entry)))
    }

    fn find_others(&self, id: &HashedId, known: &Fragment, out: &mut Vec<Fragment>) -> Result<()> {
        if self.may_bear(id.low)? == 1 {
            return Ok(());
        }
        self.find_entries(id.low, &mut |_, entry| {
            out.extend(Some(fragment(entry)).filter(|own| own.rows != known.rows));
        })
    }

    fn possible(&self, query: &Query) -> Result<Option<OrdinalSet>> {
        let terms = Interruptible { segment: self, interrupt: &query.bounds.interrupt };
        let planned = plan(&terms, &query.filter, query.loose)?;
        Ok(Some(planned.set).filter(|set| !set.is_all()))
    }

    fn is_in(&self, fragment: &Fragment, traces: &OrdinalSet) -> Result<bool> {
        Ok(traces.contains(self.traces()?.of_row(fragment.rows.start.into())?))
    }

    fn candidates<'a>(&'a self, query: &'a Query) -> Result<Candidates<'a>> {
        candidates(self, query, true)
    }

    fn estimate(&self, condition: &Expr, loose: bool) -> Result<Option<Estimate>> {
        let terms = Interruptible { segment: self, interrupt: &Interrupt::default() };
        let planned = plan(&terms, condition, loose)?;
        Ok(Some(Estimate { traces: planned.set.len(), exact: planned.exact }))
    }

    fn fragments(&self, visit: &mut dyn FnMut(Fragment)) -> Result<()> {
        for ordinal in 0..self.trace_count()? {
            visit(fragment(&self.entry(ordinal)?));
        }
        Ok(())
    }

    fn pick(
        &self,
        fragment: &Fragment,
        wanted: &dyn Fn(u32) -> Result<bool>,
        visit: &mut Visitor<'_>,
    ) -> Result<()> {
        let mut contexts = Neighbours::default();
        // Single rows are asked for of traces that were just looked at.
        self.outlines_in_turn(fragment.rows.clone(), &mut |outlined| match wanted(outlined.row)? {
            true => outlined.read(&mut |row| visit(contexts.row(self, row)?)),
            false => Ok(ControlFlow::Continue(())),
        })
    }

    fn shorts(
        &self,
        fragment: &Fragment,
        leaves: &Leaves,
        visit: &mut dyn FnMut(Short<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut contexts = Neighbours::default();
        let tests = leaves.filters.iter().map(|leaf| RowTests::new(self, leaf, leaves.loose));
        let mut tests = tests.collect::<Result<Vec<_>>>()?;
        // Searches look at columns of a trace before they look at all of it.
        self.outlines_in_turn(fragment.rows.clone(), &mut |outlined| {
            let Some(template) = outlined.template else {
                return outlined.read(&mut |row| {
                    visit(contexts.row(self, row)?.short(leaves))?;
                    Ok(ControlFlow::Continue(()))
                });
            };
            let times = outlined.times;
            visit(Short {
                row: outlined.row,
                span_id: times.span_id,
                parent: times.parent,
                start: times.start,
                end: times.end,
                name: StrRef::Shared(&template.name),
                is_error: template.status == Some(StatusCode::ERROR),
                resource: contexts.resource(self, outlined.resource)?,
                verdicts: match leaves.range.contains(times.start) {
                    true => Verdicts::all(&mut tests, |test| test.verdict(outlined.columns))?,
                    false => Verdicts::default(),
                },
            })?;
            Ok(ControlFlow::Continue(()))
        })
    }

    fn sketcher<'a>(&'a self, leaves: &'a Leaves) -> Result<Option<Box<dyn Sketcher + 'a>>> {
        Ok(Some(Box::new(ColumnSketcher::new(self, leaves)?)))
    }

    fn spans(&self, fragment: &Fragment, range: TimeRange, out: &mut Vec<TraceSpan>) -> Result<()> {
        let mut contexts = Neighbours::default();
        out.reserve(fragment.rows.len().min(MOST_RESERVED));
        self.outlines(fragment.rows.clone(), &mut |outlined| {
            if range.contains(outlined.times.start) {
                let resource = Arc::clone(contexts.resource(self, outlined.resource)?);
                let (scope, span) = outlined.own()?;
                let scope = Arc::clone(contexts.scope(self, scope)?);
                out.push(TraceSpan { resource, scope, span });
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    fn rows(&self, fragment: &Fragment, visit: &mut Visitor<'_>) -> Result<()> {
        walk(self, fragment.rows.clone(), visit)
    }

    fn scan(&self, visit: &mut Visitor<'_>) -> Result<()> {
        let rows = u32::try_from(self.summary().rows);
        walk(self, 0..rows.map_err(|_| self.damaged("more rows than can be numbered"))?, visit)
    }

    fn durations(
        &self,
        range: TimeRange,
        except: &[Range<u32>],
        visit: &mut dyn FnMut(&[u64]),
    ) -> Result<()> {
        self.durations(range, except, visit)
    }

    fn is_gathered(&self) -> Result<bool> {
        self.is_gathered()
    }

    fn may_repeat(&self) -> bool {
        false
    }

    fn segment(&self) -> Result<Option<&Segment>> {
        Ok(Some(self))
    }

    fn operations(&self) -> Result<Option<Vec<ServiceOperation>>> {
        let operations = self.operations()?;
        if !operations.is_complete() {
            return Ok(None);
        }
        let all = operations.list()?.into_iter();
        Ok(Some(
            all.map(|o| ServiceOperation { service: o.service, name: o.name, kind: o.kind })
                .collect(),
        ))
    }

    fn keys(&self) -> Result<Option<Vec<(Scope, Str)>>> {
        let terms = self.terms()?;
        if !terms.tells_all_keys()? {
            return Ok(None);
        }
        let keys = terms.keys()?.into_iter();
        Ok(Some(keys.filter_map(|entry| Some((scope_of(entry.scope)?, entry.key))).collect()))
    }

    fn may_have(&self, scope: Scope, key: &str) -> Result<Option<bool>> {
        let Some(scope) = tag_scope(scope) else { return Ok(None) };
        Ok(Some(!self.candidates(scope, key, &Probe::Exists)?.set.is_empty()))
    }

    fn dictionaries(&self, tag: &Tag) -> Result<Option<Vec<Dictionary>>> {
        let (scope, key) = match tag {
            Tag::Attribute(scope, key) => match tag_scope(*scope) {
                Some(scope) => (scope, key.as_str()),
                None => return Ok(None),
            },
            Tag::Name => (TagScope::Intrinsic, "name"),
            Tag::Kind | Tag::Status | Tag::StatusMessage => return Ok(None),
        };
        let Some(entry) = self.terms()?.key(scope, key)? else {
            let may_be_scarce = !self.candidates(scope, key, &Probe::Exists)?.set.is_empty();
            return Ok((!may_be_scarce).then(Vec::new));
        };
        let has_arrays = scope != TagScope::Intrinsic && !arrays(self, scope, key)?.is_empty();
        if has_arrays || !entry.has_only_dictionaries() {
            return Ok(None);
        }
        let found = self.terms()?.dictionaries(&entry)?;
        Ok(Some(found.into_iter().map(|(_, dictionary)| dictionary).collect()))
    }

    fn trace_ids(&self, visit: &mut dyn FnMut(TraceId)) -> Result<()> {
        for ordinal in 0..self.trace_count()? {
            visit(self.traces()?.beginning(ordinal)?.0);
        }
        Ok(())
    }

    fn tagged(&self, tag: &Tag, query: &Query, visit: &mut VisitTagged<'_>) -> Result<()> {
        columns::tagged(self, tag, query, visit)
    }

    fn damaged(&self, detail: &str) -> Error {
        Error::corrupt(self.path(), 0, "rows", detail)
    }
}

/// The traces that the index leaves over; if they are to be sifted, only those whose rows may fulfil
/// the condition, as far as columns tell.
pub(super) fn candidates<'a>(
    segment: &'a Segment,
    query: &'a Query,
    sifts: bool,
) -> Result<Candidates<'a>> {
    let interrupt = &query.bounds.interrupt;
    let terms = Interruptible { segment, interrupt };
    let mut planned = plan(&terms, &query.filter, query.loose)?;
    if planned.set.is_empty() {
        return Ok(Box::new(std::iter::empty()));
    }
    let shortest = min_duration(&query.filter);
    // Traces that begin behind the range have no span inside.
    let end = match query.range.last() {
        Some(last) if last < Timestamp::MAX => {
            segment.starting_before(last.saturating_add(Duration::from_nanos(1)))?
        }
        _ => u32::MAX,
    };
    let mut sieve = match planned.exact || !sifts {
        true => None,
        false => Sieve::new(segment, &query.filter, query.loose)?,
    };
    if sieve.is_some()
        && planned.set.len() >= WORTH_PRUNING
        && let Some(near) = prune(segment, &query.filter, query.loose)?
    {
        planned.set = planned.set.and(&near);
    }
    let unsifted = Sifted { possible: true, certain: planned.exact };
    let newest = planned.set.into_iter_desc().skip_while(move |&ordinal| ordinal >= end);
    let mut open: Option<TracePage<'a>> = None;
    let mut candidate = move |ordinal| {
        interrupt.tick()?;
        let page = match open.take().filter(|page| page.has(ordinal)) {
            Some(page) => open.insert(page),
            None => open.insert(segment.traces()?.page(ordinal)?),
        };
        // Most traces are too short for most bounds: that costs two columns of eight.
        if shortest > 0 && page.max_duration(ordinal)? < shortest {
            return Ok(None);
        }
        let entry = segment.sound_entry(page.get(ordinal)?)?;
        if !query.range.overlaps(entry.first_start, entry.last_start) {
            return Ok(None);
        }
        let sifted = match &mut sieve {
            Some(sieve) => {
                let mut whole = |row| verdict(segment, row, query);
                sieve.sift(entry.row_range(), interrupt, &mut whole)?
            }
            None => unsifted,
        };
        let fragment = fragment(&entry);
        Ok(sifted.possible.then_some(Candidate { fragment, certain: sifted.certain }))
    };
    Ok(Box::new(newest.filter_map(move |ordinal| candidate(ordinal).transpose())))
}

fn fragment(entry: &TraceEntry) -> Fragment {
    Fragment {
        trace_id: entry.id,
        rows: entry.row_range(),
        first_start: entry.first_start,
        last_start: entry.last_start,
        last_end: entry.max_end,
        is_regular: entry.flags.has(TraceFlags::REGULAR),
    }
}

fn walk(segment: &Segment, rows: Range<u32>, visit: &mut Visitor<'_>) -> Result<()> {
    let mut contexts = Neighbours::default();
    segment.rows(rows, &mut |row| visit(contexts.row(segment, row)?))
}

/// Whether a row fulfils the condition; `None` where that depends on its trace. Reads the row, which
/// is little against a look at all of its trace, wherever that lies.
fn verdict(segment: &Segment, row: u32, query: &Query) -> Result<Option<bool>> {
    let mut verdict = None;
    walk(segment, row..row.saturating_add(1), &mut |row| {
        verdict = matches(&query.filter, row.subject(), None, query.loose);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(verdict)
}

const SCOPES: [(Scope, TagScope); 5] = [
    (Scope::Resource, TagScope::Resource),
    (Scope::Span, TagScope::Span),
    (Scope::Event, TagScope::Event),
    (Scope::Link, TagScope::Link),
    (Scope::Instrumentation, TagScope::Instrumentation),
];

fn scope_of(scope: TagScope) -> Option<Scope> {
    SCOPES.iter().find(|(_, tag)| *tag == scope).map(|(scope, _)| *scope)
}

/// The scope of the tag index, unless it is that of unscoped names.
pub(super) fn tag_scope(scope: Scope) -> Option<TagScope> {
    SCOPES.iter().find(|(own, _)| *own == scope).map(|(_, tag)| *tag)
}
