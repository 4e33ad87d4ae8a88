//! Which buffered spans a partition's segments hold already.

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::ids::{SpanId, TraceId};
use crate::base::time::Timestamp;
use crate::base::wire;
use crate::ingest::rows::Place;
use crate::segment::{Row, Segment};

/// Looks buffered spans up in segments, trace by trace.
///
/// Nothing of what is stored is kept: rows pass by, and those with the start and the id of a
/// buffered span are compared with it. Segments, traces and blocks in which no span starts when
/// the buffered ones do are not read, so flushing a long trace bit by bit does not read it over
/// and over.
pub struct Held<'a> {
    segments: &'a [Arc<Segment>],
    past_damage: bool,
    scratch: Vec<u8>,
    /// By a segment's place and the low half of ids: the traces of [`CROWD`] and more whose ids share
    /// it, which senders that count in the high half make. A flush looks each of its traces up, and
    /// would walk through the crowd for each.
    crowds: HashMap<(usize, u64), HashMap<TraceId, Vec<u32>>>,
}

/// So many traces of a segment with one low half of their ids are noted by their whole ids.
const CROWD: usize = 8;

impl<'a> Held<'a> {
    /// For spans of the partition whose live segments these are.
    pub fn new(segments: &'a [Arc<Segment>]) -> Self {
        Self { segments, past_damage: false, scratch: Vec::new(), crowds: HashMap::new() }
    }

    /// As [`Held::new`], where damaged rows count as not held: they cannot stand for a span.
    pub fn past_damage(segments: &'a [Arc<Segment>]) -> Self {
        Self { past_damage: true, ..Self::new(segments) }
    }

    /// Sets `held` for each span of which some segment holds an identical one, resource and scope
    /// included. The spans are of one trace, distinct, by start, id and contents.
    pub fn mark(&mut self, spans: &[Place<'_>], held: &mut [bool]) -> Result<()> {
        let (Some(first), Some(last)) = (spans.first(), spans.last()) else { return Ok(()) };
        let (id, first, last) = (first.entry.trace_id(), first.entry.start(), last.entry.start());
        for (place, segment) in self.segments.iter().enumerate() {
            let summary = segment.summary();
            if last < summary.first_start || summary.last_start < first {
                continue;
            }
            for ordinal in self.ordinals(place, segment, id)? {
                let Some(entry) = self.forgive(segment.entry(ordinal))? else { continue };
                if entry.id != id || last < entry.first_start || entry.last_start < first {
                    continue;
                }
                let rows = segment.rows_starting(entry.row_range(), first, last);
                for rows in self.forgive(rows)?.unwrap_or_default() {
                    let marked = self.mark_from(segment, rows, spans, held);
                    self.forgive(marked)?;
                }
            }
        }
        Ok(())
    }

    /// The ordinals of the traces of a segment that may bear an id.
    fn ordinals(&mut self, place: usize, segment: &Segment, id: TraceId) -> Result<Vec<u32>> {
        if let Some(crowd) = self.crowds.get(&(place, id.low())) {
            return Ok(crowd.get(&id).cloned().unwrap_or_default());
        }
        let ordinals = self.forgive(segment.find(id.low()))?.unwrap_or_default();
        if ordinals.len() < CROWD {
            return Ok(ordinals);
        }
        let mut crowd: HashMap<TraceId, Vec<u32>> = HashMap::new();
        for ordinal in ordinals {
            if let Some(entry) = self.forgive(segment.entry(ordinal))? {
                crowd.entry(entry.id).or_default().push(ordinal);
            }
        }
        let own = crowd.get(&id).cloned().unwrap_or_default();
        self.crowds.insert((place, id.low()), crowd);
        Ok(own)
    }

    /// Damage as `None`, where it is to be passed over.
    fn forgive<T>(&self, result: Result<T>) -> Result<Option<T>> {
        match result {
            Err(Error::Corrupt { .. } | Error::Version { .. }) if self.past_damage => Ok(None),
            result => result.map(Some),
        }
    }

    fn mark_from(
        &mut self,
        segment: &Segment,
        rows: Range<u32>,
        spans: &[Place<'_>],
        held: &mut [bool],
    ) -> Result<()> {
        // Most rows are of other spans of the trace, which their starts and ids show.
        segment.outlines_in_turn(rows, &mut |outlined| {
            let alike = with_key(spans, outlined.times.start, outlined.times.span_id);
            if alike.is_empty() {
                return Ok(ControlFlow::Continue(()));
            }
            outlined.read(&mut |row| {
                if let Some(index) = self.find_identical(segment, &row, spans, alike.clone())?
                    && let Some(held) = held.get_mut(index)
                {
                    *held = true;
                }
                Ok(ControlFlow::Continue(()))
            })
        })
    }

    /// The one of the spans in `alike` that is identical to a row.
    fn find_identical(
        &mut self,
        segment: &Segment,
        row: &Row<'_>,
        spans: &[Place<'_>],
        alike: Range<usize>,
    ) -> Result<Option<usize>> {
        self.scratch.clear();
        wire::encode_span(&row.span, &mut self.scratch);
        let candidates = spans.get(alike.clone()).unwrap_or_default();
        let bytes = self.scratch.as_slice();
        if candidates.binary_search_by(|span| span.span_bytes().cmp(bytes)).is_err() {
            return Ok(None);
        }
        let resource = segment.resource_bytes(row.resource)?;
        let scope = segment.scope_bytes(row.scope)?;
        let stored = [bytes, &resource, &scope];
        let found = candidates.binary_search_by(|span| span.contents().cmp(&stored));
        Ok(found.ok().map(|index| alike.start + index))
    }
}

/// Where the spans with this start and id stand among sorted ones.
fn with_key(spans: &[Place<'_>], start: Timestamp, id: SpanId) -> Range<usize> {
    let key = |span: &Place<'_>| (span.entry.start(), span.entry.span_id());
    let first = spans.partition_point(|span| key(span) < (start, id));
    let tail = spans.get(first..).unwrap_or_default();
    first..first + tail.partition_point(|span| key(span) == (start, id))
}
