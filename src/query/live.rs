//! Live groups as sources: large ones answer searches from the index of their encoded form, small
//! ones are scanned; rows are always read from the bytes that arrived.

use std::cmp::Reverse;
use std::ops::Range;
use std::path::Path;

use crate::base::error::{Error, Result};
use crate::base::ids::TraceId;
use crate::base::model::StatusCode;
use crate::base::text::Str;
use crate::base::time::{TimeRange, Timestamp};
use crate::index::bloom::{BloomReader, HashedId};
use crate::index::known_values::Dictionary;
use crate::ingest::batch::Entry;
use crate::ingest::group::Group;
use crate::query::ast::{Expr, Scope};
use crate::query::leaves::Leaves;
use crate::query::live_spans::{LiveSketcher, LiveSpan, LiveTest, verdicts};
use crate::query::sieve::asks_of_spans;
use crate::query::source::{
    Candidate, Candidates, Estimate, Fragment, Row, ServiceOperation, Short, Sketcher, Source,
    Visitor,
};
use crate::query::stored;
use crate::query::tag::Tag;
use crate::query::typed::Query;

impl Source for Group {
    fn is_segment(&self) -> bool {
        false
    }

    fn starts(&self) -> Option<(Timestamp, Timestamp)> {
        (!self.is_empty()).then(|| (self.min_start(), self.max_start()))
    }

    fn filter(&self) -> Option<BloomReader> {
        self.is_settled().then(|| self.bloom())
    }

    fn is_filtered(&self) -> bool {
        self.is_settled()
    }

    fn find(&self, id: &HashedId, out: &mut Vec<Fragment>) -> Result<()> {
        out.extend(fragments_of(self, id.low));
        Ok(())
    }

    fn find_others(&self, id: &HashedId, known: &Fragment, out: &mut Vec<Fragment>) -> Result<()> {
        // Traces of one low half stand side by side, each as one fragment.
        let (start, end) = (known.rows.start as usize, known.rows.end as usize);
        let before = start.checked_sub(1).and_then(|before| self.entries().get(before));
        let is_like = |entry: Option<&Entry>| entry.is_some_and(|entry| entry.low() == id.low);
        if is_like(before) || is_like(self.entries().get(end)) {
            let others = fragments_of(self, id.low);
            out.extend(others.filter(|fragment| fragment.rows != known.rows));
        }
        Ok(())
    }

    fn candidates<'a>(&'a self, query: &'a Query) -> Result<Candidates<'a>> {
        let test = LiveTest::new(&query.filter, query.loose);
        if let Some(segment) = self.segment() {
            // What takes no attributes is told by entries at less cost than by columns.
            let sifts = !test.takes_outline_only() || !asks_of_spans(&query.filter);
            let candidates = stored::candidates(segment, query, sifts)?;
            let candidates = candidates.map(move |candidate| {
                let Candidate { fragment, certain } = own(self, candidate?)?;
                let (possible, certain) = match sifts || certain {
                    true => (true, certain),
                    false => look(self, &fragment, query, &test)?,
                };
                Ok(possible.then_some(Candidate { fragment, certain }))
            });
            return Ok(Box::new(candidates.filter_map(Result::transpose)));
        }
        if !test.may_hold_in(self) {
            return Ok(Box::new(std::iter::empty()));
        }
        let mut fragments: Vec<Fragment> = fragments(self.entries(), 0).collect();
        fragments.sort_by_key(|fragment| Reverse(fragment.first_start));
        let candidates = fragments.into_iter().map(move |fragment| {
            let (possible, certain) = look(self, &fragment, query, &test)?;
            Ok(possible.then_some(Candidate { fragment, certain }))
        });
        Ok(Box::new(candidates.filter_map(Result::transpose)))
    }

    fn estimate(&self, condition: &Expr, loose: bool) -> Result<Option<Estimate>> {
        self.segment().map_or(Ok(None), |segment| segment.estimate(condition, loose))
    }

    fn fragments(&self, visit: &mut dyn FnMut(Fragment)) -> Result<()> {
        fragments(self.entries(), 0).for_each(visit);
        Ok(())
    }

    fn rows(&self, fragment: &Fragment, visit: &mut Visitor<'_>) -> Result<()> {
        walk(self, fragment.rows.clone(), &|_| Ok(true), visit)
    }

    fn pick(
        &self,
        fragment: &Fragment,
        wanted: &dyn Fn(u32) -> Result<bool>,
        visit: &mut Visitor<'_>,
    ) -> Result<()> {
        walk(self, fragment.rows.clone(), wanted, visit)
    }

