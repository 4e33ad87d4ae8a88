//! A source that is a sorted list: shows the search itself, whatever segments do.

use std::ops::ControlFlow;
use std::path::Path;

use crate::base::error::{Error, Result};
use crate::base::model::TraceSpan;
use crate::base::text::Str;
use crate::base::time::Timestamp;
use crate::index::bloom::{BloomReader, HashedId, Strength, write_bloom};
use crate::index::known_values::Dictionary;
use crate::index::source::MemSource;
use crate::query::ast::Scope;
use crate::query::predicate::matches;
use crate::query::source::*;
use crate::query::tag::Tag;
use crate::query::typed::Query;

#[derive(Debug)]
pub struct Fake {
    /// By trace.
    spans: Vec<TraceSpan>,
    /// Whether it answers conditions from an index, exactly.
    indexed: bool,
}

impl Fake {
    pub fn new(mut spans: Vec<TraceSpan>, indexed: bool) -> Self {
        spans.sort_by_key(|s| (s.span.trace_id, std::cmp::Reverse(s.span.span_id)));
        Self { spans, indexed }
    }

    fn fragments(&self) -> Vec<Fragment> {
        let mut row = 0;
        let by_trace = self.spans.chunk_by(|a, b| a.span.trace_id == b.span.trace_id);
        let fragment = |spans: &[TraceSpan]| {
            let first = row;
            row += spans.len() as u32;
            let starts = || spans.iter().map(|s| s.span.start);
            Fragment {
                trace_id: spans[0].span.trace_id,
                rows: first..row,
                first_start: starts().min().unwrap(),
                last_start: starts().max().unwrap(),
                last_end: spans.iter().map(|s| s.span.end).max().unwrap(),
                is_regular: false,
            }
        };
        by_trace.map(fragment).collect()
    }
}

impl Source for Fake {
    fn is_segment(&self) -> bool {
        self.indexed
    }

    fn starts(&self) -> Option<(Timestamp, Timestamp)> {
        let starts = || self.spans.iter().map(|s| s.span.start);
        Some((starts().min()?, starts().max()?))
    }

    fn filter(&self) -> Option<BloomReader> {
        let lows: Vec<u64> = self.fragments().iter().map(|f| f.trace_id.low()).collect();
        let bytes = write_bloom(&lows, Strength::SEGMENT);
        let source = MemSource::new(bytes, Path::new("fake"), "bloom filter");
        self.indexed.then(|| BloomReader::open(&source).unwrap())
    }

    fn find(&self, id: &HashedId, out: &mut Vec<Fragment>) -> Result<()> {
        out.extend(self.fragments().into_iter().filter(|f| f.trace_id.low() == id.low));
        Ok(())
    }

    fn candidates<'a>(&'a self, query: &'a Query) -> Result<Candidates<'a>> {
        let mut fragments = self.fragments();
        fragments.sort_by_key(|f| std::cmp::Reverse(f.first_start));
        let candidate = move |fragment: Fragment| {
            let rows = fragment.rows.start as usize..fragment.rows.end as usize;
            let mut certain = false;
            let mut possible = false;
            for span in &self.spans[rows] {
                let view = span.span.view().unwrap();
                let row = Row { row: 0, span: view, resource: &span.resource, scope: &span.scope };
                let verdict = matches(&query.filter, row.subject(), None, query.loose);
                certain |= verdict == Some(true);
                possible |= verdict != Some(false);
            }
            match self.indexed {
                true => possible.then_some(Ok(Candidate { fragment, certain })),
                false => Some(Ok(Candidate { fragment, certain: false })),
            }
        };
        Ok(Box::new(fragments.into_iter().filter_map(candidate)))
    }

    fn fragments(&self, visit: &mut dyn FnMut(Fragment)) -> Result<()> {
        self.fragments().into_iter().for_each(visit);
        Ok(())
    }

    fn rows(&self, fragment: &Fragment, visit: &mut Visitor<'_>) -> Result<()> {
        for row in fragment.rows.clone() {
            let span = &self.spans[row as usize];
            let view = span.span.view()?;
            let row = Row { row, span: view, resource: &span.resource, scope: &span.scope };
            if visit(row)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn scan(&self, visit: &mut Visitor<'_>) -> Result<()> {
        for fragment in self.fragments() {
            self.rows(&fragment, &mut |row| visit(row).map(|_| ControlFlow::Continue(())))?;
        }
        Ok(())
    }

    fn operations(&self) -> Result<Option<Vec<ServiceOperation>>> {
        Ok(None)
    }

    fn keys(&self) -> Result<Option<Vec<(Scope, Str)>>> {
        Ok(None)
    }

    fn dictionaries(&self, _: &Tag) -> Result<Option<Vec<Dictionary>>> {
        Ok(None)
    }

    fn damaged(&self, detail: &str) -> Error {
        Error::invalid(detail)
    }
}
