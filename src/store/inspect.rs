//! Looking into a store's files without opening the store: for people, and for `verify`.

use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::base::anatomy::{Field, meets};
use crate::base::error::{Error, Result};
use crate::base::model::TraceSpan;
use crate::block::cache::Cache;
use crate::catalog::{self, ManifestInfo, PartitionKey, ReadCatalog, SegmentEntry};
use crate::disk::{Disk, names};
use crate::ingest::contexts::Contexts;
use crate::ingest::log::{self, Cursor, LogInfo, Replayed};
use crate::ingest::otlp;
use crate::query::source::Source;
use crate::segment::{IdFilter, IdsInfo, Row, RunInfo, Segment, SegmentInfo};
use crate::store::open;
use crate::store::options::Options;

/// How often a check of the log begins anew when a writer moves it under its hands.
const TRIES: usize = 64;

/// A file of a store, described.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum FileInfo {
    /// A segment.
    Segment(Box<SegmentInfo>),
    /// A manifest.
    Manifest(ManifestInfo),
    /// A file of the log.
    Log(LogInfo),
    /// The id filter of a segment.
    Ids(IdsInfo),
}

/// The outcome of a check.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// Files that were read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What is damaged.
    pub damage: Vec<Error>,
}

/// What a file is, by its first bytes or, where those are damaged, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Segment,
    Manifest,
    Log,
    Ids,
}

/// What is needed to read files.
struct Desk {
    disk: Arc<dyn Disk>,
    cache: Arc<Cache>,
    contexts: Contexts,
}

/// Describes a segment, a manifest, a file of the log or an id filter.
pub fn file(path: &Path) -> Result<FileInfo> {
    let desk = Desk::new();
    Ok(match desk.kind(path)? {
        Kind::Segment => FileInfo::Segment(Box::new(desk.segment(path)?.describe()?)),
        Kind::Manifest => FileInfo::Manifest(catalog::describe(path, &desk.disk.read(path)?)?),
        Kind::Log => FileInfo::Log(log::describe(desk.disk.as_ref(), path, &desk.contexts)?),
        Kind::Ids => FileInfo::Ids(IdFilter::describe(path, &desk.disk.read(path)?)?),
    })
}

/// What the bytes of a file in `range` are, field by field.
pub fn fields(path: &Path, range: &Range<u64>) -> Result<Vec<Field>> {
    let desk = Desk::new();
    let read = || desk.disk.read(path);
    let mut fields = match desk.kind(path)? {
        Kind::Segment => return desk.segment(path)?.anatomy(range),
        Kind::Manifest => catalog::anatomy(&read()?),
        Kind::Log => {
            log::anatomy(&read()?, &log::describe(desk.disk.as_ref(), path, &desk.contexts)?)
        }
        Kind::Ids => IdFilter::anatomy(&read()?),
    };
    fields.retain(|field| meets(&(field.offset..field.offset + field.bytes), range));
    Ok(fields)
}

/// One block of a segment file.
#[derive(Debug)]
pub struct Block {
    /// Where it begins.
    pub offset: u64,
    /// Its spans, in the order of its rows.
    pub spans: Vec<TraceSpan>,
    /// The runs of its columns, in the order in which they stand.
    pub runs: Vec<RunInfo>,
}

/// Describes one block of a segment file.
pub fn block(path: &Path, number: u32) -> Result<Block> {
    let desk = Desk::new();
    if desk.kind(path)? != Kind::Segment {
        return Err(Error::invalid(format!("{} has no blocks: segments do", path.display())));
    }
    let segment = desk.segment(path)?;
    let rows = segment
        .block_range(number)
        .ok_or_else(|| Error::invalid(format!("{} has no block {number}", path.display())))?;
    let mut spans = Vec::new();
    segment.rows(rows, &mut |row| {
        spans.push(owned(row, &segment)?);
        Ok(ControlFlow::Continue(()))
    })?;
    let (offset, runs) = segment.runs(number)?;
    Ok(Block { offset, spans, runs })
}

/// A row as an owned span.
pub(super) fn owned(row: Row<'_>, segment: &Segment) -> Result<TraceSpan> {
    let span = row.span.into_span();
    Ok(TraceSpan {
        resource: segment.resource(row.resource)?,
        scope: segment.scope(row.scope)?,
        span: span.ok_or_else(|| Source::damaged(segment, "a nested value"))?,
    })
}

/// Checks a store or one of its files: every checksum and every invariant. Changes nothing.
///
/// # Errors
/// Only where there is nothing to check; damage is in the answer.
pub fn verify(path: &Path) -> Result<Verified> {
    let desk = Desk::new();
    let mut verified = Verified::default();
    if path.is_dir() {
        desk.verify_store(path, &mut verified)?;
        return Ok(verified);
    }
    let kind = desk.kind(path)?;
    let checked = match kind {
        Kind::Segment => desk.segment(path).map(|segment| segment.verify()),
        Kind::Manifest | Kind::Log | Kind::Ids => file(path).map(|_| Vec::new()),
    };
    verified.count(desk.len(path)?);
    verified.damage.extend(checked.unwrap_or_else(|error| vec![error]));
    Ok(verified)
}

