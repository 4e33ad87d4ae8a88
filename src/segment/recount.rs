//! Counts the rows of a segment again, to compare them with its statistics.

use std::collections::HashMap;

use crate::base::error::Result;
use crate::base::model::StatusCode;
use crate::base::text::Str;
use crate::index::operations::{Operation, OperationTotals};
use crate::index::sketch::{Sketch, bucket};
use crate::index::statistics::{Caller, MINUTE};
use crate::segment::callers::Callers;
use crate::segment::reader::Segment;
use crate::segment::rows::Row;
use crate::segment::statistics::Statistics;

/// Adds up rows, trace by trace, in memory for the cells and one trace.
pub(super) struct Recount<'a> {
    segment: &'a Segment,
    statistics: Statistics,
    operations: HashMap<(Option<Str>, Str, i32), u32>,
    services: HashMap<Option<Str>, u32>,
    totals: Vec<OperationTotals>,
    cells: HashMap<(u32, Caller, u64), Tally>,
    unresolved: Vec<u32>,
    /// The trace that is being read.
    ordinal: u32,
    trace: Vec<Pending>,
}

/// A row of the trace that is being read.
struct Pending {
    row: u32,
    operation: u32,
    service: u32,
    span_id: u64,
    parent: Option<u64>,
    start: u64,
    duration: u64,
    error: bool,
}

/// What a cell adds up to.
#[derive(Default)]
struct Tally {
    spans: u64,
    errors: u64,
    /// The longest duration, and the first trace that has it.
    longest: Option<(u64, u32)>,
    durations: Sketch,
}

impl<'a> Recount<'a> {
    /// `None` if the segment tells no statistics.
    pub fn new(segment: &'a Segment) -> Result<Option<Self>> {
        let Some(statistics) = segment.statistics()? else { return Ok(None) };
        let list = statistics.operations();
        let key = |o: &Operation| (o.service.clone(), o.name.clone(), o.kind.0);
        let operations = list.iter().map(key).zip(0..).collect();
        let mut services = HashMap::from([(None, 0)]);
        for service in list.iter().filter_map(|operation| operation.service.clone()) {
            // The list is by service, so that these come in order.
            let next = services.len() as u32;
            services.entry(Some(service)).or_insert(next);
        }
        Ok(Some(Self {
            segment,
            operations,
            services,
            totals: vec![OperationTotals::default(); list.len()],
            statistics,
            cells: HashMap::new(),
            unresolved: Vec::new(),
            ordinal: 0,
            trace: Vec::new(),
        }))
    }

    /// Adds a row; all rows of the segment are added, in order. Says whether its operation is
    /// listed.
    pub fn add(&mut self, row: &Row<'_>) -> Result<bool> {
        if row.ordinal != self.ordinal {
            self.close_trace();
            self.ordinal = row.ordinal;
        }
        let context = self.segment.resource(row.resource)?;
        let service = context.service().cloned();
        let number = self.services.get(&service).copied();
        let span = &row.span;
        let key = (service, Str::from(span.name.as_str()), span.kind.0);
        let operation = self.operations.get(&key).copied();
        let (Some(service), Some(operation)) = (number, operation) else { return Ok(false) };
        let error = span.status_code() == StatusCode::ERROR;
        if let Some(totals) = self.totals.get_mut(operation as usize) {
            totals.add(error);
        }
        self.trace.push(Pending {
            row: row.row,
            operation,
            service,
            span_id: span.span_id.to_u64(),
            parent: span.parent_span_id.map(|id| id.to_u64()),
            start: span.start.nanos(),
            duration: span.end.nanos().saturating_sub(span.start.nanos()),
            error,
        });
        Ok(true)
    }

    fn close_trace(&mut self) {
        let mut callers = Callers::default();
        callers.begin(self.trace.iter().map(|span| (span.span_id, span.start, span.service)));
        for (at, span) in (0..).zip(self.trace.drain(..)) {
            let caller = callers.of(at, span.parent);
            if caller == Caller::Elsewhere {
                self.unresolved.push(span.row);
            }
            let key = (span.operation, caller, span.start / MINUTE);
            let tally = self.cells.entry(key).or_default();
            tally.spans += 1;
            tally.errors += u64::from(span.error);
            tally.durations.add(bucket(span.duration), 1);
            if tally.longest.is_none_or(|(longest, _)| longest < span.duration) {
                tally.longest = Some((span.duration, self.ordinal));
            }
        }
    }

    /// Whether the segment's statistics say the same.
    pub fn agrees(mut self) -> Result<bool> {
        self.close_trace();
        let mut agrees = self.statistics.unresolved() == self.unresolved;
        for (operation, totals) in self.statistics.operations().iter().zip(&self.totals) {
            agrees &= *totals == operation.totals;
        }
        let mut cells = self.cells;
        self.statistics.scan(&mut |cell| {
            let own = cells.remove(&(cell.operation, cell.caller, cell.minute.nanos() / MINUTE));
            agrees &= own.is_some_and(|own| {
                (own.spans, own.errors) == (cell.spans, cell.errors)
                    && own.longest.is_some_and(|(_, ordinal)| ordinal == cell.exemplar)
                    && own.durations == cell.durations
            });
            Ok(())
        })?;
        Ok(agrees && cells.is_empty())
    }
}
