//! [`Held`]: a published segment as a state holds it, sound or lost.

use std::sync::Arc;

use crate::base::error::Result;
use crate::catalog::{PartitionKey, SegmentEntry};
use crate::query::source::Source;
use crate::segment::{IdFilter, Segment, Summary};
use crate::store::lazy::{LazySegment, Opened, Opener};

/// A published segment. Clones share what opening it gave, so that a file that was merged and
/// unlinked stays readable in every state and view that has the segment.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) id: u64,
    pub(crate) bytes: u64,
    summary: Summary,
    file: File,
}

#[derive(Clone)]
enum File {
    Open(Arc<Segment>),
    Lazy(Arc<LazySegment>),
}

impl Held {
    pub(crate) fn new(id: u64, segment: Arc<Segment>) -> Self {
        let summary = *segment.summary();
        Self { id, bytes: summary.bytes, summary, file: File::Open(segment) }
    }

    /// A live segment, to be opened when it is needed. One that turns out to be damaged, missing
    /// or of another version answers with that error, and upkeep leaves it alone.
    pub(crate) fn lazy(opener: &Arc<Opener>, key: PartitionKey, entry: &SegmentEntry) -> Self {
        let lazy = LazySegment::new(Arc::clone(opener), key, *entry);
        let file = File::Lazy(Arc::new(lazy));
        Self { id: entry.id, bytes: entry.bytes, summary: entry.summary, file }
    }

    /// The segment, unless it is lost.
    pub(crate) fn segment(&self) -> Result<Option<&Arc<Segment>>> {
        let lazy = match &self.file {
            File::Open(segment) => return Ok(Some(segment)),
            File::Lazy(lazy) => lazy,
        };
        Ok(match lazy.opened()? {
            Opened::Sound(segment) => Some(segment),
            Opened::Lost(_) => None,
        })
    }

    /// Whether it was found to be lost.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(&self.file, File::Lazy(lazy) if matches!(lazy.known(), Some(Opened::Lost(_))))
    }

    /// Bytes of the id filter beside it.
    pub(crate) fn filter_bytes(&self) -> u64 {
        IdFilter::bytes(self.summary.traces)
    }

    /// What it holds, in a few numbers.
    pub(crate) fn summary(&self) -> &Summary {
        &self.summary
    }

    /// As queries see it.
    pub(crate) fn source(&self) -> Arc<dyn Source> {
        match &self.file {
            File::Open(segment) => Arc::clone(segment) as Arc<dyn Source>,
            File::Lazy(lazy) => Arc::clone(lazy) as Arc<dyn Source>,
        }
    }
}

/// The segments among these that are not lost.
pub(crate) fn sound<'a>(held: impl Iterator<Item = &'a Held>) -> Result<Vec<Arc<Segment>>> {
    held.filter_map(|held| held.segment().map(Option::<&_>::cloned).transpose()).collect()
}
