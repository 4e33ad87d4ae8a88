//! The statistics of a segment by name: what its operations add up to, and who calls whom.

use std::collections::BTreeMap;

use crate::base::error::Result;
use crate::base::text::Str;
use crate::base::time::Timestamp;
use crate::index::operations::Operation;
use crate::index::sketch::Sketch;
use crate::index::statistics::{Bounds, Caller, Cell, Cells, Counted};
use crate::segment::kind;
use crate::segment::reader::Segment;

/// What the spans of a segment add up to, per operation, caller and minute.
///
/// Counts of segments of one partition add up: a flush leaves out what a segment of the partition
/// holds already. A parent that lies in another segment is not known here: such spans count under
/// [`Caller::Elsewhere`], and [`Self::unresolved`] names their rows.
#[derive(Debug)]
pub struct Statistics {
    operations: Vec<Operation>,
    services: Vec<Str>,
    cells: Cells,
}

/// Calls from one service to another, or within one, that began in one minute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// When the minute begins.
    pub minute: Timestamp,
    /// The service of the parents.
    pub parent: Option<Str>,
    /// The service of the spans that were called.
    pub child: Option<Str>,
}

/// What calls add up to: each is a span whose parent is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// How many.
    pub calls: u64,
    /// How many of them have the status `error`.
    pub errors: u64,
    /// How long they last.
    pub durations: Sketch,
}

impl Calls {
    /// Adds further calls.
    pub fn add(&mut self, calls: u64, errors: u64, durations: &Sketch) {
        self.calls = self.calls.saturating_add(calls);
        self.errors = self.errors.saturating_add(errors);
        self.durations.merge(durations);
    }
}

impl Segment {
    /// The statistics; `None` where the operations are too many to be told.
    pub fn statistics(&self) -> Result<Option<Statistics>> {
        let operations = self.operations()?;
        if !operations.is_complete() {
            return Ok(None);
        }
        let services = operations.services()?;
        let operations = operations.list()?;
        let bounds = Bounds {
            operations: operations.len() as u32,
            services: services.len() as u32,
            traces: self.trace_count()?,
            rows: self.summary().rows as u32,
        };
        let cells = self.unpacked_source(kind::STATISTICS)?;
        let cells = Cells::open(&cells, self.unpacked_source(kind::SKETCHES)?, bounds)?;
        Ok(Some(Statistics { operations, services, cells }))
    }
}

impl Statistics {
    /// All operations, by service, name and kind: cells tell of them by their place.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Hands out all cells, by operation, caller and minute.
    pub fn scan(&self, each: &mut dyn FnMut(&Cell) -> Result<()>) -> Result<()> {
        self.cells.scan(each)
    }

    /// The same without durations, which cost most of it.
    pub fn counts(&self, each: &mut dyn FnMut(u32, Counted)) {
        self.cells.counts(each);
    }

    /// The rows whose parent is stated and is none of the segment's, ascending.
    pub fn unresolved(&self) -> &[u32] {
        self.cells.unresolved()
    }

    /// The name of a calling service, which may have none; `None` if no service is known to call.
    pub fn calling(&self, caller: Caller) -> Option<Option<&Str>> {
        let Caller::Service(service) = caller else { return None };
        Some(service.checked_sub(1).and_then(|place| self.services.get(place as usize)))
    }

    /// The calls between services and within them, as far as their parents are known.
    pub fn edges(&self) -> Result<BTreeMap<Edge, Calls>> {
        let mut edges: BTreeMap<Edge, Calls> = BTreeMap::new();
        self.scan(&mut |cell| {
            let Some(parent) = self.calling(cell.caller) else { return Ok(()) };
            let operation = self.operations.get(cell.operation as usize);
            let child = operation.and_then(|operation| operation.service.clone());
            let edge = Edge { minute: cell.minute, parent: parent.cloned(), child };
            edges.entry(edge).or_default().add(cell.spans, cell.errors, &cell.durations);
            Ok(())
        })?;
        Ok(edges)
    }
}