/// A file that the manifest names and that is not there.
fn missing_is_damage(error: Error, path: &Path) -> Error {
    match error {
        Error::NotFound { .. } => Error::corrupt(path, 0, "file", "it is missing"),
        error => error,
    }
}

impl Verified {
    fn count(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}

impl Desk {
    fn new() -> Self {
        let options = Options::default();
        let disk = open::real_environment(&options).disk;
        Self { disk, cache: open::cache(&options), contexts: open::contexts(&options) }
    }

    fn len(&self, path: &Path) -> Result<u64> {
        Ok(self.disk.open(path)?.len())
    }

    fn kind(&self, path: &Path) -> Result<Kind> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match self.disk.read_part(path, 0, 8)?.as_slice() {
            b"TKEEPSEG" => Ok(Kind::Segment),
            b"TKEEPMAN" => Ok(Kind::Manifest),
            b"TKEEPLOG" => Ok(Kind::Log),
            b"TKEEPIDS" => Ok(Kind::Ids),
            _ if name.ends_with(".seg") => Ok(Kind::Segment),
            _ if name == names::MANIFEST || name.ends_with(".manifest") => Ok(Kind::Manifest),
            _ if name.ends_with(".log") => Ok(Kind::Log),
            _ if name.ends_with(".ids") => Ok(Kind::Ids),
            _ => {
                let what = "is no segment, manifest, log file or id filter";
                Err(Error::invalid(format!("{} {what}", path.display())))
            }
        }
    }

    fn segment(&self, path: &Path) -> Result<Arc<Segment>> {
        open::segment_at(self.disk.as_ref(), path, &self.cache)
    }

    fn verify_store(&self, root: &Path, verified: &mut Verified) -> Result<()> {
        let catalog = match ReadCatalog::open(Arc::clone(&self.disk), root) {
            Ok(catalog) => catalog,
            Err(error @ (Error::Corrupt { .. } | Error::Version { .. })) => {
                verified.damage.push(error);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        // The pin keeps the segments in place, whatever a writer does meanwhile.
        let version = Arc::clone(&catalog.current().version);
        verified.count(self.len(&root.join(names::MANIFEST))?);
        for (key, entry) in version.segments() {
            let path = key.segment_path(root, entry.id);
            verified.count(self.len(&path).unwrap_or(0));
            let ids_path = key.ids_path(root, entry.id);
            verified.count(self.len(&ids_path).unwrap_or(0));
            verified.damage.extend(self.verify_segment(&path, &ids_path, key, entry));
        }
        if let Err(error) = self.verify_log(root, version.log_floor, verified) {
            verified.damage.push(error);
        }
        Ok(())
    }

    fn verify_segment(
        &self,
        path: &Path,
        ids_path: &Path,
        key: &PartitionKey,
        entry: &SegmentEntry,
    ) -> Vec<Error> {
        let segment = match self.segment(path) {
            Ok(segment) => segment,
            Err(error) => return vec![missing_is_damage(error, path)],
        };
        let mut damage = segment.verify();
        damage.extend(self.verify_ids(&segment, ids_path).err());
        let summary = *segment.summary();
        let wrong = |detail: &str| Error::corrupt(path, 0, "footer", detail);
        if summary != entry.summary {
            damage.push(wrong("the manifest says otherwise of this segment"));
        }
        if summary.first_start < key.first() || summary.last_start > key.last() {
            damage.push(wrong("spans of another partition"));
        }
        damage
    }

    /// Checks that the id filter is that of its segment.
    fn verify_ids(&self, segment: &Segment, path: &Path) -> Result<()> {
        let stored = self.disk.read(path).map_err(|error| missing_is_damage(error, path))?;
        IdFilter::read(path, &stored)?;
        match IdFilter::write(segment) {
            Ok(own) if own != stored => {
                Err(Error::corrupt(path, 0, "id filter", "it is not that of its segment"))
            }
            // Damage of the segment itself has been named already.
            _ => Ok(()),
        }
    }

    /// Reads every frame that no flush has made superfluous.
    fn verify_log(&self, root: &Path, floor: u64, verified: &mut Verified) -> Result<()> {
        let dir = root.join(names::LOG_DIR);
        let (mut floor, mut moved) = (floor, Error::Busy);
        for _ in 0..TRIES {
            let mut check = |_: u64, payload: &[u8]| {
                otlp::replay(payload, &self.contexts).map(drop).map_err(|error| {
                    let detail = format!("a sound frame that cannot be read: {error}");
                    Error::corrupt(&dir, 0, "log frame", detail)
                })
            };
            match log::replay(self.disk.as_ref(), &dir, Cursor::at(floor + 1), &mut check)? {
                Replayed::Whole(_) => {
                    for entry in self.disk.list(&dir).unwrap_or_default() {
                        if names::parse_log(&entry.name).is_some() {
                            verified.count(entry.len);
                        }
                    }
                    return Ok(());
                }
                Replayed::Moved(error) => moved = error,
            }
            floor = ReadCatalog::open(Arc::clone(&self.disk), root)?.current().version.log_floor;
        }
        Err(moved)
    }
}
