//! [`LazySegment`]: a published segment that is opened when it is first needed; until then the
//! manifest's summary speaks for it.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::base::error::{Error, Result};
use crate::base::ids::TraceId;
use crate::base::model::TraceSpan;
use crate::base::text::Str;
use crate::base::time::{TimeRange, Timestamp};
use crate::block::cache::Cache;
use crate::catalog::{PartitionKey, Pinned, SegmentEntry};
use crate::disk::Disk;
use crate::index::bloom::{BloomReader, HashedId};
use crate::index::known_values::Dictionary;
use crate::index::ordinals::OrdinalSet;
use crate::query::ast::{Expr, Scope};
use crate::query::leaves::Leaves;
use crate::query::lost::Lost;
use crate::query::source::{
    Candidates, Estimate, Fragment, ServiceOperation, Short, Sketcher, Source, VisitTagged, Visitor,
};
use crate::query::tag::Tag;
use crate::query::typed::Query;
use crate::segment::{IdFilter, Segment};

/// Where the segments of a store are, and what opens them.
#[derive(Debug)]
pub(crate) struct Opener {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    cache: Arc<Cache>,
    /// Another process may remove what this does not keep. The process that writes removes only
    /// what it has merged, and so opened.
    _pin: Option<Pinned>,
}

impl Opener {
    pub(crate) fn new(
        disk: &Arc<dyn Disk>,
        root: &Path,
        cache: &Arc<Cache>,
        pin: Option<Pinned>,
    ) -> Arc<Self> {
        let (disk, cache) = (Arc::clone(disk), Arc::clone(cache));
        Arc::new(Self { disk, root: root.to_path_buf(), cache, _pin: pin })
    }

    /// Opens a live segment that must be sound.
    pub(crate) fn open(&self, key: PartitionKey, entry: &SegmentEntry) -> Result<Arc<Segment>> {
        let path = key.segment_path(&self.root, entry.id);
        let corrupt = |section, detail: &str| Error::corrupt(&path, 0, section, detail);
        let file = self.disk.open(&path).map_err(|error| match error {
            Error::NotFound { .. } => corrupt("file", "the manifest names it, but it is missing"),
            error => error,
        })?;
        let segment = Segment::open(file, Arc::clone(&self.cache))?;
        if *segment.summary() != entry.summary {
            return Err(corrupt("footer", "the manifest says otherwise of this segment"));
        }
        Ok(Arc::new(segment))
    }

    fn lose(&self, key: PartitionKey, entry: &SegmentEntry, error: Error) -> Lost {
        let ids_path = key.ids_path(&self.root, entry.id);
        // Without the filter more has to be refused, but what is answered stays right.
        let ids = self.disk.read(&ids_path).and_then(|bytes| IdFilter::read(&ids_path, &bytes));
        Lost::new(key.segment_path(&self.root, entry.id), error, entry.summary, ids.ok())
    }
}

/// A published segment that may not have been opened yet.
#[derive(Debug)]
pub(crate) struct LazySegment {
    opener: Arc<Opener>,
    key: PartitionKey,
    entry: SegmentEntry,
    opened: OnceLock<Opened>,
}

/// What opening a segment gave.
#[derive(Clone, Debug)]
pub(crate) enum Opened {
    /// The segment.
    Sound(Arc<Segment>),
    /// It is damaged, missing or of another version.
    Lost(Arc<Lost>),
}

impl Opened {
    pub(crate) fn source(&self) -> &dyn Source {
        match self {
            Self::Sound(segment) => segment.as_ref(),
            Self::Lost(lost) => lost.as_ref(),
        }
    }
}

impl LazySegment {
    pub(crate) fn new(opener: Arc<Opener>, key: PartitionKey, entry: SegmentEntry) -> Self {
        Self { opener, key, entry, opened: OnceLock::new() }
    }

    /// What opening gave, if it has been tried.
    pub(crate) fn known(&self) -> Option<&Opened> {
        self.opened.get()
    }

    /// Opens the segment if it is not open. Two threads may do so side by side.
    ///
    /// # Errors
    /// Only what may pass, such as a lack of file handles: the next call tries again.
    pub(crate) fn opened(&self) -> Result<&Opened> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let opened = match self.opener.open(self.key, &self.entry) {
            Ok(segment) => Opened::Sound(segment),
            Err(error @ (Error::Corrupt { .. } | Error::Version { .. })) => {
                Opened::Lost(Arc::new(self.opener.lose(self.key, &self.entry, error)))
            }
            Err(error) => return Err(error),
        };
        Ok(self.opened.get_or_init(|| opened))
    }

    fn source(&self) -> Result<&dyn Source> {
        self.opened().map(Opened::source)
    }
}

