//! How long spans lasted, in bulk: a scan of one plain column.
//!
//! Identical spans count once, and only spans of one trace in one partition can be identical. So a
//! trace of which one source holds all, each span once, is taken as it stands, and read from the
//! column of durations; of other traces ids and times are compared, and where two spans might be
//! identical, the trace is read as a scan reads it.

use std::ops::Range;
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::ids::TraceId;
use crate::base::model::TraceSpan;
use crate::base::time::TimeRange;
use crate::query::chunks::Chunks;
use crate::query::leaves::Leaves;
use crate::query::source::{Fragment, Source};
use crate::query::view::{Piece, View, overlaps};

/// Spans of a trace in several fragments that are read at a time.
const CHUNK_SPANS: usize = 8 << 10;

/// Hands over the durations of all spans that start inside `range`, some at a time.
pub fn durations(view: &View, range: TimeRange, visit: &mut dyn FnMut(&[u64])) -> Result<()> {
    for partition in view.partitions().iter().filter(|partition| partition.overlaps(range)) {
        let sources = partition.sources.iter().filter(|source| overlaps(source.as_ref(), range));
        let sources: Vec<&Arc<dyn Source>> = sources.collect();
        if let [only] = sources.as_slice()
            && !only.may_repeat()
            && only.is_gathered()?
        {
            only.durations(range, &[], visit)?;
            continue;
        }
        let scattered = Scattered::among(&sources, range)?;
        for (source, rows) in sources.iter().zip(&scattered.rows) {
            source.durations(range, rows, visit)?;
        }
        for pieces in scattered.traces {
            match distinct(&pieces, range)? {
                Some(durations) => visit(&durations),
                None => settled(pieces, range, visit)?,
            }
        }
    }
    Ok(())
}

/// The durations of a trace's spans; `None` if two might be identical. Reads no more of them than
/// that takes.
fn distinct(pieces: &[Piece], range: TimeRange) -> Result<Option<Vec<u64>>> {
    let nothing = Leaves::none();
    let mut spans = Vec::new();
    for Piece { source, fragment } in pieces {
        source.shorts(fragment, &nothing, &mut |span| {
            if range.contains(span.start) {
                spans.push((span.span_id, span.start.nanos(), span.end.nanos()));
            }
            Ok(())
        })?;
    }
    spans.sort_unstable();
    let repeats = spans.windows(2).any(|two| two.first() == two.last());
    let durations = spans.into_iter().map(|(_, start, end)| end.saturating_sub(start));
    Ok((!repeats).then(|| durations.collect()))
}

/// The durations of a trace's spans, each once.
fn settled(pieces: Vec<Piece>, range: TimeRange, visit: &mut dyn FnMut(&[u64])) -> Result<()> {
    for spans in Chunks::new(pieces, range, CHUNK_SPANS)? {
        let nanos =
            |span: &TraceSpan| span.span.end.nanos().saturating_sub(span.span.start.nanos());
        visit(&spans?.iter().map(nanos).collect::<Vec<u64>>());
    }
    Ok(())
}

/// The traces of a partition that lie in several fragments, or in one that may repeat itself.
struct Scattered {
    /// The fragments of each.
    traces: Vec<Vec<Piece>>,
    /// For each source the rows of those fragments, ascending.
    rows: Vec<Vec<Range<u32>>>,
}

impl Scattered {
    fn among(sources: &[&Arc<dyn Source>], range: TimeRange) -> Result<Self> {
        let mut all: Vec<(TraceId, usize, Fragment)> = Vec::new();
        let may_repeat: Vec<bool> = sources.iter().map(|source| source.may_repeat()).collect();
        for (number, source) in sources.iter().enumerate() {
            source.fragments(&mut |fragment| all.push((fragment.trace_id, number, fragment)))?;
        }
        all.sort_unstable_by_key(|(id, number, fragment)| (*id, *number, fragment.rows.start));
        let mut found = Self { traces: Vec::new(), rows: vec![Vec::new(); sources.len()] };
        let is_scattered = |fragments: &&[(TraceId, usize, Fragment)]| match fragments {
            [(_, number, _)] => may_repeat.get(*number).copied().unwrap_or(true),
            _ => true,
        };
        for fragments in all.chunk_by(|a, b| a.0 == b.0).filter(is_scattered) {
            let mut pieces = Vec::new();
            for (_, number, fragment) in fragments {
                let (Some(source), Some(rows)) =
                    (sources.get(*number), found.rows.get_mut(*number))
                else {
                    continue;
                };
                rows.push(fragment.rows.clone());
                if range.overlaps(fragment.first_start, fragment.last_start) {
                    let (source, fragment) = (Arc::clone(source), fragment.clone());
                    pieces.push(Piece { source, fragment });
                }
            }
            found.traces.push(pieces);
        }
        found.rows.iter_mut().for_each(|rows| rows.sort_unstable_by_key(|own| own.start));
        Ok(found)
    }
}
