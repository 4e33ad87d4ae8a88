//! Scan: every live span in bulk, a bounded number at a time.
//!
//! Partitions one after another, the oldest first: identical spans always share one. Within a
//! partition traces come by the first start that they have there, then id; a trace that starts
//! spans in several partitions comes in each of them, with those that belong there. Spans of a
//! trace come by start, id and content. So the order depends on the live spans alone, not on how
//! they lie in segments and buffers.

use std::sync::Arc;
use std::vec;

use crate::base::error::{Error, Result};
use crate::base::ids::TraceId;
use crate::base::model::TraceSpan;
use crate::base::time::{TimeRange, Timestamp};
use crate::index::bloom::HashedId;
use crate::query::chunks::Chunks;
use crate::query::driver::driven;
use crate::query::eval::judge::Judged;
use crate::query::eval::program::Program;
use crate::query::interrupt::Interrupt;
use crate::query::source::{Fragment, Source};
use crate::query::typed::Query;
use crate::query::view::{Partition, Piece, View, overlaps};

/// Spans of a batch, at least, unless it is the last. The spans of a trace beyond as many are
/// read in chunks of this size, so a batch holds less than twice as many.
const BATCH_SPANS: usize = 8 << 10;

/// All spans of a scan, in batches: what [`TraceReader::scan`](crate::TraceReader::scan) and
/// [`TraceReader::scan_matching`](crate::TraceReader::scan_matching) answer.
///
/// It reads one moment of the store and keeps that moment's files. Memory: a batch, and a few
/// dozen bytes for each trace of one partition. A trace that cannot be read is an error in the
/// place of its spans; the traces after it can still be had.
#[derive(Debug)]
pub struct Scan {
    view: View,
    wanted: Wanted,
    batch_spans: usize,
    /// How many of the view's partitions, which stand newest first, are yet to come.
    partitions: usize,
    traces: Traces,
    open: Option<Open>,
    batch: Vec<TraceSpan>,
    /// What could not be read and is yet to be told.
    failures: Vec<Error>,
}

/// Which spans.
#[derive(Debug)]
enum Wanted {
    Inside(TimeRange),
    Matching(Box<Matching>),
}

/// What spans of a scan must be found by.
#[derive(Debug)]
struct Matching {
    /// Drives the candidates.
    query: Query,
    program: Program,
    /// The traces that may match, if spans in one partition can decide on those in another; then
    /// they are listed when the scan begins.
    anywhere: Option<Vec<TraceId>>,
}

/// The traces of one partition that are yet to come.
#[derive(Debug)]
enum Traces {
    /// All their fragments, the last first, those of a trace side by side, and the partition.
    Whole { located: Vec<Located>, partition: usize },
    /// Those that may match, and the time that the partition takes up.
    Ids { ids: vec::IntoIter<(Timestamp, TraceId)>, range: TimeRange, program: Box<Program> },
}

/// A fragment, in which source of its partition, and when its trace starts there.
#[derive(Debug)]
struct Located {
    start: Timestamp,
    source: u32,
    fragment: Fragment,
}

/// The trace being read.
#[derive(Debug)]
enum Open {
    Whole(Chunks),
    /// Those of its spans that are left.
    Matching {
        judged: Box<Judged>,
        pieces: Vec<Piece>,
        spans: vec::IntoIter<usize>,
    },
}

impl Scan {
    /// Every span that starts inside `range`.
    pub(crate) fn new(view: &View, range: TimeRange) -> Self {
        Self::of(view, Wanted::Inside(range), BATCH_SPANS)
    }

    /// Every span that fulfils the query, whose limit and cursor are not looked at.
    pub(crate) fn matching(view: &View, query: &Query) -> Result<Self> {
        let query = &*query.begin(view.clock())?;
        let program = Program::new(query)?;
        let query = driven(&program, view, query).query;
        let anywhere = match program.is_simple() {
            true => None,
            false => Some(candidates(view.sources_in(query.range), &query)?),
        };
        let matching = Matching { query, program, anywhere };
        Ok(Self::of(view, Wanted::Matching(Box::new(matching)), BATCH_SPANS))
    }

