//! Live groups as sources: large ones answer searches from the index of their encoded form, small
//! ones are scanned; rows are always read from the bytes that arrived.

use std::cmp::Reverse;
use std::ops::{ControlFlow, Range};
use std::path::Path;

use crate::base::error::{Error, Result};
use crate::base::model::Value;
use crate::base::text::Str;
use crate::base::time::Timestamp;
use crate::ingest::batch::Entry;
use crate::ingest::group::Group;
use crate::query::ast::Scope;
use crate::query::predicate::matches;
use crate::query::source::{
    Candidate, Candidates, Fragment, Row, ServiceOperation, Source, Visitor,
};
use crate::query::typed::Query;

impl Source for Group {
    fn is_segment(&self) -> bool {
        false
    }

    fn starts(&self) -> Option<(Timestamp, Timestamp)> {
        (!self.is_empty()).then(|| (self.min_start(), self.max_start()))
    }

    fn find(&self, low: u64, out: &mut Vec<Fragment>) -> Result<()> {
        let first = self.entries().partition_point(|entry| entry.low() < low);
        fragments(self.find(low), first).for_each(|fragment| out.push(fragment));
        Ok(())
    }

    fn candidates<'a>(&'a self, query: &'a Query) -> Result<Candidates<'a>> {
        if let Some(segment) = self.segment() {
            let candidates = Source::candidates(segment, query)?;
            return Ok(Box::new(candidates.map(|candidate| own(self, candidate?))));
        }
        let mut found = Vec::new();
        for fragment in fragments(self.entries(), 0) {
            let (mut possible, mut certain) = (false, false);
            self.rows(&fragment, &mut |row| {
                let verdict = matches(&query.filter, row.subject(), None, query.loose);
                certain = verdict == Some(true);
                possible |= verdict != Some(false);
                Ok(if certain { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })?;
            if possible {
                found.push(Candidate { fragment, certain });
            }
        }
        found.sort_by_key(|candidate| Reverse(candidate.fragment.first_start));
        Ok(Box::new(found.into_iter().map(Ok)))
    }

    fn fragments(&self, visit: &mut dyn FnMut(Fragment)) -> Result<()> {
        fragments(self.entries(), 0).for_each(visit);
        Ok(())
    }

    fn rows(&self, fragment: &Fragment, visit: &mut Visitor<'_>) -> Result<()> {
        walk(self, fragment.rows.clone(), visit)
    }

    fn scan(&self, visit: &mut Visitor<'_>) -> Result<()> {
        walk(self, 0..self.len() as u32, visit)
    }

    fn operations(&self) -> Result<Option<Vec<ServiceOperation>>> {
        self.segment().map_or(Ok(None), Source::operations)
    }

    fn keys(&self) -> Result<Option<Vec<(Scope, Str)>>> {
        self.segment().map_or(Ok(None), Source::keys)
    }

    fn values(&self, scope: Scope, key: &str) -> Result<Option<Vec<Value>>> {
        self.segment().map_or(Ok(None), |segment| Source::values(segment, scope, key))
    }

    fn damaged(&self, detail: &str) -> Error {
        Error::corrupt(Path::new("live buffer"), 0, "span", detail)
    }
}

/// A candidate of a group's encoded form, with the group's own rows.
fn own(group: &Group, candidate: Candidate) -> Result<Candidate> {
    let id = candidate.fragment.trace_id;
    let mut found = Vec::new();
    Source::find(group, id.low(), &mut found)?;
    match found.into_iter().find(|fragment| fragment.trace_id == id) {
        Some(fragment) => Ok(Candidate { fragment, ..candidate }),
        None => Err(group.damaged("an index that names a trace the group does not hold")),
    }
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
        })
    })
}

fn walk(group: &Group, rows: Range<u32>, visit: &mut Visitor<'_>) -> Result<()> {
    let entries = group.entries().get(rows.start as usize..rows.end as usize);
    for (row, entry) in rows.zip(entries.unwrap_or_default()) {
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
