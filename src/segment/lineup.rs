//! Lines up the rows of a segment: what each row is relative to its parent and its trace, and what
//! traces and blocks add up to.

use crate::base::model::StatusCode;
use crate::base::time::Timestamp;
use crate::block::lineage::Lineage;
use crate::block::models::SPELLED;
use crate::block::structure::{ParentCode, Step};
use crate::index::peaks::PeaksBuilder;
use crate::index::traces::{TraceEntry, TraceFlags};
use crate::index::zones::Zone;
use crate::segment::builder::{SPELLED_SHAPE, SegmentBuilder};
use crate::segment::footer::Summary;
use crate::segment::services::Services;

/// The rows, ready for their blocks.
#[derive(Debug, Default)]
pub(super) struct Lineup {
    pub steps: Vec<Step>,
    /// The parents that are told by id, in the order of rows, and how many there are before each
    /// block.
    pub explicit: Vec<u64>,
    pub explicit_before: Vec<usize>,
    /// By template code.
    pub templates: Vec<CommonColumns>,
    pub traces: Vec<TraceEntry>,
    pub zones: Vec<Zone>,
    pub peaks: PeaksBuilder,
    pub summary: Summary,
}

/// The columns that the rows of every template have.
#[derive(Debug, Default)]
pub(super) struct CommonColumns {
    pub resource: Vec<i64>,
    pub start: Vec<i64>,
    pub duration: Vec<i64>,
}

/// Lines up all rows; `codes` are the template codes of shapes.
pub(super) fn line_up(
    b: &SegmentBuilder,
    codes: &[u32],
    spelled_errors: &[bool],
    services: &Services,
) -> Lineup {
    let templates = codes.iter().copied().max().map_or(1, |last| last as usize + 1);
    let mut lineup = Lineup::default();
    lineup.templates.resize_with(templates, CommonColumns::default);
    lineup.reserve(b, codes);
    let errors: Vec<bool> =
        b.shapes.list().iter().map(|s| s.template.status == Some(StatusCode::ERROR)).collect();
    let mut spelled_errors = spelled_errors.iter();
    let rows = b.rows.start.len();
    let ends = b.traces.iter().skip(1).map(|trace| trace.first_row as usize);
    let mut lineage = Lineage::default();
    // Counted along: to divide for each row would take longer than most of what is done for it.
    let (mut blocks, mut next_block) = (0, 0);
    for (trace, end) in b.traces.iter().zip(ends.chain([rows])) {
        let begin = trace.first_row as usize;
        let starts = b.rows.start.get(begin..end).unwrap_or_default();
        let first_start = starts.iter().copied().min().unwrap_or_default();
        lineage.begin(first_start);
        let mut total = Totals::default();
        for row in begin..end {
            if row == next_block {
                lineage.begin(first_start);
                lineup.explicit_before.push(lineup.explicit.len());
                blocks += 1;
                next_block += b.options.block_rows;
            }
            let Some(row) = RowFields::of(b, row) else { continue };
            let code = codes.get(row.shape as usize).copied().unwrap_or(SPELLED);
            let error = match row.shape {
                SPELLED_SHAPE => spelled_errors.next().copied().unwrap_or_default(),
                shape => errors.get(shape as usize).copied().unwrap_or_default(),
            };
            let (parent, base) = lineage.encode(row.parent);
            if parent == ParentCode::Explicit {
                lineup.explicit.extend(row.parent);
            }
            lineage.enter(row.span_id, row.start);
            lineup.steps.push(Step::new(code, parent));
            if let Some(columns) = lineup.templates.get_mut(code as usize) {
                columns.resource.push(row.resource.into());
                columns.start.push(row.start.wrapping_sub(base) as i64);
                columns.duration.push(row.end.wrapping_sub(row.start) as i64);
            }
            total.add(row.start, row.end, error);
            lineup.add_to_zone(blocks - 1, row.start, row.end, error);
            let nanos = row.end.saturating_sub(row.start);
            match services.number(row.resource) {
                Some(service) => lineup.peaks.add(code, service, blocks as u32 - 1, nanos),
                None => lineup.peaks.give_up(),
            }
        }
        lineup.add_trace(trace.id, trace.regular, begin..end, &total);
    }
    lineup
}

