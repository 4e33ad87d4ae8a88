//! Candidates of all sources, newest fragment first, each source opened only when its turn comes.

use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::time::{TimeRange, Timestamp};
use crate::query::absent::Sought;
use crate::query::hit::Explain;
use crate::query::source::{Candidate, Candidates, Source};
use crate::query::typed::Query;
use crate::query::view::{Piece, SourcePlace, View, overlaps};

/// A lazy merge of the sources' candidates.
///
/// A fragment's first start bounds its trace's start from above, an unopened source's last start
/// those of its fragments, and a partition's end those of its sources; so once the next bound is
/// earlier than every start that is still wanted, nothing unread matters.
pub struct Newest<'a> {
    view: &'a View,
    query: &'a Query,
    /// How many of the view's partitions, newest first, have their sources in lanes.
    entered: usize,
    lanes: Vec<Lane<'a>>,
    /// Bound and lane of what comes next in each lane.
    heap: BinaryHeap<(Timestamp, usize)>,
    /// What partitions may be known to lack.
    sought: Option<Sought<'a>>,
    /// Of each partition entered, the lanes that may still give a candidate, or have given one.
    promising: Vec<u32>,
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
    /// Whether it has given any.
    has_given: bool,
}

impl<'a> Newest<'a> {
    /// The candidates of a query.
    pub fn new(view: &'a View, query: &'a Query) -> Self {
        Self {
            view,
            query,
            entered: 0,
            lanes: Vec::new(),
            heap: BinaryHeap::new(),
            sought: Sought::by(query),
            promising: Vec::new(),
        }
    }

    /// Makes lanes of the sources of the next partition.
    fn enter(&mut self) {
        let before = self.lanes.len();
        if let Some(partition) = self.view.partitions().get(self.entered)
            && partition.overlaps(self.query.range)
            && !self.sought.is_some_and(|sought| partition.absent.has(sought))
        {
            for (source, own) in partition.sources.iter().zip(0..) {
                if overlaps(source.as_ref(), self.query.range) {
                    self.add(source, (self.entered as u32, own));
                }
            }
        }
        self.promising.push((self.lanes.len() - before) as u32);
        self.entered += 1;
    }

    /// Notes that a lane has given nothing: if it was the last one of its partition, that has nothing
    /// of what is sought.
    fn give_up(&mut self, number: u32) {
        // Candidates outside of a range are not given.
        let Some(sought) = self.sought.filter(|_| self.query.range == TimeRange::ALL) else {
            return;
        };
        let Some(promising) = self.promising.get_mut(number as usize) else { return };
        *promising -= 1;
        if *promising == 0
            && let Some(partition) = self.view.partitions().get(number as usize)
        {
            partition.absent.keep(sought);
        }
    }

    fn add(&mut self, source: &'a Arc<dyn Source>, place: SourcePlace) {
        // Matching spans start inside the range, and their fragment not after them.
        let bound = source.starts().map(|(_, last)| last).min(self.query.range.last());
        self.heap.push((bound.unwrap_or_default(), self.lanes.len()));
        self.lanes.push(Lane { source, place, candidates: None, next: None, has_given: false });
    }

    /// The next candidate, unless none is left that starts at `floor` or later.
    pub fn next(&mut self, floor: Timestamp) -> Result<Option<Met<'a>>> {
        loop {
            let rest = self.view.last_start(self.entered).min(self.query.range.last());
            let next = self.heap.peek().map(|&(bound, _)| bound);
            if next.max(rest).is_none_or(|bound| bound < floor) {
                return Ok(None);
            }
            if rest >= next {
                self.enter();
                continue;
            }
            let Some((_, number)) = self.heap.pop() else { continue };
            let Some(lane) = self.lanes.get_mut(number) else { continue };
            let candidate = lane.next.take();
            lane.advance(self.query)?;
            let Lane { source, place, .. } = *lane;
            match &lane.next {
                Some(next) => self.heap.push((next.fragment.first_start, number)),
                None if !lane.has_given => self.give_up(place.0),
                None => {}
            }
            if let Some(candidate) = candidate {
                return Ok(Some(Met { candidate, source, place }));
            }
        }
    }

    /// Tells what the time range excluded, and which segments never had to be opened.
    pub fn explain(&self, explain: &mut Explain) {
        let held = self.view.held(self.query.range);
        explain.partitions = self.view.partitions().len() as u64;
        explain.partitions_out_of_range = explain.partitions - held.partitions;
        explain.segments = held.segments;
        explain.segments_out_of_range = held.segments_out_of_range;
        explain.live_groups = held.live_groups;
        let read = |lane: &&Lane<'_>| lane.candidates.is_some() && lane.source.is_segment();
        let read = self.lanes.iter().filter(read).count() as u64;
        explain.segments_unread = held.segments - held.segments_out_of_range - read;
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
                (self.next, self.has_given) = (Some(candidate), true);
                return Ok(());
            }
        }
        // Sets of traces, and what else the source needed, are given back at once.
        self.candidates = Some(Box::new(std::iter::empty()));
        Ok(())
    }
}
