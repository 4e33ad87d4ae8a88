//! [`Held`]: a published segment as a state holds it, sound or lost.

use std::path::Path;
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::block::cache::Cache;
use crate::catalog::{PartitionKey, SegmentEntry};
use crate::disk::Disk;
use crate::query::lost::Lost;
use crate::query::source::Source;
use crate::segment::{IdFilter, Segment, Summary};

/// A published segment.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) id: u64,
    pub(crate) bytes: u64,
    file: Result<Arc<Segment>, Arc<Lost>>,
    /// The same, as queries see it.
    pub(crate) source: Arc<dyn Source>,
}

impl Held {
    pub(crate) fn new(id: u64, segment: Arc<Segment>) -> Self {
        let source = Arc::clone(&segment) as Arc<dyn Source>;
        Self { id, bytes: segment.summary().bytes, file: Ok(segment), source }
    }

    /// Opens a live segment. One that is damaged, missing or of another version is held too: it
    /// answers with that error, and upkeep leaves it alone.
    ///
    /// # Errors
    /// Only what may pass, such as a lack of file handles.
    pub(crate) fn open(
        disk: &dyn Disk,
        root: &Path,
        cache: &Arc<Cache>,
        key: PartitionKey,
        entry: &SegmentEntry,
    ) -> Result<Self> {
        let path = key.segment_path(root, entry.id);
        let error = match Self::open_sound(disk, root, cache, key, entry) {
            Ok(held) => return Ok(held),
            Err(error @ (Error::Corrupt { .. } | Error::Version { .. })) => error,
            Err(error) => return Err(error),
        };
        let ids_path = key.ids_path(root, entry.id);
        // Without the filter more has to be refused, but what is answered stays right.
        let ids = disk.read(&ids_path).and_then(|bytes| IdFilter::read(&ids_path, &bytes));
        let lost = Arc::new(Lost::new(path, error, entry.summary, ids.ok()));
        let source = Arc::clone(&lost) as Arc<dyn Source>;
        Ok(Self { id: entry.id, bytes: entry.bytes, file: Err(lost), source })
    }

    /// Opens a live segment that must be sound.
    pub(crate) fn open_sound(
        disk: &dyn Disk,
        root: &Path,
        cache: &Arc<Cache>,
        key: PartitionKey,
        entry: &SegmentEntry,
    ) -> Result<Self> {
        let path = key.segment_path(root, entry.id);
        let corrupt = |section, detail: &str| Error::corrupt(&path, 0, section, detail);
        let file = disk.open(&path).map_err(|error| match error {
            Error::NotFound { .. } => corrupt("file", "the manifest names it, but it is missing"),
            error => error,
        })?;
        let segment = Segment::open(file, Arc::clone(cache))?;
        if *segment.summary() != entry.summary {
            return Err(corrupt("footer", "the manifest says otherwise of this segment"));
        }
        Ok(Self::new(entry.id, Arc::new(segment)))
    }

    /// The segment, unless it is lost.
    pub(crate) fn segment(&self) -> Option<&Arc<Segment>> {
        self.file.as_ref().ok()
    }

    /// The segment, or why it cannot be read.
    pub(crate) fn sound(&self) -> Result<&Arc<Segment>> {
        self.file.as_ref().map_err(|lost| lost.error())
    }

    /// What it holds, in a few numbers.
    pub(crate) fn summary(&self) -> &Summary {
        match &self.file {
            Ok(segment) => segment.summary(),
            Err(lost) => lost.summary(),
        }
    }
}
