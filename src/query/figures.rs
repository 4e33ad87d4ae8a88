//! What the spans that a query finds add up to: from statistics where these suffice, from columns and
//! rows where not.
//!
//! Of a segment whole minutes are taken from its statistics if whoever adds up can use them and the
//! condition tells operations apart ([`crate::query::cells`]). What is left at the edges of the
//! range, and other segments, are walked column by column; live buffers row by row. Rows that repeat
//! a span ([`crate::query::doubles`]) are left out of walks; statistics have counted them, so they
//! are taken out again.

use std::ops::{ControlFlow, Range};

use crate::base::error::Result;
use crate::base::model::ResourceContext;
use crate::base::time::{TimeRange, Timestamp};
use crate::block::template::Template;
use crate::index::operations::Operation;
use crate::index::sketch::Sketch;
use crate::index::statistics::MINUTE;
use crate::query::cells::{Cells, Share, edges, is_whole, minute_of};
use crate::query::columns::rows_with;
use crate::query::doubles::{Doubles, each_source};
use crate::query::neighbours::Neighbours;
use crate::query::sieve::RowTests;
use crate::query::source::{Row, Source};
use crate::query::typed::Query;
use crate::query::view::View;
use crate::segment::{Outlined, Segment};

/// Spans of one operation that start in one minute.
#[derive(Clone, Copy, Debug)]
pub struct Figure<'a> {
    /// Their operation.
    pub operation: &'a Operation,
    /// When the minute begins.
    pub minute: Timestamp,
    /// How many they are.
    pub spans: u64,
    /// How many of them have the status `error`.
    pub errors: u64,
    /// How long they last, if that is asked for.
    pub durations: Option<&'a Sketch>,
}

/// A row whose columns are looked at.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// The segment.
    pub segment: &'a Segment,
    /// The row.
    pub outlined: &'a Outlined<'a>,
    /// Its template.
    pub template: &'a Template,
    /// Its resource.
    pub resource: &'a ResourceContext,
}

/// Whether spans are added, or taken out again since they were added as doubles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// They are added.
    Plus,
    /// One is taken out.
    Minus,
}

/// What statistics must tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Statistics do not tell it.
    Rows,
    /// How many spans there are.
    Counts,
    /// And how long they last.
    Durations,
}

/// What adds spans up.
pub trait Sum {
    /// What the spans of this segment are asked for, which come next.
    fn begin(&mut self, segment: &Segment) -> Result<Needs>;

