//! Lookup: the spans of a trace by its id.
//!
//! Partitions are left out by the time hint, sources by their bloom filters, then an exact index
//! names the rows; fragments are merged and identical spans count once. An id whose upper half
//! is zero is taken as it stands first; if no such trace lives, it finds the smallest id with
//! that lower half, as 64-bit tracers need.

use std::ops::ControlFlow;

use crate::base::error::Result;
use crate::base::ids::TraceId;
use crate::base::model::{Trace, TraceSpan};
use crate::base::time::TimeRange;
use crate::query::settle::{SpanKey, settle};
use crate::query::source::Row;
use crate::query::view::{Piece, View};

/// Spans of a chunk: what [`Chunks`] holds in memory at a time, give or take spans of equal start
/// and id, which stay together.
const CHUNK_SPANS: usize = 32 << 10;

/// A whole trace.
pub fn trace(view: &View, id: TraceId) -> Result<Option<Trace>> {
    trace_in(view, id, TimeRange::ALL)
}

/// Those spans of a trace that start inside `range`.
pub fn trace_in(view: &View, id: TraceId, range: TimeRange) -> Result<Option<Trace>> {
    for (id, pieces) in resolve(view, id, range)? {
        let spans = read(&pieces, &|row| range.contains(row.span.start))?;
        if !spans.is_empty() {
            return Ok(Some(Trace { id, spans: settle(spans)? }));
        }
    }
    Ok(None)
}

/// Traces one by one, in the order asked for.
pub fn traces(
    view: &View,
    ids: Vec<TraceId>,
) -> impl Iterator<Item = Result<Option<Trace>>> + use<> {
    let view = view.clone();
    ids.into_iter().map(move |id| trace(&view, id))
}

/// The spans of a trace in the order of [`trace`], a bounded number at a time.
pub fn chunks(view: &View, id: TraceId) -> Result<Option<Chunks>> {
    chunks_of(view, id, CHUNK_SPANS)
}

/// As [`chunks`], of a given size.
pub fn chunks_of(view: &View, id: TraceId, chunk_spans: usize) -> Result<Option<Chunks>> {
    match resolve(view, id, TimeRange::ALL)?.into_iter().next() {
        Some((_, pieces)) => Chunks::new(pieces, chunk_spans).map(Some),
        None => Ok(None),
    }
}

/// What an id may stand for, the first choice first, and where its spans lie.
fn resolve(view: &View, id: TraceId, range: TimeRange) -> Result<Vec<(TraceId, Vec<Piece>)>> {
    let mut pieces = view.find(id.low(), range)?;
    if id.high() != 0 {
        pieces.retain(|piece| piece.fragment.trace_id == id);
    }
    // Stable: an id with a zero upper half is the smallest of its lower half, so exact ids lead.
    pieces.sort_by_key(|piece| piece.fragment.trace_id);
    let by_id = pieces.chunk_by(|a, b| a.fragment.trace_id == b.fragment.trace_id);
    Ok(by_id
        .filter_map(|pieces| Some((pieces.first()?.fragment.trace_id, pieces.to_vec())))
        .collect())
}

fn read(pieces: &[Piece], wanted: &dyn Fn(&Row<'_>) -> bool) -> Result<Vec<TraceSpan>> {
    let mut spans = Vec::new();
    for piece in pieces {
        piece.source.rows(&piece.fragment, &mut |row| {
            if wanted(&row) {
                spans.push(row.into_owned(piece.source.as_ref())?);
            }
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok(spans)
}

/// The spans of one trace, a chunk at a time, in order, each once.
///
/// Each chunk is a pass over the trace that keeps the spans between two keys: memory stays
/// bounded whatever order the rows are stored in, and a trace of a million spans takes some
/// thirty passes. A trace that fits one chunk is read once.
#[derive(Debug)]
pub struct Chunks {
    pieces: Vec<Piece>,
    /// The first key of each chunk that is yet to come, the next one last.
    firsts: Vec<Option<SpanKey>>,
}

impl Chunks {
    fn new(pieces: Vec<Piece>, chunk_spans: usize) -> Result<Self> {
        let total: usize = pieces.iter().map(|piece| piece.fragment.rows.len()).sum();
        let mut firsts = vec![None];
        if total > chunk_spans {
            let mut keys = Vec::with_capacity(total);
            for piece in &pieces {
                piece.source.rows(&piece.fragment, &mut |row| {
                    keys.push((row.span.start, row.span.span_id));
                    Ok(ControlFlow::Continue(()))
                })?;
            }
            keys.sort_unstable();
            firsts.extend(keys.into_iter().step_by(chunk_spans).skip(1).map(Some));
            // A key that fills more than a chunk begins only one.
            firsts.dedup();
            firsts.reverse();
        }
        Ok(Self { pieces, firsts })
    }
}

impl Iterator for Chunks {
    type Item = Result<Vec<TraceSpan>>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = self.firsts.pop()?;
        let end = self.firsts.last().copied().flatten();
        let chunk = read(&self.pieces, &|row| {
            let key = (row.span.start, row.span.span_id);
            first.is_none_or(|first| first <= key) && end.is_none_or(|end| key < end)
        });
        Some(chunk.and_then(settle))
    }
}
