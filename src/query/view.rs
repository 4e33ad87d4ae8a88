//! What a query sees: one consistent set of partitions, with their segments and live groups.

use std::sync::{Arc, OnceLock};

use crate::base::error::Result;
use crate::base::ids::TraceId;
use crate::base::observer::{Observer, StoreEvent};
use crate::base::time::{TimeRange, Timestamp};
use crate::disk::clock::{Clock, SystemClock};
use crate::index::bloom::HashedId;
use crate::query::absent::Absent;
use crate::query::filters::{Filters, Slices};
use crate::query::source::{Fragment, Source};

/// A consistent view of a store; cheap to clone.
#[derive(Clone, Debug)]
pub struct View {
    partitions: Arc<[Arc<Partition>]>,
    /// Gathered by the first lookup.
    filters: Arc<OnceLock<Filters>>,
    slices: Slices,
    /// The last start that a span may have in a partition or one behind it, for each.
    last_starts: Arc<[Timestamp]>,
    /// What all of it holds, counted for the first that asks.
    held: Arc<OnceLock<Held>>,
    /// Told what lookups and searches leave out.
    observer: Option<Arc<dyn Observer>>,
    /// Tells when a query's time is over.
    clock: Arc<dyn Clock>,
}

/// What a view holds for a range of time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Held {
    /// Partitions that the range meets.
    pub partitions: u64,
    /// Their segments.
    pub segments: u64,
    /// Those of them that have no span in the range.
    pub segments_out_of_range: u64,
    /// The partitions' live groups.
    pub live_groups: u64,
}

/// The spans that start within one stretch of time.
#[derive(Debug)]
pub struct Partition {
    /// The first start, in nanoseconds since the epoch.
    pub start: u64,
    /// How many nanoseconds the partition spans.
    pub width: u64,
    /// Segments and live groups; each span stands in at least one.
    pub sources: Vec<Arc<dyn Source>>,
    /// What they all lack.
    pub absent: Absent,
}

/// Which source: the number of its partition in a view, and its own in that.
pub type SourcePlace = (u32, u32);

/// A fragment and the source that holds it.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The source.
    pub source: Arc<dyn Source>,
    /// What it holds of the trace.
    pub fragment: Fragment,
}

