//! Which rows repeat a span that stands elsewhere, too: whoever counts spans source by source leaves
//! them out.
//!
//! Only spans of one trace in one partition can be identical. So a trace of which one source holds
//! all, each span once, has none; of the others ids and times are compared, and what they leave in
//! doubt is read whole.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::ids::{SpanId, TraceId};
use crate::base::time::{TimeRange, Timestamp};
use crate::query::bounds::Bounds;
use crate::query::leaves::Leaves;
use crate::query::places::{Place, visit_places};
use crate::query::settle::Content;
use crate::query::source::{Fragment, Source};
use crate::query::typed::Query;
use crate::query::view::{Piece, View, overlaps};

/// Spans of a trace that are read whole at a time, about.
const MOST_DOUBTFUL: usize = 64 << 10;

/// Rows to be left out, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doubles(Vec<u32>);

impl Doubles {
    /// Whether a row is one of them.
    pub fn contains(&self, row: u32) -> bool {
        !self.0.is_empty() && self.0.binary_search(&row).is_ok()
    }

    /// The rows.
    pub fn rows(&self) -> &[u32] {
        &self.0
    }
}

/// Hands over the sources with spans that may start inside the query's range, partition by partition,
/// each with its doubles.
pub fn each_source(
    view: &View,
    query: &Query,
    visit: &mut dyn FnMut(&dyn Source, &Doubles) -> Result<()>,
) -> Result<()> {
    let range = query.range;
    for partition in view.partitions().iter().filter(|own| own.overlaps(range)) {
        let sources = partition.sources.iter();
        let sources: Vec<&Arc<dyn Source>> =
            sources.filter(|source| overlaps(source.as_ref(), range)).collect();
        let doubles = doubles(&sources, range, &query.bounds)?;
        for (source, doubles) in sources.iter().zip(&doubles) {
            visit(source.as_ref(), doubles)?;
        }
    }
    Ok(())
}

/// A span as far as two must agree to be identical.
type Sketched = (Timestamp, SpanId, Timestamp);

/// For each of a partition's sources the rows that repeat a span of a source before it, or of a row
/// before; of spans that start inside `range` at least.
///
/// Cost: nothing for a single source of which no trace is in parts. Otherwise some dozen bytes and
/// some ten nanoseconds for each trace, and for traces in several sources a look at each span.
fn doubles(
    sources: &[&Arc<dyn Source>],
    range: TimeRange,
    bounds: &Bounds,
) -> Result<Vec<Doubles>> {
    let mut doubles = vec![Doubles::default(); sources.len()];
    if let [only] = sources
        && !only.may_repeat()
        && only.is_gathered()?
    {
        return Ok(doubles);
    }
    let fragments = fragments(sources, range, bounds)?;
    let may_repeat: Vec<bool> = sources.iter().map(|source| source.may_repeat()).collect();
    for own in fragments.chunk_by(|a, b| a.trace_id == b.trace_id) {
        if let [only] = own
            && !may_repeat.get(only.source).copied().unwrap_or(true)
        {
            continue;
        }
        let pieces: Vec<Piece> =
            own.iter().filter_map(|part| Some(part.piece(sources.get(part.source)?))).collect();
        for (piece, row) in repeated(&pieces, bounds)? {
            let source = own.get(piece).and_then(|part| doubles.get_mut(part.source));
            source.into_iter().for_each(|own| own.0.push(row));
        }
    }
    doubles.iter_mut().for_each(|own| own.0.sort_unstable());
    Ok(doubles)
}

/// What a source holds of a trace.
#[derive(Debug)]
struct Part {
    trace_id: TraceId,
    source: usize,
    rows: Range<u32>,
    starts: (Timestamp, Timestamp),
}

impl Part {
    fn piece(&self, source: &Arc<dyn Source>) -> Piece {
        let fragment = Fragment {
            trace_id: self.trace_id,
            rows: self.rows.clone(),
            first_start: self.starts.0,
            last_start: self.starts.1,
            last_end: self.starts.1,
            is_regular: false,
        };
        Piece { source: Arc::clone(source), fragment }
    }
}

/// The fragments with spans that may start inside the range, by trace.
fn fragments(sources: &[&Arc<dyn Source>], range: TimeRange, bounds: &Bounds) -> Result<Vec<Part>> {
    let mut all: Vec<Part> = Vec::new();
    for (source, own) in sources.iter().enumerate() {
        bounds.interrupt.check()?;
        own.fragments(&mut |fragment| {
            let starts = (fragment.first_start, fragment.last_start);
            if range.overlaps(starts.0, starts.1) {
                let Fragment { trace_id, rows, .. } = fragment;
                all.push(Part { trace_id, source, rows, starts });
            }
        })?;
        bounds.check_trace(all.len() * size_of::<Part>())?;
    }
    all.sort_unstable_by_key(|part| (part.trace_id, part.source, part.rows.start));
    bounds.interrupt.check()?;
    Ok(all)
}

/// The places of a trace that repeat a span of a place before.
fn repeated(pieces: &[Piece], bounds: &Bounds) -> Result<Vec<Place>> {
    let nothing = Leaves::none();
    let mut spans: Vec<(Sketched, Place)> = Vec::new();
    for (number, Piece { source, fragment }) in pieces.iter().enumerate() {
        source.shorts(fragment, &nothing, &mut |span| {
            bounds.interrupt.tick()?;
            spans.push(((span.start, span.span_id, span.end), (number, span.row)));
            Ok(())
        })?;
        bounds.check_trace(spans.len() * size_of::<(Sketched, Place)>())?;
    }
    spans.sort_unstable();
    let mut repeated = Vec::new();
    let mut doubtful: Vec<Place> = Vec::new();
    for alike in spans.chunk_by(|a, b| a.0 == b.0).filter(|alike| alike.len() > 1) {
        doubtful.extend(alike.iter().map(|(_, place)| *place));
        if doubtful.len() >= MOST_DOUBTFUL {
            identical(pieces, &doubtful, bounds, &mut repeated)?;
            doubtful.clear();
        }
    }
    identical(pieces, &doubtful, bounds, &mut repeated)?;
    Ok(repeated)
}

/// Adds those of the places that repeat another of them.
fn identical(
    pieces: &[Piece],
    doubtful: &[Place],
    bounds: &Bounds,
    repeated: &mut Vec<Place>,
) -> Result<()> {
    let numbers: HashMap<Place, usize> = doubtful.iter().copied().zip(0..).collect();
    let (mut met, mut bytes) = (HashSet::new(), 0);
    visit_places(pieces, &numbers, &bounds.interrupt, &mut |number, row, _| {
        let content = Content::of(&row.span, row.resource, row.scope)?;
        bytes += content.bytes();
        bounds.check_trace(bytes)?;
        if !met.insert(content) {
            repeated.extend(doubtful.get(number));
        }
        Ok(())
    })
}