impl Source for LazySegment {
    fn is_segment(&self) -> bool {
        true
    }

    fn starts(&self) -> Option<(Timestamp, Timestamp)> {
        let summary = &self.entry.summary;
        (summary.rows > 0).then_some((summary.first_start, summary.last_start))
    }

    fn filter(&self) -> Option<BloomReader> {
        // Why it cannot be opened, `find` tells.
        self.source().ok()?.filter()
    }

    fn may_hold(&self, id: &HashedId) -> Result<bool> {
        self.source()?.may_hold(id)
    }

    fn find(&self, id: &HashedId, out: &mut Vec<Fragment>) -> Result<()> {
        self.source()?.find(id, out)
    }

    fn find_others(&self, id: &HashedId, known: &Fragment, out: &mut Vec<Fragment>) -> Result<()> {
        self.source()?.find_others(id, known, out)
    }

    fn possible(&self, query: &Query) -> Result<Option<OrdinalSet>> {
        self.source()?.possible(query)
    }

    fn is_in(&self, fragment: &Fragment, traces: &OrdinalSet) -> Result<bool> {
        self.source()?.is_in(fragment, traces)
    }

    fn candidates<'a>(&'a self, query: &'a Query) -> Result<Candidates<'a>> {
        self.source()?.candidates(query)
    }

    fn estimate(&self, condition: &Expr, loose: bool) -> Result<Option<Estimate>> {
        self.source()?.estimate(condition, loose)
    }

    fn fragments(&self, visit: &mut dyn FnMut(Fragment)) -> Result<()> {
        self.source()?.fragments(visit)
    }

    fn rows(&self, fragment: &Fragment, visit: &mut Visitor<'_>) -> Result<()> {
        self.source()?.rows(fragment, visit)
    }

    fn spans(&self, fragment: &Fragment, range: TimeRange, out: &mut Vec<TraceSpan>) -> Result<()> {
        self.source()?.spans(fragment, range, out)
    }

    fn pick(
        &self,
        fragment: &Fragment,
        wanted: &dyn Fn(u32) -> Result<bool>,
        visit: &mut Visitor<'_>,
    ) -> Result<()> {
        self.source()?.pick(fragment, wanted, visit)
    }

    fn shorts(
        &self,
        fragment: &Fragment,
        leaves: &Leaves,
        visit: &mut dyn FnMut(Short<'_>) -> Result<()>,
    ) -> Result<()> {
        self.source()?.shorts(fragment, leaves, visit)
    }

    fn sketcher<'a>(&'a self, leaves: &'a Leaves) -> Result<Option<Box<dyn Sketcher + 'a>>> {
        self.source()?.sketcher(leaves)
    }

    fn scan(&self, visit: &mut Visitor<'_>) -> Result<()> {
        self.source()?.scan(visit)
    }

    fn durations(
        &self,
        range: TimeRange,
        except: &[Range<u32>],
        visit: &mut dyn FnMut(&[u64]),
    ) -> Result<()> {
        self.source()?.durations(range, except, visit)
    }

    fn is_gathered(&self) -> Result<bool> {
        self.source()?.is_gathered()
    }

    fn may_repeat(&self) -> bool {
        self.source().map_or(true, Source::may_repeat)
    }

    fn operations(&self) -> Result<Option<Vec<ServiceOperation>>> {
        self.source()?.operations()
    }

    fn keys(&self) -> Result<Option<Vec<(Scope, Str)>>> {
        self.source()?.keys()
    }

    fn may_have(&self, scope: Scope, key: &str) -> Result<Option<bool>> {
        self.source()?.may_have(scope, key)
    }

    fn dictionaries(&self, tag: &Tag) -> Result<Option<Vec<Dictionary>>> {
        self.source()?.dictionaries(tag)
    }

    fn segment(&self) -> Result<Option<&Segment>> {
        self.source()?.segment()
    }

    fn trace_ids(&self, visit: &mut dyn FnMut(TraceId)) -> Result<()> {
        self.source()?.trace_ids(visit)
    }

    fn tagged(&self, tag: &Tag, query: &Query, visit: &mut VisitTagged<'_>) -> Result<()> {
        self.source()?.tagged(tag, query, visit)
    }

    fn damaged(&self, detail: &str) -> Error {
        match self.known() {
            Some(opened) => opened.source().damaged(detail),
            None => {
                let path = self.key.segment_path(&self.opener.root, self.entry.id);
                Error::corrupt(&path, 0, "rows", detail)
            }
        }
    }
}
