//! One trace, however large, a bounded number of spans at a time.

use std::collections::HashMap;
use std::ops::ControlFlow;

use crate::base::error::Result;
use crate::base::model::TraceSpan;
use crate::base::time::TimeRange;
use crate::query::interrupt::Interrupt;
use crate::query::places::{Place, visit_places};
use crate::query::settle::{SpanKey, settle};
use crate::query::view::Piece;

/// The spans of one trace that start inside a range, a chunk at a time, by start, id and content,
/// each once.
///
/// A trace that fits a chunk is read once. Of a larger one the keys are read first (32 bytes a
/// span), then each chunk reads the rows it consists of and those between them: rows that are
/// stored in about the order of time, which they are, make that two passes over the trace.
#[derive(Debug)]
pub struct Chunks {
    pieces: Vec<Piece>,
    range: TimeRange,
    chunk_spans: usize,
    /// What is yet to come, the last first; `None` if all of it fits a chunk.
    keys: Option<Vec<(SpanKey, Place)>>,
    is_done: bool,
}

impl Chunks {
    /// The spans of `pieces`, which are of one trace; a chunk holds `chunk_spans`, give or take
    /// spans of equal start and id, which stay together.
    pub fn new(pieces: Vec<Piece>, range: TimeRange, chunk_spans: usize) -> Result<Self> {
        let total: usize = pieces.iter().map(|piece| piece.fragment.rows.len()).sum();
        let keys = match total > chunk_spans {
            true => Some(keys(&pieces, range)?),
            false => None,
        };
        Ok(Self { pieces, range, chunk_spans: chunk_spans.max(1), keys, is_done: false })
    }

    fn whole(&mut self) -> Option<Result<Vec<TraceSpan>>> {
        if std::mem::replace(&mut self.is_done, true) {
            return None;
        }
        let mut spans = Vec::new();
        for piece in &self.pieces {
            let read = piece.source.spans(&piece.fragment, self.range, &mut spans);
            if let Err(error) = read {
                return Some(Err(error));
            }
        }
        Some(settle(spans))
    }
}

fn keys(pieces: &[Piece], range: TimeRange) -> Result<Vec<(SpanKey, Place)>> {
    let mut keys = Vec::new();
    for (number, piece) in pieces.iter().enumerate() {
        piece.source.rows(&piece.fragment, &mut |row| {
            if range.contains(row.span.start) {
                keys.push(((row.span.start, row.span.span_id), (number, row.row)));
            }
            Ok(ControlFlow::Continue(()))
        })?;
    }
    keys.sort_unstable_by(|a, b| b.cmp(a));
    Ok(keys)
}

impl Iterator for Chunks {
    type Item = Result<Vec<TraceSpan>>;

    fn next(&mut self) -> Option<Self::Item> {
        let Some(keys) = &mut self.keys else { return self.whole() };
        let mut at = keys.len().saturating_sub(self.chunk_spans);
        while at > 0 && keys.get(at - 1).map(|(key, _)| key) == keys.get(at).map(|(key, _)| key) {
            at -= 1;
        }
        let places: HashMap<Place, usize> =
            keys.split_off(at).into_iter().map(|(_, place)| place).zip(0..).collect();
        if places.is_empty() {
            return None;
        }
        let mut spans = Vec::with_capacity(places.len());
        // Whoever reads chunks ends by not asking for the next.
        let never = Interrupt::default();
        let read = visit_places(&self.pieces, &places, &never, &mut |_, row, piece| {
            spans.push(row.into_owned(piece.source.as_ref())?);
            Ok(())
        });
        Some(read.and_then(|()| settle(spans)))
    }
}