    /// The same in batches of another size.
    #[cfg(test)]
    pub(crate) fn by(self, batch_spans: usize) -> Self {
        Self { batch_spans, ..self }
    }

    fn of(view: &View, wanted: Wanted, batch_spans: usize) -> Self {
        Self {
            partitions: view.partitions().len(),
            view: view.clone(),
            wanted,
            batch_spans,
            traces: Traces::Whole { located: Vec::new(), partition: 0 },
            open: None,
            batch: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Nothing is left to come.
    fn end(&mut self) {
        (self.partitions, self.open) = (0, None);
        self.traces = Traces::Whole { located: Vec::new(), partition: 0 };
        self.batch.clear();
    }

    /// The next spans of one trace, in order; `None` at the end of the scan.
    fn spans(&mut self) -> Result<Option<Vec<TraceSpan>>> {
        loop {
            if let Some(failure) = self.failures.pop() {
                return Err(failure);
            }
            if let Some(mut open) = self.open.take() {
                let spans = open.next(self.batch_spans)?;
                if spans.is_some() {
                    self.open = Some(open);
                    return Ok(spans);
                }
            }
            self.open = self.next_trace()?;
            if self.open.is_some() {
                continue;
            }
            let Some(partition) = self.partitions.checked_sub(1) else { return Ok(None) };
            self.partitions = partition;
            self.traces = self.traces_of(partition)?;
        }
    }

    fn next_trace(&mut self) -> Result<Option<Open>> {
        match &mut self.traces {
            Traces::Whole { located, partition } => {
                let Some(id) = located.last().map(|last| last.fragment.trace_id) else {
                    return Ok(None);
                };
                let Wanted::Inside(range) = self.wanted else { return Ok(None) };
                let partition = self.view.partitions().get(*partition);
                let mut pieces = Vec::new();
                while let Some(next) = located.pop_if(|next| next.fragment.trace_id == id) {
                    let sources = partition.map(|partition| partition.sources.as_slice());
                    let source = sources.and_then(|sources| sources.get(next.source as usize));
                    let fragment = next.fragment;
                    pieces.extend(source.map(|s| Piece { source: Arc::clone(s), fragment }));
                }
                Chunks::new(pieces, range, self.batch_spans).map(Open::Whole).map(Some)
            }
            Traces::Ids { ids, range, program } => {
                let Some((_, id)) = ids.next() else { return Ok(None) };
                let pieces = self.view.pieces(id)?;
                let judged = Box::new(Judged::of(program, &pieces)?);
                let start = |span: usize| judged.trace.spans.get(span).map(|brief| brief.key.0);
                let is_here = |span: &usize| start(*span).is_some_and(|at| range.contains(at));
                let spans: Vec<usize> = judged.matched().iter().filter(is_here).collect();
                Ok(Some(Open::Matching { judged, pieces, spans: spans.into_iter() }))
            }
        }
    }

    fn traces_of(&mut self, number: usize) -> Result<Traces> {
        let nothing = Traces::Whole { located: Vec::new(), partition: number };
        let Some(partition) = self.view.partitions().get(number) else { return Ok(nothing) };
        match &self.wanted {
            Wanted::Inside(range) if !partition.overlaps(*range) => Ok(nothing),
            Wanted::Inside(range) => {
                let located = located(partition, *range, &mut self.failures);
                Ok(Traces::Whole { located, partition: number })
            }
            Wanted::Matching(matching) => {
                let range = partition.range().intersect(&matching.query.range);
                let mut program = Box::new(matching.program.clone());
                let ids = match &matching.anywhere {
                    Some(ids) => ids.clone(),
                    None => {
                        program.leaves.range = range;
                        let query = matching.query.clone().between(range);
                        let sources = partition.sources.iter();
                        candidates(sources.filter(|s| overlaps(s.as_ref(), range)), &query)?
                    }
                };
                let ids = by_start(partition, ids, &matching.query.bounds.interrupt)?.into_iter();
                Ok(Traces::Ids { ids, range, program })
            }
        }
    }
}

impl Iterator for Scan {
    type Item = Result<Vec<TraceSpan>>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.batch.len() < self.batch_spans {
            match self.spans() {
                Ok(Some(spans)) => self.batch.extend(spans),
                Ok(None) => break,
                Err(error) => {
                    if matches!(error, Error::Timeout | Error::Cancelled) {
                        // The other traces would end so, too, one by one.
                        self.end();
                    }
                    return Some(Err(error));
                }
            }
        }
        let batch = std::mem::take(&mut self.batch);
        (!batch.is_empty()).then_some(Ok(batch))
    }
}

impl Open {
    fn next(&mut self, count: usize) -> Result<Option<Vec<TraceSpan>>> {
        match self {
            Self::Whole(chunks) => chunks.next().transpose(),
            Self::Matching { judged, pieces, spans } => {
                let next: Vec<usize> = spans.take(count).collect();
                let spans = judged.trace.owned(pieces, &next)?;
                Ok(Some(spans).filter(|spans| !spans.is_empty()))
            }
        }
    }
}

/// Where the traces of a partition lie that have spans inside `range`, the last trace first.
fn located(partition: &Partition, range: TimeRange, failures: &mut Vec<Error>) -> Vec<Located> {
    let mut all = Vec::new();
    for (source, number) in partition.sources.iter().zip(0..) {
        // Also those outside of the range: a trace stands where its first span in the partition
        // does, in the range or not. What is lost there, though, is not missed in the range.
        let read = source.fragments(&mut |fragment| {
            all.push(Located { start: fragment.first_start, source: number, fragment });
        });
        failures.extend(read.err().filter(|_| overlaps(source.as_ref(), range)));
    }
    all.sort_unstable_by_key(|l| (l.fragment.trace_id, l.start, l.source, l.fragment.rows.start));
    for trace in all.chunk_by_mut(|a, b| a.fragment.trace_id == b.fragment.trace_id) {
        let start = trace.first().map_or(Timestamp::ZERO, |first| first.start);
        trace.iter_mut().for_each(|located| located.start = start);
    }
    all.retain(|l| range.overlaps(l.fragment.first_start, l.fragment.last_start));
    all.sort_unstable_by_key(|located| {
        let fragment = &located.fragment;
        (located.start, fragment.trace_id, located.source, fragment.rows.start)
    });
    all.reverse();
    all
}

/// The traces with a span in these sources that may match, by id.
fn candidates<'a>(
    sources: impl Iterator<Item = &'a Arc<dyn Source>>,
    query: &Query,
) -> Result<Vec<TraceId>> {
    let mut ids = Vec::new();
    for source in sources {
        for candidate in source.candidates(query)? {
            let fragment = candidate?.fragment;
            if query.range.overlaps(fragment.first_start, fragment.last_start) {
                ids.push(fragment.trace_id);
            }
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// Those of the traces that have spans in a partition, by their first start in it, then id.
fn by_start(
    partition: &Partition,
    ids: Vec<TraceId>,
    interrupt: &Interrupt,
) -> Result<Vec<(Timestamp, TraceId)>> {
    let mut found = Vec::new();
    let mut traces = Vec::with_capacity(ids.len());
    for id in ids {
        interrupt.tick()?;
        let hashed = HashedId::new(id.low());
        partition.sources.iter().try_for_each(|source| source.find(&hashed, &mut found))?;
        let own = found.drain(..).filter(|fragment| fragment.trace_id == id);
        traces.extend(own.map(|fragment| fragment.first_start).min().map(|start| (start, id)));
    }
    traces.sort_unstable();
    Ok(traces)
}
