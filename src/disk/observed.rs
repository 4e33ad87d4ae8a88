//! A disk whose syncs are timed for an observer.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use crate::base::error::Result;
use crate::base::observer::{FileKind, Observer, StoreEvent};
use crate::disk::{DirEntry, Disk, FileLock, LockKind, ReadFile, WriteFile, names};

/// Another disk, and who is told of its syncs. Only stores with an observer have one.
pub struct ObservedDisk {
    disk: Arc<dyn Disk>,
    observer: Arc<dyn Observer>,
}

impl ObservedDisk {
    /// Times the syncs of `disk`.
    pub fn new(disk: Arc<dyn Disk>, observer: Arc<dyn Observer>) -> Self {
        Self { disk, observer }
    }

    fn watch(&self, file: Box<dyn WriteFile>) -> Box<dyn WriteFile> {
        let kind = kind_of(file.path());
        Box::new(ObservedFile { file, kind, observer: Arc::clone(&self.observer) })
    }
}

impl fmt::Debug for ObservedDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObservedDisk({:?})", self.disk)
    }
}

/// What the file at `path` is, by its name.
fn kind_of(path: &Path) -> FileKind {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if names::parse_log(name).is_some() || names::parse_spare(name).is_some() {
        FileKind::Log
    } else if name.starts_with(names::MANIFEST) {
        FileKind::Manifest
    } else {
        FileKind::Segment
    }
}

/// Does `sync`, and tells how long it took.
fn timed(observer: &dyn Observer, file: FileKind, sync: impl FnOnce() -> Result<()>) -> Result<()> {
    let begin = Instant::now();
    let synced = sync();
    observer.observe(&StoreEvent::Synced { file, took: begin.elapsed() });
    synced
}

/// A file of an [`ObservedDisk`].
#[derive(Debug)]
struct ObservedFile {
    file: Box<dyn WriteFile>,
    kind: FileKind,
    observer: Arc<dyn Observer>,
}

impl WriteFile for ObservedFile {
    fn path(&self) -> &Path {
        self.file.path()
    }

    fn len(&self) -> Result<u64> {
        self.file.len()
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.file.write_at(offset, bytes)
    }

    fn sync(&mut self) -> Result<()> {
        timed(self.observer.as_ref(), self.kind, || self.file.sync())
    }

    fn set_len(&mut self, len: u64) -> Result<()> {
        self.file.set_len(len)
    }
}

impl Disk for ObservedDisk {
    fn create_dir_all(&self, dir: &Path, mode: u32) -> Result<()> {
        self.disk.create_dir_all(dir, mode)
    }

    fn list(&self, dir: &Path) -> Result<Vec<DirEntry>> {
        self.disk.list(dir)
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn ReadFile>> {
        self.disk.open(path)
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>> {
        self.disk.read(path)
    }

    fn read_part(&self, path: &Path, offset: u64, len: usize) -> Result<Vec<u8>> {
        self.disk.read_part(path, offset, len)
    }

    fn create(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        self.disk.create(path).map(|file| self.watch(file))
    }

    fn open_write(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        self.disk.open_write(path).map(|file| self.watch(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.disk.rename(from, to)
    }

    fn hard_link(&self, existing: &Path, new: &Path) -> Result<()> {
        self.disk.hard_link(existing, new)
    }

    fn remove_file(&self, path: &Path) -> Result<()> {
        self.disk.remove_file(path)
    }

    fn remove_dir(&self, dir: &Path) -> Result<()> {
        self.disk.remove_dir(dir)
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        self.disk.exists(path)
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        timed(self.observer.as_ref(), FileKind::Folder, || self.disk.sync_dir(dir))
    }

    fn lock(&self, path: &Path, kind: LockKind) -> Result<Option<Box<dyn FileLock>>> {
        self.disk.lock(path, kind)
    }

    fn free_bytes(&self, dir: &Path) -> Result<u64> {
        self.disk.free_bytes(dir)
    }
}
