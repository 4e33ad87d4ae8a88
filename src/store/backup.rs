//! Backup: a store's files at one moment, in another directory, while writing goes on.
//!
//! ```text
//! pin the catalog's version ─ copy the log's frames above its floor ─┐ moved meanwhile: once more
//! link or copy its segments and their id filters, folder by folder ──┤
//! write a manifest that says that version, last ─────────────────────┴─ now it is a store
//! ```
//!
//! The writer's lock is not taken: the pin keeps the segments in place, and frames that were
//! released meanwhile show that the log has moved.

use std::path::Path;
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::catalog::{Catalog, PartitionKey, Pinned, ReadCatalog, SegmentEntry, Version};
use crate::disk::{Disk, ReadFile, names};
use crate::ingest::log::{Cursor, Log, LogOptions, Replayed, replay};
use crate::store::options::Options;
use crate::store::reader::TRIES;

/// How much of a file is copied at a time.
const COPY_BYTES: usize = 1 << 20;

/// What a backup consists of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupReport {
    /// Segments, the quarantine's included.
    pub segments: u64,
    /// Bytes of the files that the backup shares with the store: both have a name of them.
    pub linked_bytes: u64,
    /// Bytes of the files that were copied, where the file system of the directory is another.
    pub copied_bytes: u64,
    /// Batches that were not yet in segments.
    pub batches: u64,
    /// Their bytes.
    pub logged_bytes: u64,
}

/// A store that is to be copied.
pub(crate) struct Original<'a> {
    disk: &'a Arc<dyn Disk>,
    root: &'a Path,
    /// Of the log that is written.
    log: LogOptions,
    /// Permissions of the folders that are made.
    mode: u32,
}

impl<'a> Original<'a> {
    /// The store at `root`.
    pub(crate) fn new(disk: &'a Arc<dyn Disk>, root: &'a Path, options: &Options) -> Self {
        let log = LogOptions::of_store(options.memory_bytes, options.mode);
        Self { disk, root, log, mode: options.mode }
    }

    /// Copies what is acknowledged now to `to`, which must be empty, or not there.
    pub(crate) fn backup(&self, to: &Path) -> Result<BackupReport> {
        let disk = self.disk.as_ref();
        if disk.exists(to)? && !disk.list(to)?.is_empty() {
            let message = format!("{} is not empty: nothing was written", to.display());
            return Err(Error::invalid(message));
        }
        let mut report = BackupReport::default();
        self.copy(to, &mut report)?;
        Ok(report)
    }

    fn copy(&self, to: &Path, report: &mut BackupReport) -> Result<()> {
        let disk = self.disk.as_ref();
        disk.create_dir_all(to, self.mode)?;
        disk.sync_dir(to.parent().filter(|dir| *dir != Path::new("")).unwrap_or(Path::new(".")))?;
        let pinned = self.copy_log(to, report)?;
        self.copy_segments(&pinned.version, to, report)?;
        let quarantine = self.root.join(names::QUARANTINE_DIR);
        if disk.exists(&quarantine.join(names::MANIFEST))? {
            let apart = Original { root: &quarantine, ..*self };
            apart.copy(&to.join(names::QUARANTINE_DIR), report)?;
        }
        Catalog::begin(disk, to, self.mode, &pinned.version)
    }

    /// Copies the frames that the segments of a version lack, and returns that, pinned.
    fn copy_log(&self, to: &Path, report: &mut BackupReport) -> Result<Pinned> {
        let mut moved = Error::Busy;
        for _ in 0..TRIES {
            let pinned = ReadCatalog::open(Arc::clone(self.disk), self.root)?.current().clone();
            let first = pinned.version.log_floor + 1;
            let dir = to.join(names::LOG_DIR);
            let log = Log::begin(Arc::clone(self.disk), dir.clone(), self.log, first)?;
            let (mut batches, mut logged_bytes) = (0, 0);
            let replayed = replay(
                self.disk.as_ref(),
                &self.root.join(names::LOG_DIR),
                Cursor::at(first),
                &mut |_, payload| {
                    batches += 1;
                    logged_bytes += payload.len() as u64;
                    log.append(&[payload]).map(drop)
                },
            )?;
            match replayed {
                Replayed::Whole(_) => {
                    log.sync()?;
                    report.batches += batches;
                    report.logged_bytes += logged_bytes;
                    return Ok(pinned);
                }
                Replayed::Moved(error) => moved = error,
            }
            drop(log);
            for file in self.disk.list(&dir)? {
                self.disk.remove_file(&dir.join(file.name))?;
            }
        }
        Err(moved)
    }

    fn copy_segments(&self, version: &Version, to: &Path, report: &mut BackupReport) -> Result<()> {
        for (key, entry) in &version.partitions {
            if entry.segments.is_empty() {
                continue;
            }
            let folder = key.dir(to);
            self.disk.create_dir_all(&folder, self.mode)?;
            for segment in &entry.segments {
                self.copy_segment(key, segment, to, report)?;
            }
            self.disk.sync_dir(&folder)?;
        }
        self.disk.sync_dir(to)
    }

    fn copy_segment(
        &self,
        key: &PartitionKey,
        segment: &SegmentEntry,
        to: &Path,
        report: &mut BackupReport,
    ) -> Result<()> {
        let path = |root| (key.segment_path(root, segment.id), key.ids_path(root, segment.id));
        let ((from, ids_from), (new, ids_new)) = (path(self.root), path(to));
        self.link_or_copy(&from, &new, report)?;
        report.segments += 1;
        match self.link_or_copy(&ids_from, &ids_new, report) {
            // It says nothing that its segment does not say too.
            Err(Error::NotFound { .. }) => Ok(()),
            result => result,
        }
    }

    /// Gives a file that never changes a second name, or copies it where that cannot be.
    fn link_or_copy(&self, from: &Path, to: &Path, report: &mut BackupReport) -> Result<()> {
        let file = self.disk.open(from)?;
        if self.disk.hard_link(from, to).is_ok() {
            report.linked_bytes += file.len();
            return Ok(());
        }
        report.copied_bytes += file.len();
        self.copy_file(file.as_ref(), to)
    }

    fn copy_file(&self, file: &dyn ReadFile, to: &Path) -> Result<()> {
        let mut copy = self.disk.create(to)?;
        let mut offset = 0;
        while offset < file.len() {
            let len = usize::try_from(file.len() - offset).unwrap_or(COPY_BYTES).min(COPY_BYTES);
            copy.write_at(offset, &file.read_at(offset, len)?)?;
            offset += len as u64;
        }
        copy.sync()
    }
}