impl View {
    /// A view of these partitions, in any order.
    pub fn new(mut partitions: Vec<Arc<Partition>>) -> Self {
        partitions.sort_by_key(|p| (std::cmp::Reverse(p.start), p.width));
        let mut last_starts: Vec<Timestamp> = Vec::with_capacity(partitions.len());
        for partition in partitions.iter().rev() {
            let own = partition.range().last().unwrap_or_default();
            last_starts.push(last_starts.last().map_or(own, |&behind| own.max(behind)));
        }
        last_starts.reverse();
        Self {
            partitions: partitions.into(),
            last_starts: last_starts.into(),
            filters: Arc::default(),
            slices: Slices::default(),
            held: Arc::default(),
            observer: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// The same view, which shares slices of filters with others of its store.
    #[must_use]
    pub fn sliced(mut self, slices: &Slices) -> Self {
        self.slices = slices.clone();
        self
    }

    /// The same view, with another clock than the computer's.
    #[must_use]
    pub fn timed(mut self, clock: &Arc<dyn Clock>) -> Self {
        self.clock = Arc::clone(clock);
        self
    }

    /// What tells when a query's time is over.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The same view, of whose use `observer` is told.
    #[must_use]
    pub fn observed(mut self, observer: Option<Arc<dyn Observer>>) -> Self {
        self.observer = observer;
        self
    }

    /// Tells the observer, if there is one, what `event` makes.
    pub fn tell<'e>(&self, event: impl FnOnce() -> StoreEvent<'e>) {
        if let Some(observer) = &self.observer {
            observer.observe(&event());
        }
    }

    /// The partitions, newest first.
    pub fn partitions(&self) -> &[Arc<Partition>] {
        &self.partitions
    }

    /// The sources with spans that may start inside `range`.
    pub fn sources_in(&self, range: TimeRange) -> impl Iterator<Item = &Arc<dyn Source>> {
        let partitions = self.partitions.iter().filter(move |p| p.overlaps(range));
        partitions.flat_map(|p| &p.sources).filter(move |s| overlaps(s.as_ref(), range))
    }

    /// Where the spans of traces lie whose id ends in `low`, among those sources that may hold
    /// spans that start inside `range`.
    pub fn find(&self, low: u64, range: TimeRange) -> Result<Vec<Piece>> {
        let mut pieces = Vec::new();
        let mut found = Vec::new();
        let id = HashedId::new(low);
        let mut ask = |source: &Arc<dyn Source>| -> Result<()> {
            source.find(&id, &mut found)?;
            let piece = |fragment| Piece { source: Arc::clone(source), fragment };
            pieces.extend(found.drain(..).map(piece));
            Ok(())
        };
        if range != TimeRange::ALL {
            // A hint leaves few sources: the filters of all others are not even read.
            for source in self.sources_in(range) {
                if source.may_hold(&id)? {
                    ask(source)?;
                }
            }
            self.tell(|| self.lookup(self.sources_in(range).filter(|s| s.is_segment()).count()));
            return Ok(pieces);
        }
        self.admit(&id, |_, source| ask(source))?;
        Ok(pieces)
    }

    /// Hands over the sources that may hold traces with this low half of the id.
    fn admit(
        &self,
        id: &HashedId,
        mut visit: impl FnMut(SourcePlace, &Arc<dyn Source>) -> Result<()>,
    ) -> Result<()> {
        let filters = self.filters.get_or_init(|| Filters::of(&self.partitions, &self.slices));
        let mut segments = 0;
        filters.admit(id, |place| {
            let partition = self.partitions.get(place.0 as usize);
            match partition.and_then(|partition| partition.sources.get(place.1 as usize)) {
                Some(source) => {
                    segments += usize::from(source.is_segment());
                    visit(place, source)
                }
                None => Ok(()),
            }
        })?;
        self.tell(|| self.lookup(segments));
        Ok(())
    }

    /// The last start that a span may have in a partition, by its number, or in one behind it.
    pub fn last_start(&self, number: usize) -> Option<Timestamp> {
        self.last_starts.get(number).copied()
    }

    /// What there is for a range. Cost: of all time it is counted once.
    pub fn held(&self, range: TimeRange) -> Held {
        match range == TimeRange::ALL {
            true => *self.held.get_or_init(|| self.count(range)),
            false => self.count(range),
        }
    }

    fn count(&self, range: TimeRange) -> Held {
        let mut held = Held::default();
        for partition in self.partitions.iter().filter(|partition| partition.overlaps(range)) {
            held.partitions += 1;
            for source in &partition.sources {
                let is_segment = u64::from(source.is_segment());
                held.segments += is_segment;
                held.live_groups += 1 - is_segment;
                let is_out = is_segment > 0 && !overlaps(source.as_ref(), range);
                held.segments_out_of_range += u64::from(is_out);
            }
        }
        held
    }

    /// A lookup that asked so many segments.
    fn lookup(&self, asked: usize) -> StoreEvent<'static> {
        let segments = self.held(TimeRange::ALL).segments;
        StoreEvent::Lookup { segments, pruned: segments.saturating_sub(asked as u64) }
    }

    /// Where the spans of one trace lie.
    pub fn pieces(&self, id: TraceId) -> Result<Vec<Piece>> {
        let mut pieces = self.find(id.low(), TimeRange::ALL)?;
        pieces.retain(|piece| piece.fragment.trace_id == id);
        Ok(pieces)
    }

    /// Where the spans of a trace lie of which a walk over its source, at `place`, has met one
    /// fragment: all others are looked for.
    pub fn pieces_beside(&self, met: Piece, place: SourcePlace) -> Result<Vec<Piece>> {
        let id = met.fragment.trace_id;
        let hashed = HashedId::new(id.low());
        let mut found = Vec::new();
        let mut others = Vec::new();
        self.admit(&hashed, |own, source| {
            match own == place {
                true => source.find_others(&hashed, &met.fragment, &mut found)?,
                false => source.find(&hashed, &mut found)?,
            }
            if found.is_empty() {
                return Ok(());
            }
            let fragments = found.drain(..).filter(|fragment| fragment.trace_id == id);
            others.extend(fragments.map(|fragment| Piece { source: Arc::clone(source), fragment }));
            Ok(())
        })?;
        others.push(met);
        Ok(others)
    }
}

impl Partition {
    /// A partition of these sources.
    pub fn new(start: u64, width: u64, sources: Vec<Arc<dyn Source>>) -> Self {
        Self { start, width, sources, absent: Absent::default() }
    }

    /// The time that the partition takes up: to the end of time if it is as wide as can be.
    pub fn range(&self) -> TimeRange {
        let start = Timestamp::from_nanos(self.start);
        match self.start.checked_add(self.width).map(Timestamp::from_nanos) {
            Some(end) if end < Timestamp::MAX => TimeRange::from(start..end),
            _ => TimeRange::from(start..),
        }
    }

    /// Whether a span that starts inside `range` would belong here.
    pub fn overlaps(&self, range: TimeRange) -> bool {
        self.range().intersect(&range).first().is_some()
    }
}

/// Whether a source has spans that may start inside `range`.
pub fn overlaps(source: &dyn Source, range: TimeRange) -> bool {
    source.starts().is_some_and(|(first, last)| range.overlaps(first, last))
}
