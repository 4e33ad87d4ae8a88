//! Lookup: the spans of a trace by its id.
//!
//! Partitions are left out by the time hint, sources by their bloom filters, then an exact index
//! names the rows; fragments are merged and identical spans count once. An id whose upper half
//! is zero is taken as it stands first; if no such trace lives, it finds the smallest id with
//! that lower half, as 64-bit tracers need.

use crate::base::error::Result;
use crate::base::ids::TraceId;
use crate::base::model::Trace;
use crate::base::time::TimeRange;
use crate::query::chunks::Chunks;
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
        // As one chunk, whatever it holds.
        let mut whole = Chunks::new(pieces, range, usize::MAX)?;
        let spans = whole.next().transpose()?.unwrap_or_default();
        if !spans.is_empty() {
            return Ok(Some(Trace { id, spans }));
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
        Some((_, pieces)) => Chunks::new(pieces, TimeRange::ALL, chunk_spans).map(Some),
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
