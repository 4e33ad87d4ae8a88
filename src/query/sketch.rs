//! Traces of a segment as far as columns alone tell of them: which filters their rows fulfil, and how
//! the rows relate. A fraction of the cost of reading them.

use crate::base::error::Result;
use crate::base::ids::SpanId;
use crate::block::structure::ParentCode;
use crate::query::leaves::{Leaves, Verdicts};
use crate::query::sieve::RowTests;
use crate::query::source::{Fragment, Sketched, Sketcher, VisitSketched};
use crate::segment::{Peek, Segment};

/// Sketches traces of one segment.
pub struct ColumnSketcher<'a> {
    leaves: &'a Leaves,
    peek: Peek<'a>,
    tests: Vec<RowTests<'a>>,
    /// The row before and its ancestors; none of a span that is not in the trace.
    path: Vec<Option<u32>>,
}

impl<'a> ColumnSketcher<'a> {
    /// Tests rows against the filters of a query.
    pub fn new(segment: &'a Segment, leaves: &'a Leaves) -> Result<Self> {
        let tests = leaves.filters.iter().map(|leaf| RowTests::new(segment, leaf, leaves.loose));
        let tests = tests.collect::<Result<Vec<_>>>()?;
        Ok(Self { leaves, peek: segment.peek()?, tests, path: Vec::new() })
    }

    /// The row of a row's parent. Rows come in pre-order, so that it is the row before or one of its
    /// ancestors, if it is in the trace at all.
    fn parent(&mut self, row: u32) -> Result<Option<u32>> {
        match self.peek.parent(row)? {
            ParentCode::Root => self.path.clear(),
            ParentCode::Up(levels) => {
                self.path.truncate(self.path.len().saturating_sub(levels as usize));
            }
            // A block knows only the ancestors in it; the others bear their ids.
            ParentCode::Explicit => {
                let parent = self.peek.explicit_parent(row)?;
                let mut depth = self.path.len();
                while let Some(above) = depth.checked_sub(1) {
                    let known = self.path.get(above).copied().flatten();
                    if known.map(|row| self.peek.span_id(row)).transpose()? == Some(parent) {
                        break;
                    }
                    depth = above;
                }
                self.path.truncate(depth);
                if depth == 0 {
                    self.path.push(None);
                }
            }
        }
        Ok(self.path.last().copied().flatten())
    }
}

impl Sketcher for ColumnSketcher<'_> {
    fn sketch(&mut self, fragment: &Fragment, visit: &mut VisitSketched<'_>) -> Result<bool> {
        let Fragment { first_start, last_start, .. } = *fragment;
        if !fragment.is_regular || !self.leaves.range.covers(first_start, last_start) {
            return Ok(false);
        }
        self.path.clear();
        for row in fragment.rows.clone() {
            self.leaves.bounds.interrupt.tick()?;
            let parent = self.parent(row)?.map(number);
            let columns = self.peek.row(row)?;
            let verdicts = Verdicts::all(&mut self.tests, |test| test.verdict(columns))?;
            if verdicts.are_open() {
                return Ok(false);
            }
            visit(Sketched { row, id: number(row), parent, verdicts })?;
            self.path.push(Some(row));
        }
        Ok(true)
    }
}

/// Rows tell spans apart without a look at their ids.
fn number(row: u32) -> SpanId {
    SpanId::from(u64::from(row) + 1)
}
