//! Candidates of all sources, newest fragment first, each source opened only when its turn comes.

use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::time::{TimeRange, Timestamp};
use crate::query::hit::Explain;
use crate::query::source::{Candidate, Candidates, Source};
use crate::query::typed::Query;
use crate::query::view::{Piece, SourcePlace, View, overlaps};

/// A lazy merge of the sources' candidates.
///
/// A fragment's first start bounds its trace's start from above, and an unopened source's last
/// start bounds those of its fragments; so once the next bound is earlier than every start that
/// is still wanted, nothing unread matters.
pub struct Newest<'a> {
    query: &'a Query,
    lanes: Vec<Lane<'a>>,
    /// Bound and lane of what comes next in each lane.
    heap: BinaryHeap<(Timestamp, usize)>,
}

/// A candidate, and the source in which it was met.
pub struct Met<'a> {
    /// The candidate.
    pub candidate: Candidate,
    /// The source.
    pub source: &'a Arc<dyn Source>,
    /// Where that stands in the view.
    pub place: SourcePlace,
}

struct Lane<'a> {
    source: &'a Arc<dyn Source>,
    place: SourcePlace,
    /// `None` until the source is opened.
    candidates: Option<Candidates<'a>>,
    next: Option<Candidate>,
}

impl<'a> Newest<'a> {
    /// The candidates of a query; tells what the time range excludes.
    pub fn new(view: &'a View, query: &'a Query, explain: &mut Explain) -> Self {
        let mut newest = Self { query, lanes: Vec::new(), heap: BinaryHeap::new() };
        for (number, partition) in (0..).zip(view.partitions()) {
            explain.partitions += 1;
            if !partition.overlaps(query.range) {
                explain.partitions_out_of_range += 1;
                continue;
            }
            for (source, place) in partition.sources.iter().zip((0..).map(|own| (number, own))) {
                let is_segment = u64::from(source.is_segment());
                explain.segments += is_segment;
                explain.live_groups += 1 - is_segment;
                if overlaps(source.as_ref(), query.range) {
                    newest.add(source, place);
                } else {
                    explain.segments_out_of_range += is_segment;
                }
            }
        }
        newest
    }

    fn add(&mut self, source: &'a Arc<dyn Source>, place: SourcePlace) {
        // Matching spans start inside the range, and their fragment not after them.
        let bound = source.starts().map(|(_, last)| last).min(self.query.range.last());
        self.heap.push((bound.unwrap_or_default(), self.lanes.len()));
        self.lanes.push(Lane { source, place, candidates: None, next: None });
    }

    /// The next candidate, unless none is left that starts at `floor` or later.
    pub fn next(&mut self, floor: Timestamp) -> Result<Option<Met<'a>>> {
        while let Some(&(bound, number)) = self.heap.peek() {
            if bound < floor {
                break;
            }
            self.heap.pop();
            let Some(lane) = self.lanes.get_mut(number) else { continue };
            let candidate = lane.next.take();
            lane.advance(self.query)?;
            if let Some(next) = &lane.next {
                self.heap.push((next.fragment.first_start, number));
            }
            if let Some(candidate) = candidate {
                return Ok(Some(Met { candidate, source: lane.source, place: lane.place }));
            }
        }
        Ok(None)
    }

    /// Segments that never had to be opened.
    pub fn unread_segments(&self) -> u64 {
        let unread = |lane: &&Lane<'_>| lane.candidates.is_none() && lane.source.is_segment();
        self.lanes.iter().filter(unread).count() as u64
    }
}

impl Met<'_> {
    /// Where all spans of its trace lie.
    pub fn pieces(&self, view: &View) -> Result<Vec<Piece>> {
        let fragment = self.candidate.fragment.clone();
        view.pieces_beside(Piece { source: Arc::clone(self.source), fragment }, self.place)
    }
}

impl<'a> Lane<'a> {
    /// Opens the source if need be, and moves to its next candidate in the time range.
    fn advance(&mut self, query: &'a Query) -> Result<()> {
        if self.candidates.is_none() {
            self.candidates = Some(self.source.candidates(query)?);
        }
        let in_range = |range: TimeRange, candidate: &Candidate| {
            range.overlaps(candidate.fragment.first_start, candidate.fragment.last_start)
        };
        for candidate in self.candidates.as_mut().into_iter().flatten() {
            query.bounds.interrupt.tick()?;
            let candidate = candidate?;
            if in_range(query.range, &candidate) {
                self.next = Some(candidate);
                return Ok(());
            }
        }
        // Sets of traces, and what else the source needed, are given back at once.
        self.candidates = Some(Box::new(std::iter::empty()));
        Ok(())
    }
}
