//! Opens a segment and answers from its shared sections.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use roaring::RoaringBitmap;

use crate::base::error::{Error, Result};
use crate::base::kept::Kept;
use crate::base::model::{ResourceContext, ScopeContext};
use crate::base::time::Timestamp;
use crate::block::cache::Cache;
use crate::block::page_reader::PageReader;
use crate::disk::ReadFile;
use crate::disk::bytes::ByteView;
use crate::index::bloom::{BloomReader, HashedId};
use crate::index::id_index::IdIndex;
use crate::index::operations::Operations;
use crate::index::ordinals::OrdinalSet;
use crate::index::peaks::Peaks;
use crate::index::source::Source;
use crate::index::term::{Candidates, Probe, TagScope};
use crate::index::terms::Terms;
use crate::index::traces::{TraceEntry, TraceTable};
use crate::index::zones::{Zone, ZoneMap};
use crate::segment::area::Area;
use crate::segment::footer::{FOOTER_BYTES, Footer, HEADER_BYTES, Summary};
use crate::segment::kind;
use crate::segment::meta::Meta;
use crate::segment::sections::{Directory, Section};

/// Numbers for files in caches, never given out twice in a process.
static NEXT_FILE: AtomicU64 = AtomicU64::new(1);

/// One segment, open for reading. Opening reads the footer; all else is read when it is first
/// needed, checked, and what is small is kept.
#[derive(Debug)]
pub struct Segment {
    pub(super) file: Arc<dyn ReadFile>,
    pub(super) footer: Footer,
    pub(super) area: Arc<Area>,
    pub(super) cache: Arc<Cache>,
    /// The file's number in the cache.
    pub(super) number: u64,
    directory: OnceLock<Directory>,
    meta: Kept<Meta>,
    terms: OnceLock<Terms>,
    traces: OnceLock<TraceTable>,
    ids: OnceLock<IdIndex>,
    bloom: OnceLock<BloomReader>,
    zones: OnceLock<ZoneMap>,
    peaks: OnceLock<Peaks>,
    /// Whether no trace lies in several fragments.
    pub(super) gathered: OnceLock<bool>,
}

/// The value of a cell that is filled by what may fail.
pub(super) fn once<T>(cell: &OnceLock<T>, make: impl FnOnce() -> Result<T>) -> Result<&T> {
    match cell.get() {
        Some(value) => Ok(value),
        None => make().map(|value| cell.get_or_init(|| value)),
    }
}

impl Segment {
    /// Opens a segment file.
    pub fn open(file: Arc<dyn ReadFile>, cache: Arc<Cache>) -> Result<Self> {
        let len = file.len();
        let footers = 2 * FOOTER_BYTES as u64;
        if len < HEADER_BYTES as u64 + footers {
            return Err(Error::corrupt(file.path(), len, "footer", "the file ends before it"));
        }
        let header = file.read_at(0, HEADER_BYTES)?;
        let tail = file.read_at(len - footers, 2 * FOOTER_BYTES)?;
        let footer = Footer::find(file.path(), &header, &tail, len)?;
        let area_bytes = usize::try_from(footer.area_bytes).ok();
        let area_bytes = area_bytes.filter(|&bytes| {
            let end = footer.area_offset + footer.area_bytes;
            end.checked_add(Area::guard_bytes(bytes)) == Some(len - footers)
        });
        let area_bytes = area_bytes.ok_or_else(|| {
            Error::corrupt(file.path(), len - footers, "footer", "parts that do not fill the file")
        })?;
        let area = Area::new(Arc::clone(&file), footer.area_offset, area_bytes);
        Ok(Self::of_parts(file, footer, area, cache))
    }

    /// A segment of which footer and area were found.
    pub(super) fn of_parts(
        file: Arc<dyn ReadFile>,
        footer: Footer,
        area: Area,
        cache: Arc<Cache>,
    ) -> Self {
        Self {
            file,
            footer,
            area: Arc::new(area),
            cache,
            number: NEXT_FILE.fetch_add(1, Ordering::Relaxed),
            directory: OnceLock::new(),
            meta: Kept::default(),
            terms: OnceLock::new(),
            traces: OnceLock::new(),
            ids: OnceLock::new(),
            bloom: OnceLock::new(),
            zones: OnceLock::new(),
            peaks: OnceLock::new(),
            gathered: OnceLock::new(),
        }
    }

    /// Opens a segment that lies in memory; errors name it `name`.
    pub fn from_bytes(bytes: Vec<u8>, name: PathBuf, cache: Arc<Cache>) -> Result<Self> {
        Self::open(memory_file(bytes, name), cache)
    }