    fn shorts(
        &self,
        fragment: &Fragment,
        leaves: &Leaves,
        visit: &mut dyn FnMut(Short<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut tests = LiveTest::all(leaves);
        for (row, entry) in entries(self, fragment.rows.clone()) {
            let span = LiveSpan::new(self, entry);
            let verdicts = verdicts(&mut tests, leaves, &span)?;
            let outline = span.outline()?;
            visit(Short {
                row,
                span_id: entry.span_id(),
                parent: outline.parent_span_id,
                start: entry.start(),
                end: entry.end(),
                name: outline.name.clone(),
                is_error: outline.status_code() == StatusCode::ERROR,
                resource: self.resource(entry)?.decoded(),
                verdicts,
            })?;
        }
        Ok(())
    }

    fn sketcher<'a>(&'a self, leaves: &'a Leaves) -> Result<Option<Box<dyn Sketcher + 'a>>> {
        Ok(Some(Box::new(LiveSketcher::new(self, leaves))))
    }

    fn scan(&self, visit: &mut Visitor<'_>) -> Result<()> {
        walk(self, 0..self.len() as u32, &|_| Ok(true), visit)
    }

    fn durations(
        &self,
        range: TimeRange,
        except: &[Range<u32>],
        visit: &mut dyn FnMut(&[u64]),
    ) -> Result<()> {
        let (mut durations, mut except) = (Vec::new(), except.iter().peekable());
        for (row, entry) in (0..).zip(self.entries()) {
            while except.next_if(|left_out| left_out.end <= row).is_some() {}
            let is_left_out = except.peek().is_some_and(|left_out| left_out.contains(&row));
            if range.contains(entry.start()) && !is_left_out {
                durations.push(entry.end().nanos().saturating_sub(entry.start().nanos()));
            }
        }
        visit(&durations);
        Ok(())
    }

    fn is_gathered(&self) -> Result<bool> {
        // Entries are sorted by trace.
        Ok(true)
    }

    fn may_repeat(&self) -> bool {
        // And within a trace by start and id.
        let key = |entry: &Entry| (entry.trace_id(), entry.start(), entry.span_id());
        self.entries().windows(2).any(|two| two.first().map(key) == two.last().map(key))
    }

    fn operations(&self) -> Result<Option<Vec<ServiceOperation>>> {
        self.segment().map_or(Ok(None), Source::operations)
    }

    fn keys(&self) -> Result<Option<Vec<(Scope, Str)>>> {
        self.segment().map_or(Ok(None), Source::keys)
    }

    fn may_have(&self, scope: Scope, key: &str) -> Result<Option<bool>> {
        self.segment().map_or(Ok(None), |segment| Source::may_have(segment, scope, key))
    }

    fn dictionaries(&self, tag: &Tag) -> Result<Option<Vec<Dictionary>>> {
        self.segment().map_or(Ok(None), |segment| Source::dictionaries(segment, tag))
    }

    fn trace_ids(&self, visit: &mut dyn FnMut(TraceId)) -> Result<()> {
        match self.segment() {
            Some(segment) => Source::trace_ids(segment, visit),
            None => Source::fragments(self, &mut |fragment| visit(fragment.trace_id)),
        }
    }

    fn damaged(&self, detail: &str) -> Error {
        Error::corrupt(Path::new("live buffer"), 0, "span", detail)
    }
}

/// Whether some span of a fragment may fulfil the query's condition, and whether one does.
fn look(
    group: &Group,
    fragment: &Fragment,
    query: &Query,
    test: &LiveTest<'_>,
) -> Result<(bool, bool)> {
    let mut possible = false;
    for (_, entry) in entries(group, fragment.rows.clone()) {
        query.bounds.interrupt.tick()?;
        match test.verdict(&LiveSpan::new(group, entry))? {
            Some(true) => return Ok((true, true)),
            Some(false) => {}
            None => possible = true,
        }
    }
    Ok((possible, false))
}

/// A candidate of a group's encoded form, with the group's own rows.
fn own(group: &Group, candidate: Candidate) -> Result<Candidate> {
    let rows = group.rows_of(candidate.fragment.trace_id);
    if rows.is_empty() {
        return Err(group.damaged("an index that names a trace the group does not hold"));
    }
    let fragment = Fragment { rows, is_regular: false, ..candidate.fragment };
    Ok(Candidate { fragment, ..candidate })
}

/// The traces of a group with this low half of the id.
fn fragments_of(group: &Group, low: u64) -> impl Iterator<Item = Fragment> {
    let range = group.range_of(low);
    fragments(group.entries().get(range.clone()).unwrap_or_default(), range.start)
}

/// Each trace among sorted entries, of which the first is entry `first` of its group.
fn fragments(entries: &[Entry], first: usize) -> impl Iterator<Item = Fragment> {
    let mut end = first as u32;
    let by_trace = entries.chunk_by(|a, b| a.trace_id() == b.trace_id());
    by_trace.filter_map(move |spans| {
        let rows = end..end + spans.len() as u32;
        end = rows.end;
        // Entries of a trace are sorted by start.
        let (first, last) = (spans.first()?, spans.last()?);
        Some(Fragment {
            trace_id: first.trace_id(),
            rows,
            first_start: first.start(),
            last_start: last.start(),
            last_end: spans.iter().map(Entry::end).max()?,
            is_regular: false,
        })
    })
}

/// Some rows, and their entries.
pub(super) fn entries(group: &Group, rows: Range<u32>) -> impl Iterator<Item = (u32, &Entry)> {
    let entries = group.entries().get(rows.start as usize..rows.end as usize);
    rows.zip(entries.unwrap_or_default())
}

/// Decodes those of some rows that are wanted.
fn walk(
    group: &Group,
    rows: Range<u32>,
    wanted: &dyn Fn(u32) -> Result<bool>,
    visit: &mut Visitor<'_>,
) -> Result<()> {
    for (row, entry) in entries(group, rows) {
        if !wanted(row)? {
            continue;
        }
        let row = Row {
            row,
            span: group.span(entry)?,
            resource: group.resource(entry)?.decoded(),
            scope: group.scope(entry)?.decoded(),
        };
        if visit(row)?.is_break() {
            break;
        }
    }
    Ok(())
}
