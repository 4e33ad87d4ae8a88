//! Where flush and merge put what they build: segment files that appear whole or not at all.

use std::cell::Cell;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::block::cache::Cache;
use crate::catalog::{PartitionKey, SegmentEntry};
use crate::disk::executor::{Executor, InlineExecutor};
use crate::disk::{Disk, WriteFile, names};
use crate::segment::{IdFilter, Segment, SegmentBuilder, SegmentOptions, Summary};

/// Makes segment files in one partition's folder.
pub struct Sink<'a> {
    /// The store's file system.
    pub disk: &'a dyn Disk,
    /// Whose free threads help to encode.
    pub executor: &'a dyn Executor,
    /// The store's directory.
    pub root: &'a Path,
    /// The partition the segments belong to.
    pub partition: PartitionKey,
    /// How segments are laid out.
    pub segment: SegmentOptions,
    /// A segment is cut when its builder takes this much memory.
    pub builder_bytes: usize,
    /// Permissions of a folder that must be made.
    pub mode: u32,
    /// Gives out segment ids, each once.
    pub next_id: &'a dyn Fn() -> u64,
    /// Set when the partition's folder had to be made: before a segment in it is published, the
    /// store's directory is to be synced, once for many partitions.
    pub made_folder: Cell<bool>,
}

/// When to look at a builder's memory, which is a look at every column: each time that it has grown
/// by one row in so many.
#[derive(Debug, Default)]
pub struct Looks {
    /// How many rows there were at the last look.
    rows: usize,
}

const ROWS_A_LOOK: usize = 16;

impl Looks {
    /// Whether to look now that there are so many rows.
    pub fn is_due(&mut self, rows: usize) -> bool {
        let due = rows >= self.rows + self.rows / ROWS_A_LOOK;
        if due {
            self.rows = rows;
        }
        due
    }
}

impl Sink<'_> {
    /// A builder for the next segment.
    pub fn builder(&self) -> SegmentBuilder {
        SegmentBuilder::new(self.segment)
    }

    /// Whether `builder` has reached the size of a segment.
    pub fn is_full(&self, builder: &SegmentBuilder) -> bool {
        builder.memory_bytes() >= self.builder_bytes
    }

    /// Writes, syncs and names a segment. It is not live until the manifest says so; after a
    /// crash before that, the file is an orphan that opening puts away.
    pub fn write(&self, builder: SegmentBuilder) -> Result<SegmentEntry> {
        let id = (self.next_id)();
        let folder = self.partition.dir(self.root);
        if !self.disk.exists(&folder)? {
            self.disk.create_dir_all(&folder, self.mode)?;
            self.made_folder.set(true);
        }
        let path = self.partition.segment_path(self.root, id);
        let ids = self.partition.ids_path(self.root, id);
        let tmp = folder.join(names::tmp(&names::segment_file(id)));
        let write = || {
            let summary = write_tmp(self.disk, builder, &tmp, self.executor)?;
            self.write_ids(&tmp, &ids)?;
            Ok(summary)
        };
        let summary = write().inspect_err(|_: &Error| {
            // Best effort: what cannot be removed now is set aside when the store opens.
            self.disk.remove_file(&tmp).ok();
            self.disk.remove_file(&ids).ok();
        })?;
        self.disk.rename(&tmp, &path)?;
        self.disk.sync_dir(&folder)?;
        Ok(SegmentEntry { id, bytes: summary.bytes, summary })
    }

    /// Writes the id filter of the segment in the file `tmp`.
    fn write_ids(&self, tmp: &Path, path: &Path) -> Result<()> {
        let segment = Segment::open(self.disk.open(tmp)?, Arc::new(Cache::new(0)))?;
        let mut file = self.disk.create(path)?;
        file.write_at(0, &IdFilter::write(&segment)?)?;
        file.sync()
    }
}

/// Writes a segment that belongs to no store as `tmp`, syncs it and names it `path`, in the same
/// folder.
pub fn write_file(
    disk: &dyn Disk,
    builder: SegmentBuilder,
    tmp: &Path,
    path: &Path,
) -> Result<Summary> {
    let summary = write_tmp(disk, builder, tmp, &InlineExecutor::new()).inspect_err(|_| {
        // Best effort: the error that led here says more.
        disk.remove_file(tmp).ok();
    })?;
    disk.rename(tmp, path)?;
    if let Some(folder) = tmp.parent() {
        disk.sync_dir(folder)?;
    }
    Ok(summary)
}

fn write_tmp(
    disk: &dyn Disk,
    builder: SegmentBuilder,
    tmp: &Path,
    executor: &dyn Executor,
) -> Result<Summary> {
    let file = disk.create(tmp)?;
    let mut out = FileWriter { file, offset: 0, failure: None };
    let finished =
        builder.finish_by(&mut io::BufWriter::with_capacity(256 << 10, &mut out), executor);
    // The stream's own error says more than the builder's wrapping of it.
    if let Some(failure) = out.failure {
        return Err(failure);
    }
    let summary = finished?;
    out.file.sync()?;
    Ok(summary)
}

/// A file as the stream that a builder writes to.
struct FileWriter {
    file: Box<dyn WriteFile>,
    offset: u64,
    failure: Option<Error>,
}

impl Write for FileWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.file.write_at(self.offset, bytes) {
            let text = error.to_string();
            self.failure.get_or_insert(error);
            return Err(io::Error::other(text));
        }
        self.offset += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