    /// Adds what statistics tell.
    fn figure(&mut self, figure: &Figure<'_>) -> Result<()>;

    /// Adds a row; no, if its columns do not suffice.
    fn columns(&mut self, sight: &Sight<'_>, sign: Sign) -> Result<bool>;

    /// Adds a row that was read.
    fn row(&mut self, row: &Row<'_>, sign: Sign) -> Result<()>;
}

/// How a metrics query was answered: what was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricsExplain {
    /// Segments of which statistics told all whole minutes inside the range.
    pub segments_by_statistics: u64,
    /// The cells of these statistics: operations, by caller and minute.
    pub cells: u64,
    /// Rows of segments that were looked at column by column.
    pub rows: u64,
    /// Spans that were read whole: those of live buffers, and of segments those that columns do not
    /// tell all of. Of a query that asks for traces, those that it found.
    pub spans_read: u64,
}

/// Adds up all spans that a query finds which has begun and [asks of spans](Query::asks_of_spans).
pub fn sum(view: &View, query: &Query, sum: &mut dyn Sum) -> Result<MetricsExplain> {
    let mut looked = MetricsExplain::default();
    each_source(view, query, &mut |source, doubles| match source.segment()? {
        Some(segment) => of_segment(segment, query, doubles, sum, &mut looked),
        None => of_rows(source, query, doubles, sum, &mut looked),
    })?;
    Ok(looked)
}

fn of_rows(
    source: &dyn Source,
    query: &Query,
    doubles: &Doubles,
    sum: &mut dyn Sum,
    looked: &mut MetricsExplain,
) -> Result<()> {
    source.scan(&mut |row| {
        query.bounds.interrupt.tick()?;
        looked.spans_read += 1;
        if !doubles.contains(row.row) && row.fulfils(query) {
            sum.row(&row, Sign::Plus)?;
        }
        Ok(ControlFlow::Continue(()))
    })
}

fn of_segment(
    segment: &Segment,
    query: &Query,
    doubles: &Doubles,
    sum: &mut dyn Sum,
    looked: &mut MetricsExplain,
) -> Result<()> {
    let needs = sum.begin(segment)?;
    let cells = match needs {
        Needs::Rows => None,
        Needs::Counts => Cells::of(segment, query)?,
        Needs::Durations => Cells::of(segment, query)?.filter(Cells::are_whole),
    };
    let tests = RowTests::new(segment, &query.filter, query.loose)?;
    let contexts = Neighbours::default();
    let mut walk = Walk { segment, query, tests, contexts, sum, looked, sign: Sign::Plus };
    let single = &mut |row, _| !doubles.contains(row);
    let Some(cells) = cells else { return walk.range(query.range, single) };
    walk.looked.segments_by_statistics += 1;
    walk.looked.cells += cells.statistics.len() as u64;
    of_cells(&cells, query, needs, walk.sum)?;
    for edge in edges(query.range) {
        walk.range(edge, single)?;
    }
    walk.sign = Sign::Minus;
    let is_counted = &mut |_, start| is_whole(query.range, minute_of(start));
    for &row in doubles.rows() {
        walk.rows(row..row.saturating_add(1), query.range, is_counted)?;
    }
    Ok(())
}

/// Adds the whole minutes of a segment.
fn of_cells(cells: &Cells, query: &Query, needs: Needs, sum: &mut dyn Sum) -> Result<()> {
    if needs == Needs::Durations {
        return cells.statistics.scan(&mut |cell| {
            let counts = (cell.spans, cell.errors);
            let durations = Some(&cell.durations);
            cells.add(query, (cell.operation, cell.minute), counts, durations, sum)
        });
    }
    let mut done = Ok(());
    cells.statistics.counts(&mut |operation, counted| {
        if done.is_ok() {
            let minute = Timestamp::from_nanos(counted.minute.saturating_mul(MINUTE));
            let counts = (counted.spans, counted.errors);
            done = cells.add(query, (operation, minute), counts, None, sum);
        }
    });
    done
}

impl Cells {
    /// Adds what of a cell the query finds, if its minute lies inside the range.
    fn add(
        &self,
        query: &Query,
        (operation, minute): (u32, Timestamp),
        (spans, errors): (u64, u64),
        durations: Option<&Sketch>,
        sum: &mut dyn Sum,
    ) -> Result<()> {
        query.bounds.interrupt.tick()?;
        let place = operation as usize;
        let operation = self.statistics.operations().get(place);
        let (Some(operation), Some(share)) = (operation, self.shares.get(place)) else {
            return Ok(());
        };
        let (spans, errors) = match share {
            Share::None => (0, 0),
            Share::All => (spans, errors),
            Share::Errors => (errors, errors),
            Share::Others => (spans.saturating_sub(errors), 0),
        };
        match spans > 0 && is_whole(query.range, minute) {
            true => sum.figure(&Figure { operation, minute, spans, errors, durations }),
            false => Ok(()),
        }
    }
}

/// Looks at a segment's rows.
struct Walk<'a, 's> {
    segment: &'a Segment,
    query: &'a Query,
    tests: RowTests<'a>,
    contexts: Neighbours,
    sum: &'s mut dyn Sum,
    looked: &'s mut MetricsExplain,
    sign: Sign,
}

/// Whether a row of this number and start is wanted.
type IsWanted<'w> = dyn FnMut(u32, Timestamp) -> bool + 'w;

impl Walk<'_, '_> {
    /// Adds the rows that start inside a range.
    fn range(&mut self, range: TimeRange, is_wanted: &mut IsWanted<'_>) -> Result<()> {
        let query = self.query.clone().between(range);
        for rows in rows_with(self.segment, None, &query)? {
            self.rows(rows, range, is_wanted)?;
        }
        Ok(())
    }

    fn rows(
        &mut self,
        rows: Range<u32>,
        range: TimeRange,
        is_wanted: &mut IsWanted<'_>,
    ) -> Result<()> {
        let interrupt = &self.query.bounds.interrupt;
        interrupt.check()?;
        self.segment.outlines_in_turn(rows, &mut |outlined| {
            interrupt.tick()?;
            let start = outlined.times.start;
            if range.contains(start) && is_wanted(outlined.row, start) {
                self.row(&outlined)?;
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    fn row(&mut self, outlined: &Outlined<'_>) -> Result<()> {
        let Self { segment, query, tests, contexts, sum, looked, sign } = self;
        looked.rows += 1;
        if let Some(template) = outlined.template {
            match tests.verdict(outlined.columns)? {
                Some(true) => {
                    let resource = contexts.resource(segment, outlined.resource)?;
                    let segment = *segment;
                    let sight = Sight { segment, outlined, template, resource };
                    if sum.columns(&sight, *sign)? {
                        return Ok(());
                    }
                }
                Some(false) => return Ok(()),
                None => {}
            }
        }
        looked.spans_read += 1;
        let read = outlined.read(&mut |row| {
            let row = contexts.row(segment, row)?;
            if row.fulfils(query) {
                sum.row(&row, *sign)?;
            }
            Ok(ControlFlow::Continue(()))
        });
        read.map(drop)
    }
}
