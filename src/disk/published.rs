//! Published files of the real disk, mapped or read by position.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::base::error::{Error, Result};
use crate::disk::bytes::ByteView;
use crate::disk::map::Map;
use crate::disk::{ReadFile, missing_bytes};

/// Where in a file of `len` bytes `wanted` bytes at `offset` lie, or the error that they do not.
fn inside(path: &Path, len: u64, offset: u64, wanted: usize) -> Result<()> {
    let end = u64::try_from(wanted).ok().and_then(|wanted| offset.checked_add(wanted));
    if end.is_some_and(|end| end <= len) { Ok(()) } else { Err(missing_bytes(path, offset)) }
}

/// A file that is mapped when it is first read. From then on it needs no file descriptor, which are few on macOS.
#[derive(Debug)]
pub struct Mapped {
    path: PathBuf,
    len: u64,
    /// Empty once mapped.
    file: Mutex<Option<File>>,
    map: OnceLock<Arc<Map>>,
}

impl Mapped {
    /// A file of `len` bytes, opened at `path`.
    pub fn new(file: File, path: &Path, len: u64) -> Self {
        Self { path: path.to_path_buf(), len, file: Mutex::new(Some(file)), map: OnceLock::new() }
    }

    fn map(&self) -> Result<&Arc<Map>> {
        if let Some(map) = self.map.get() {
            return Ok(map);
        }
        // Held while mapping, so that a second reader neither maps again nor finds no file. A
        // panic under it leaves the file where it was.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = file.as_ref() {
            let map = Arc::new(Map::of(open, &self.path, self.len)?);
            let map = self.map.get_or_init(|| map);
            *file = None;
            return Ok(map);
        }
        // The file is only ever given up for a map.
        self.map.get().ok_or_else(|| missing_bytes(&self.path, 0))
    }
}

impl ReadFile for Mapped {
    fn path(&self) -> &Path {
        &self.path
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, len: usize) -> Result<ByteView> {
        inside(&self.path, self.len, offset, len)?;
        if len == 0 {
            return Ok(ByteView::default());
        }
        let missing = || missing_bytes(&self.path, offset);
        let start = usize::try_from(offset).map_err(|_| missing())?;
        let end = start.checked_add(len).ok_or_else(missing)?;
        ByteView::mapped(Arc::clone(self.map()?), start..end).ok_or_else(missing)
    }
}

/// A file read by pread(2).
#[derive(Debug)]
pub struct Positioned {
    path: PathBuf,
    len: u64,
    file: File,
}

impl Positioned {
    /// A file of `len` bytes, opened at `path`.
    pub fn new(file: File, path: &Path, len: u64) -> Self {
        Self { path: path.to_path_buf(), len, file }
    }
}

impl ReadFile for Positioned {
    fn path(&self) -> &Path {
        &self.path
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, len: usize) -> Result<ByteView> {
        // Checked before the buffer is made: no length from a damaged file allocates more than
        // the file holds.
        inside(&self.path, self.len, offset, len)?;
        let mut bytes = vec![0; len];
        match self.file.read_exact_at(&mut bytes, offset) {
            Ok(()) => Ok(bytes.into()),
            Err(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
                Err(missing_bytes(&self.path, offset))
            }
            Err(source) => Err(Error::io("read", &self.path, source)),
        }
    }
}