    /// What it holds, in a few numbers.
    pub fn summary(&self) -> &Summary {
        &self.footer.summary
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    pub(super) fn directory(&self) -> Result<&Directory> {
        once(&self.directory, || Directory::read(&self.area, self.footer.directory_bytes as usize))
    }

    fn section(&self, number: u32) -> Result<Section> {
        self.directory()?.get(number).cloned()
    }

    fn source(&self, number: u32) -> Result<Arc<dyn Source>> {
        Ok(Arc::new(self.section(number)?))
    }

    /// What its rows are decoded by; read again if it had to make room meanwhile.
    pub(super) fn meta(&self) -> Result<Arc<Meta>> {
        self.meta.get(self.cache.models(), || {
            Meta::read(&self.footer, self.directory()?, self.terms()?, |directory, before| {
                let (base, path) = (self.footer.pages_offset, self.path().to_path_buf());
                let cache = Arc::clone(&self.cache);
                PageReader::new(directory, before, base, path, self.number, cache)
            })
        })
    }

    /// The tag index.
    pub fn terms(&self) -> Result<&Terms> {
        once(&self.terms, || {
            // Numbers of their own: pages are told apart by their places in the section.
            let numbers = [(); 2].map(|()| NEXT_FILE.fetch_add(1, Ordering::Relaxed));
            let sections = [self.source(kind::TERMS)?, self.source(kind::DICTIONARIES)?];
            Terms::open(sections, self.trace_count()?, Arc::clone(&self.cache), numbers)
        })
    }

    /// How many traces, or parts of traces, there are; ordinals are below.
    pub fn trace_count(&self) -> Result<u32> {
        u32::try_from(self.footer.summary.traces)
            .map_err(|_| Error::corrupt(self.path(), 0, "footer", "2^32 traces"))
    }

    /// The table of traces.
    pub fn traces(&self) -> Result<&TraceTable> {
        once(&self.traces, || {
            let table = TraceTable::open(self.source(kind::TRACES)?)?;
            match u64::from(table.len()) == self.footer.summary.traces {
                true => Ok(table),
                false => Err(self.section(kind::TRACES)?.corrupt(0, "another number of traces")),
            }
        })
    }

    /// Times, durations and errors of each block.
    pub fn zone(&self, block: u64) -> Result<Zone> {
        let blocks = self.blocks().into();
        once(&self.zones, || ZoneMap::open(self.source(kind::ZONES)?, blocks))?.get(block)
    }

    /// How many blocks there are.
    pub fn blocks(&self) -> u32 {
        // No more than rows, which 32 bits number.
        self.footer.summary.rows.div_ceil(self.footer.block_rows.into()) as u32
    }

    /// In which blocks the rows of each template and service last long.
    pub fn peaks(&self) -> Result<&Peaks> {
        once(&self.peaks, || Peaks::open(self.unpacked_source(kind::PEAKS)?, self.blocks()))
    }

    /// The traces with rows in some of these blocks, which ascend.
    pub fn traces_in(&self, blocks: impl IntoIterator<Item = u32>) -> Result<OrdinalSet> {
        let traces = self.traces()?;
        let mut found = RoaringBitmap::new();
        let block_rows = u64::from(self.footer.block_rows);
        for block in blocks {
            let begin = u64::from(block) * block_rows;
            let last = (begin + block_rows).min(self.footer.summary.rows).saturating_sub(1);
            found.insert_range(traces.of_row(begin)?..=traces.of_row(last)?);
        }
        Ok(OrdinalSet::from_bitmap(traces.len(), found))
    }

    /// Reads the filter over the low halves of its traces' ids.
    pub fn bloom(&self) -> Result<BloomReader> {
        BloomReader::open(&self.section(kind::BLOOM)?)
    }

    /// Whether a trace with this low half of the id may be here; `false` is certain. The first that
    /// asks reads the filter, which is kept.
    pub fn may_hold(&self, id: &HashedId) -> Result<bool> {
        Ok(once(&self.bloom, || self.bloom())?.contains(id))
    }

    pub(super) fn ids(&self) -> Result<&IdIndex> {
        once(&self.ids, || IdIndex::open(self.source(kind::IDS)?))
    }

    /// The ordinals of the traces whose id ends in `low`.
    pub fn find(&self, low: u64) -> Result<Vec<u32>> {
        let mut found = Vec::new();
        self.find_entries(low, &mut |ordinal, _| found.push(ordinal))?;
        Ok(found)
    }

    /// How many of its traces may bear this low half of the id, by the index alone: never too few.
    pub fn may_bear(&self, low: u64) -> Result<usize> {
        Ok(self.ids()?.find(low)?.len())
    }

    /// Hands over the traces with this low half of the id, and their ordinals, by the index: whether
    /// it is worth asking, the filter tells.
    pub fn find_entries(&self, low: u64, visit: &mut dyn FnMut(u32, &TraceEntry)) -> Result<()> {
        for ordinal in self.ids()?.find(low)? {
            if ordinal >= self.trace_count()? {
                return Err(self.section(kind::IDS)?.corrupt(0, "a trace that is not there"));
            }
            let entry = self.entry(ordinal)?;
            if entry.id.low() == low {
                visit(ordinal, &entry);
            }
        }
        Ok(())
    }

    /// The trace with an ordinal: 0 is the first, the latest start has the highest.
    pub fn entry(&self, ordinal: u32) -> Result<TraceEntry> {
        self.sound_entry(self.traces()?.get(ordinal)?)
    }

    /// An entry of its table, if the rows that it names are there.
    pub fn sound_entry(&self, entry: TraceEntry) -> Result<TraceEntry> {
        let end = u64::from(entry.first_row) + u64::from(entry.rows);
        match entry.rows > 0 && end <= self.footer.summary.rows {
            true => Ok(entry),
            false => Err(self.section(kind::TRACES)?.corrupt(0, "a trace without its rows")),
        }
    }

    /// How many traces start before `time`: the ordinal of the first that does not.
    pub fn starting_before(&self, time: Timestamp) -> Result<u32> {
        self.traces()?.starting_before(time)
    }

    /// The traces in which some span may answer the probe.
    pub fn candidates(&self, scope: TagScope, key: &str, probe: &Probe<'_>) -> Result<Candidates> {
        self.terms()?.postings(scope, key, probe)
    }

    /// The same, with what `beside` makes of the key: kept as long as the key is at hand.
    pub fn candidates_beside(
        &self,
        scope: TagScope,
        key: &str,
        probe: &Probe<'_>,
        beside: impl FnOnce() -> Result<OrdinalSet>,
    ) -> Result<(Candidates, OrdinalSet)> {
        self.terms()?.postings_beside(scope, key, probe, beside)
    }

    /// The statistics of operations.
    pub fn operations(&self) -> Result<Operations> {
        Operations::open(self.unpacked_source(kind::OPERATIONS)?)
    }

    /// A section that is one zstd frame.
    pub(super) fn unpacked_source(&self, number: u32) -> Result<Arc<dyn Source>> {
        self.directory()?.get(number)?.unpacked_source(&self.terms()?.vocabulary()?)
    }

    /// A resource by its code.
    pub fn resource(&self, code: u32) -> Result<Arc<ResourceContext>> {
        self.meta()?.contexts.resource(code).cloned()
    }

    /// A scope by its code.
    pub fn scope(&self, code: u32) -> Result<Arc<ScopeContext>> {
        self.meta()?.contexts.scope(code).cloned()
    }

    /// The canonical bytes of a resource.
    pub fn resource_bytes(&self, code: u32) -> Result<Vec<u8>> {
        self.meta()?.contexts.resource_bytes(code)
    }

    /// The canonical bytes of a scope.
    pub fn scope_bytes(&self, code: u32) -> Result<Vec<u8>> {
        self.meta()?.contexts.scope_bytes(code)
    }

    /// How many resources and scopes there are; codes are below.
    pub fn context_counts(&self) -> Result<(usize, usize)> {
        Ok(self.meta()?.contexts.counts())
    }
}

/// These bytes as a file of this name.
pub(super) fn memory_file(bytes: Vec<u8>, name: PathBuf) -> Arc<dyn ReadFile> {
    Arc::new(MemoryFile { bytes: bytes.into(), name })
}

/// A file in memory.
#[derive(Debug)]
struct MemoryFile {
    bytes: ByteView,
    name: PathBuf,
}

impl ReadFile for MemoryFile {
    fn path(&self) -> &Path {
        &self.name
    }

    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, len: usize) -> Result<ByteView> {
        let start = usize::try_from(offset).ok();
        let range = start.and_then(|start| Some(start..start.checked_add(len)?));
        range
            .and_then(|range| self.bytes.slice(range))
            .ok_or_else(|| Error::corrupt(&self.name, offset, "file", "missing bytes"))
    }
}
