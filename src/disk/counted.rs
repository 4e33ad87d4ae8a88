//! For tests and benches: a disk that notes which parts of published files it is asked for.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::error::Result;
use crate::disk::bytes::ByteView;
use crate::disk::{DirEntry, Disk, FileLock, LockKind, ReadFile, WriteFile};

/// Bytes of a range: what a disk reads at least.
const RANGE_BYTES: u64 = 4096;

/// The file and number of each range that was asked for.
type Asked = Arc<Mutex<BTreeSet<(PathBuf, u64)>>>;

/// Another disk, and what it was asked for.
#[derive(Clone)]
pub struct CountedDisk {
    disk: Arc<dyn Disk>,
    asked: Asked,
}

impl CountedDisk {
    /// Notes what `disk` is asked for.
    pub fn new(disk: impl Disk + 'static) -> Self {
        Self { disk: Arc::new(disk), asked: Asked::default() }
    }

    /// How many different ranges of 4 KiB of published files were asked for since the last call.
    pub fn take_ranges(&self) -> usize {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner)).len()
    }
}

impl fmt::Debug for CountedDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CountedDisk({:?})", self.disk)
    }
}

/// A published file of a [`CountedDisk`].
#[derive(Debug)]
struct CountedFile {
    file: Arc<dyn ReadFile>,
    asked: Asked,
}

impl ReadFile for CountedFile {
    fn path(&self) -> &Path {
        self.file.path()
    }

    fn len(&self) -> u64 {
        self.file.len()
    }

    fn read_at(&self, offset: u64, len: usize) -> Result<ByteView> {
        let bytes = self.file.read_at(offset, len)?;
        let ranges = offset / RANGE_BYTES..(offset + len as u64).div_ceil(RANGE_BYTES);
        let path = self.file.path();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.extend(ranges.map(|range| (path.to_path_buf(), range)));
        Ok(bytes)
    }
}

impl Disk for CountedDisk {
    fn open(&self, path: &Path) -> Result<Arc<dyn ReadFile>> {
        let file = self.disk.open(path)?;
        Ok(Arc::new(CountedFile { file, asked: Arc::clone(&self.asked) }))
    }

    fn create_dir_all(&self, dir: &Path, mode: u32) -> Result<()> {
        self.disk.create_dir_all(dir, mode)
    }

    fn list(&self, dir: &Path) -> Result<Vec<DirEntry>> {
        self.disk.list(dir)
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>> {
        self.disk.read(path)
    }

    fn read_part(&self, path: &Path, offset: u64, len: usize) -> Result<Vec<u8>> {
        self.disk.read_part(path, offset, len)
    }

    fn create(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        self.disk.create(path)
    }

    fn open_write(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        self.disk.open_write(path)
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
        self.disk.sync_dir(dir)
    }

    fn lock(&self, path: &Path, kind: LockKind) -> Result<Option<Box<dyn FileLock>>> {
        self.disk.lock(path, kind)
    }

    fn free_bytes(&self, dir: &Path) -> Result<u64> {
        self.disk.free_bytes(dir)
    }
}
