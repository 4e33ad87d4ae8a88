//! Counts the rows of a segment: by operation, and by operation, caller and minute.

use crate::base::error::Result;
use crate::base::model::StatusCode;
use crate::base::quick::QuickMap;
use crate::base::text::Str;
use crate::base::wire::{decode_resource_context, decode_span};
use crate::index::operations::{OperationsBuilder, Ranks};
use crate::index::statistics_builder::{Sample, StatisticsBuilder};
use crate::segment::builder::{SPELLED_SHAPE, SegmentBuilder};
use crate::segment::callers::{Ancestors, Callers};
use crate::segment::lineup::RowFields;

/// Operations that are told; beyond so many they would outgrow the spans.
pub(super) const MAX_OPERATIONS: usize = 10_000;

/// So many are told however few spans each has.
const MIN_OPERATIONS: usize = 1024;

/// Spans that each further operation must have, on average.
const SPANS_EACH: usize = 4;

/// How many operations are told of so many rows.
fn most_operations(rows: usize) -> usize {
    (rows / SPANS_EACH).clamp(MIN_OPERATIONS, MAX_OPERATIONS)
}

/// The sections that count rows.
#[derive(Debug)]
pub(super) struct Counts {
    pub operations: Vec<u8>,
    pub statistics: Vec<u8>,
    pub sketches: Vec<u8>,
}

impl Counts {
    /// Counts all rows; `spelled_errors` tells of those that are spelled whether they failed.
    pub fn of(b: &SegmentBuilder, spelled_errors: &[bool]) -> Result<Self> {
        let services: Vec<Option<Str>> = (0..b.resources.len())
            .map(|code| decode_resource_context(b.resources.get(code)))
            .map(|context| context.and_then(|context| context.service().cloned()))
            .collect();
        let mut operations = OperationsBuilder::new(most_operations(b.rows()));
        let rows = number_rows(b, spelled_errors, &services, &mut operations);
        let (operations, ranks) = operations.finish();
        let mut statistics = StatisticsBuilder::default();
        if !ranks.operations.is_empty() {
            add_rows(b, &rows, &services, &ranks, &mut statistics);
        }
        let (statistics, sketches) = statistics.finish();
        Ok(Self { operations, statistics, sketches })
    }
}

/// The operation of each row, by its number, and whether it is an error; counts them on the way.
/// None are left out, unless the operations are too many.
fn number_rows(
    b: &SegmentBuilder,
    spelled_errors: &[bool],
    services: &[Option<Str>],
    operations: &mut OperationsBuilder,
) -> Vec<(u32, bool)> {
    let service = |resource: u32| services.get(resource as usize).and_then(Option::as_ref);
    let mut known: QuickMap<(u32, u32), u32> = QuickMap::default();
    // By shape, the resource met last and the operation: mostly the next one's, too.
    let mut last = vec![None; b.shapes.list().len()];
    let mut spelled = b.spelled.rows.iter().zip(spelled_errors);
    let spelled_bytes = b.pools.get(b.spelled.pool);
    let mut rows = Vec::with_capacity(b.rows());
    for (&shape, &resource) in b.rows.shape.iter().zip(&b.rows.resource) {
        let (number, error) = if shape == SPELLED_SHAPE {
            let Some((&(_, number), &error)) = spelled.next() else { continue };
            let bytes = spelled_bytes.map(|pool| pool.get(number)).unwrap_or_default();
            let Some(span) = decode_span(bytes) else { continue };
            (operations.number(service(resource), &span.name.into_str(), span.kind), error)
        } else {
            let Some(template) = b.shapes.get(shape).map(|shape| &shape.template) else { continue };
            let Some(last) = last.get_mut(shape as usize) else { continue };
            let number = match *last {
                Some((before, number)) if before == resource => Some(number),
                _ => known.get(&(resource, shape)).copied().or_else(|| {
                    let service = service(resource);
                    let number = operations.number(service, &template.name, template.kind)?;
                    known.insert((resource, shape), number);
                    Some(number)
                }),
            };
            *last = number.map(|number| (resource, number));
            (number, template.status == Some(StatusCode::ERROR))
        };
        let Some(number) = number else { return Vec::new() };
        operations.count(number, error);
        rows.push((number, error));
    }
    rows
}

fn add_rows(
    b: &SegmentBuilder,
    rows: &[(u32, bool)],
    services: &[Option<Str>],
    ranks: &Ranks,
    statistics: &mut StatisticsBuilder,
) {
    let code = |service: &Option<Str>| {
        let place = service.as_ref().map(|name| ranks.services.binary_search(name));
        place.and_then(|place| place.ok()).map_or(0, |place| place as u32 + 1)
    };
    let services: Vec<u32> = services.iter().map(code).collect();
    let service = |resource: u32| services.get(resource as usize).copied().unwrap_or_default();
    let (mut callers, mut ancestors) = (Callers::default(), Ancestors::default());
    let ends = b.traces.iter().skip(1).map(|trace| trace.first_row as usize);
    for ((ordinal, trace), end) in (0..).zip(&b.traces).zip(ends.chain([rows.len()])) {
        let fields = || (trace.first_row as usize..end).filter_map(|row| RowFields::of(b, row));
        if trace.regular {
            ancestors.begin();
        } else {
            callers.begin(fields().map(|row| (row.span_id, row.start, service(row.resource))));
        }
        let counted = rows.get(trace.first_row as usize..end).unwrap_or_default();
        for ((at, row), &(number, error)) in (0..).zip(fields()).zip(counted) {
            let caller = if trace.regular {
                ancestors.next(row.span_id, row.parent, service(row.resource))
            } else {
                callers.of(at, row.parent)
            };
            let sample = Sample {
                operation: ranks.operations.get(number as usize).copied().unwrap_or_default(),
                caller,
                start: row.start,
                duration: row.end.saturating_sub(row.start),
                error,
                ordinal,
            };
            statistics.add(trace.first_row + at, &sample);
        }
    }
}