/// The fields of a row that are needed here.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowFields {
    pub shape: u32,
    pub resource: u32,
    pub span_id: u64,
    pub parent: Option<u64>,
    pub start: u64,
    pub end: u64,
}

impl RowFields {
    /// Those of a row of the builder.
    pub fn of(b: &SegmentBuilder, row: usize) -> Option<Self> {
        let rows = &b.rows;
        Some(Self {
            shape: *rows.shape.get(row)?,
            resource: *rows.resource.get(row)?,
            span_id: *rows.span_id.get(row)?,
            parent: rows.has_parent.get(row)?.then_some(*rows.parent.get(row)?),
            start: *rows.start.get(row)?,
            end: *rows.end.get(row)?,
        })
    }
}

/// What a trace adds up to.
#[derive(Debug)]
struct Totals {
    first_start: u64,
    last_start: u64,
    max_end: u64,
    max_duration: u64,
    errors: u64,
}

impl Default for Totals {
    fn default() -> Self {
        Self { first_start: u64::MAX, last_start: 0, max_end: 0, max_duration: 0, errors: 0 }
    }
}

impl Totals {
    fn add(&mut self, start: u64, end: u64, error: bool) {
        self.first_start = self.first_start.min(start);
        self.last_start = self.last_start.max(start);
        self.max_end = self.max_end.max(end);
        self.max_duration = self.max_duration.max(end.saturating_sub(start));
        self.errors += u64::from(error);
    }
}

impl Lineup {
    /// Makes room for all rows.
    fn reserve(&mut self, b: &SegmentBuilder, codes: &[u32]) {
        self.steps.reserve_exact(b.rows());
        for (shape, &code) in b.shapes.list().iter().zip(codes) {
            if let Some(columns) = self.templates.get_mut(code as usize) {
                for column in [&mut columns.resource, &mut columns.start, &mut columns.duration] {
                    column.reserve_exact(shape.rows);
                }
            }
        }
    }

    fn add_to_zone(&mut self, block: usize, start: u64, end: u64, error: bool) {
        let (start, end) = (Timestamp::from_nanos(start), Timestamp::from_nanos(end));
        let duration = end.nanos().saturating_sub(start.nanos());
        match self.zones.get_mut(block) {
            Some(zone) => {
                zone.first_start = zone.first_start.min(start);
                zone.last_start = zone.last_start.max(start);
                zone.max_end = zone.max_end.max(end);
                zone.max_duration = zone.max_duration.max(duration);
                zone.errors += u32::from(error);
            }
            None => self.zones.push(Zone {
                first_start: start,
                last_start: start,
                max_end: end,
                max_duration: duration,
                errors: error.into(),
            }),
        }
    }

    fn add_trace(
        &mut self,
        id: crate::base::ids::TraceId,
        regular: bool,
        rows: std::ops::Range<usize>,
        total: &Totals,
    ) {
        let flags = [(regular, TraceFlags::REGULAR), (total.errors > 0, TraceFlags::ERROR)];
        let flags = flags.iter().filter(|(set, _)| *set);
        let time = Timestamp::from_nanos;
        self.traces.push(TraceEntry {
            id,
            first_row: rows.start as u32,
            rows: rows.len() as u32,
            first_start: time(total.first_start),
            last_start: time(total.last_start),
            max_end: time(total.max_end),
            max_duration: total.max_duration,
            flags: flags.fold(TraceFlags::default(), |all, (_, flag)| all.with(*flag)),
        });
        let s = &mut self.summary;
        let first = s.traces == 0;
        s.first_start = if first {
            time(total.first_start)
        } else {
            s.first_start.min(time(total.first_start))
        };
        s.last_start = s.last_start.max(time(total.last_start));
        s.last_end = s.last_end.max(time(total.max_end));
        s.max_duration = s.max_duration.max(total.max_duration);
        s.errors += total.errors;
        s.rows += rows.len() as u64;
        s.traces += 1;
    }
}
