//! Open files and locks of a disk in memory.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::disk::bytes::ByteView;
use crate::disk::memory::MemDisk;
use crate::disk::memory::content::Written;
use crate::disk::memory::faults::OpKind;
use crate::disk::memory::tree::NodeId;
use crate::disk::{FileLock, LockKind, ReadFile, WriteFile, missing_bytes};

/// A published file, as it was when it was opened.
pub struct MemFile {
    path: PathBuf,
    bytes: ByteView,
}

impl MemFile {
    pub fn new(path: &Path, bytes: Arc<Vec<u8>>) -> Self {
        Self { path: path.to_path_buf(), bytes: bytes.into() }
    }
}

impl ReadFile for MemFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, len: usize) -> Result<ByteView> {
        let start = usize::try_from(offset).ok();
        let range = start.and_then(|start| Some(start..start.checked_add(len)?));
        let view = range.and_then(|range| self.bytes.slice(range));
        view.ok_or_else(|| missing_bytes(&self.path, offset))
    }
}

/// A file being written. Its creator has counted it among the file's handles.
pub struct MemWriter {
    disk: MemDisk,
    path: PathBuf,
    node: NodeId,
}

impl MemWriter {
    pub fn new(disk: &MemDisk, path: &Path, node: NodeId) -> Self {
        Self { disk: disk.clone(), path: path.to_path_buf(), node }
    }
}

impl WriteFile for MemWriter {
    fn path(&self) -> &Path {
        &self.path
    }

    fn len(&self) -> Result<u64> {
        let state = self.disk.state();
        let len = state.ops.check_power().and_then(|()| Ok(state.tree.content(self.node)?.len()));
        Ok(len.map_err(|source| Error::io("examine", &self.path, source))? as u64)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        let written = write(&self.disk, &self.path, self.node, offset, bytes);
        written.map_err(|source| Error::io("write", &self.path, source))
    }

    fn sync(&mut self) -> Result<()> {
        self.disk.stall.pass(&self.path);
        let synced = self.disk.state().sync(&self.path, self.node);
        synced.map_err(|source| Error::io("sync", &self.path, source))
    }

    fn set_len(&mut self, len: u64) -> Result<()> {
        let set = Written::length(len)
            .and_then(|what| self.disk.state().write(OpKind::SetLen, &self.path, self.node, what));
        set.map_err(|source| Error::io("set the length of", &self.path, source))
    }
}

fn write(disk: &MemDisk, path: &Path, node: NodeId, offset: u64, bytes: &[u8]) -> io::Result<()> {
    let what = Written::bytes_at(offset, bytes)?;
    disk.state().write(OpKind::Write, path, node, what)
}

impl Drop for MemWriter {
    fn drop(&mut self) {
        if let Ok(content) = self.disk.state().tree.content_mut(self.node) {
            content.handles -= 1;
        }
    }
}

/// A lock that has been taken.
pub struct MemLock {
    disk: MemDisk,
    path: PathBuf,
    node: NodeId,
    kind: LockKind,
}

impl MemLock {
    pub fn new(disk: &MemDisk, path: &Path, node: NodeId, kind: LockKind) -> Self {
        Self { disk: disk.clone(), path: path.to_path_buf(), node, kind }
    }
}

impl FileLock for MemLock {
    fn path(&self) -> &Path {
        &self.path
    }

    fn write_holder(&self, holder: &str) -> Result<()> {
        let failed = |source| Error::io("write", &self.path, source);
        if self.kind == LockKind::Shared {
            return Err(failed(io::ErrorKind::PermissionDenied.into()));
        }
        let cut =
            self.disk.state().write(OpKind::SetLen, &self.path, self.node, Written::Length(0));
        cut.map_err(failed)?;
        let text = format!("{holder}\n");
        write(&self.disk, &self.path, self.node, 0, text.as_bytes()).map_err(failed)
    }
}

impl Drop for MemLock {
    fn drop(&mut self) {
        if let Ok(content) = self.disk.state().tree.content_mut(self.node) {
            content.unlock();
        }
    }
}

impl fmt::Debug for MemFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemFile({}, {} bytes)", self.path.display(), self.bytes.len())
    }
}

impl fmt::Debug for MemWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemWriter({})", self.path.display())
    }
}

impl fmt::Debug for MemLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemLock({}, {:?})", self.path.display(), self.kind)
    }
}
