//! A file system in memory that can fail in every way a real one does, and repeats it exactly.
//!
//! It keeps two states: what a program sees, and what is surely on the medium. [`WriteFile::sync`]
//! carries a file's contents over, [`Disk::sync_dir`] a folder's names. [`MemDisk::crash`] gives
//! the disk that a program might find after power loss: all that was synced, and of the rest what
//! [`Survivors`] says.
//!
//! Every operation that changes something has a number, counted from 0. [`MemDisk::fail_at`] makes
//! one of them fail, so a test that cuts at every write and sync runs once to learn how many
//! there are ([`MemDisk::operations`]) and then once for each.
//!
//! ```text
//! names      folder -> name -> file             what a program sees
//!            folder -> name -> file             synced
//!            changes [creation, rename, ..]     not synced yet, in order
//! contents   file -> bytes                      what a program sees
//!            file -> bytes                      synced
//!            patches [write, length, ..]        not synced yet, in order
//! ```

mod content;
mod crash;
mod faults;
mod handles;
mod stall;
mod state;
#[cfg(test)]
mod tests;
mod tree;

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::error::{Error, Result};
use crate::disk::memory::handles::{MemFile, MemLock, MemWriter};
use crate::disk::memory::stall::Stall;
use crate::disk::memory::state::State;
use crate::disk::memory::tree::{Change, Edit};
use crate::disk::{DirEntry, Disk, FileLock, LockKind, ReadFile, WriteFile};

pub use crash::Survivors;
pub use faults::{Fault, Op, OpKind};

/// A file system in memory. Clones share it, as processes share a disk.
#[derive(Clone, Default)]
pub struct MemDisk {
    state: Arc<Mutex<State>>,
    stall: Arc<Stall>,
}

impl MemDisk {
    /// An empty disk without limits. Relative and absolute paths begin at the same root.
    pub fn new() -> Self {
        Self::default()
    }

    /// The disk after power loss now. This one is left as it is, so one moment can be looked at
    /// with several kinds of survivors. The new disk has the same capacity, no locks, no faults
    /// to come, and begins to count operations anew.
    pub fn crash(&self, survivors: Survivors) -> Self {
        let state = self.state().crash(survivors);
        Self { state: Arc::new(Mutex::new(state)), stall: Arc::default() }
    }

    /// How many operations that change something there have been, failed ones included.
    pub fn operations(&self) -> u64 {
        self.state().ops.count()
    }

    /// Makes the operation of that number fail.
    pub fn fail_at(&self, operation: u64, fault: Fault) {
        self.state().ops.fail_at(operation, fault);
    }

    /// Makes syncs wait of files whose path ends so, as on a disk that is too slow.
    pub fn hold_syncs(&self, suffix: &str) {
        self.stall.hold(suffix);
    }

    /// Lets all syncs go.
    pub fn let_syncs_go(&self) {
        self.stall.let_go();
    }

    /// How many syncs wait now.
    pub fn waiting_syncs(&self) -> usize {
        self.stall.waiting()
    }

    /// Keeps a record of operations from here on.
    pub fn record(&self) {
        self.state().ops.record();
    }

    /// The record so far.
    pub fn recorded(&self) -> Vec<Op> {
        self.state().ops.recorded()
    }

    /// Limits the bytes that all files may have together; `None` lifts the limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    /// The bytes of all files that have a name.
    pub fn used_bytes(&self) -> u64 {
        self.state().tree.used_bytes()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that panics under it is a failed test; others should fail for their own reasons.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for MemDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemDisk({} operations)", self.operations())
    }
}

impl Disk for MemDisk {
    fn create_dir_all(&self, dir: &Path, _mode: u32) -> Result<()> {
        let failed = |source| Error::io("create folder", dir, source);
        let mut state = self.state();
        let missing = state.tree.missing_folders(dir).map_err(failed)?;
        for path in missing {
            let (folder, name) = state.tree.parent(&path).map_err(failed)?;
            let node = state.tree.add_folder();
            let edits = vec![Edit { folder, name, node: Some(node) }];
            state.change(OpKind::CreateDir, &path, Change::of(folder, edits)).map_err(failed)?;
        }
        Ok(())
    }

    fn list(&self, dir: &Path) -> Result<Vec<DirEntry>> {
        let failed = |source| Error::io("list", dir, source);
        let state = self.state();
        state.ops.check_power().map_err(failed)?;
        state.tree.list(dir).map_err(failed)
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn ReadFile>> {
        let failed = |source| Error::io("open", path, source);
        let state = self.state();
        state.ops.check_power().map_err(failed)?;
        let node = state.tree.file(path).map_err(failed)?;
        let bytes = state.tree.content(node).map_err(failed)?.bytes();
        Ok(Arc::new(MemFile::new(path, bytes)))
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>> {
        let failed = |source| Error::io("read", path, source);
        let state = self.state();
        state.ops.check_power().map_err(failed)?;
        let node = state.tree.file(path).map_err(failed)?;
        Ok(state.tree.content(node).map_err(failed)?.bytes().to_vec())
    }

    fn read_part(&self, path: &Path, offset: u64, len: usize) -> Result<Vec<u8>> {
        let file = self.open(path)?;
        let start = offset.min(file.len());
        let left = usize::try_from(file.len() - start).unwrap_or(usize::MAX);
        Ok(file.read_at(start, len.min(left))?.to_vec())
    }

    fn create(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        let node = {
            let mut state = self.state();
            state.create(path).map_err(|source| Error::io("create", path, source))?
        };
        Ok(Box::new(MemWriter::new(self, path, node)))
    }

    fn open_write(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        let failed = |source| Error::io("open for writing", path, source);
        let node = {
            let mut state = self.state();
            state.ops.check_power().map_err(failed)?;
            let node = state.tree.file(path).map_err(failed)?;
            state.tree.content_mut(node).map_err(failed)?.handles += 1;
            node
        };
        Ok(Box::new(MemWriter::new(self, path, node)))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let mut state = self.state();
        state.rename(from, to).map_err(|source| Error::io("rename", from, source))
    }

    fn hard_link(&self, existing: &Path, new: &Path) -> Result<()> {
        let failed = |source| Error::io("link", existing, source);
        let mut state = self.state();
        state.ops.check_power().map_err(failed)?;
        let node = state.tree.file(existing).map_err(failed)?;
        let (folder, name) = state.tree.parent(new).map_err(failed)?;
        if state.tree.lookup(new).map_err(failed)?.is_some() {
            return Err(failed(ErrorKind::AlreadyExists.into()));
        }
        let edits = vec![Edit { folder, name, node: Some(node) }];
        state.change(OpKind::Link, new, Change::of(folder, edits)).map_err(failed)
    }

    fn remove_file(&self, path: &Path) -> Result<()> {
        let failed = |source| Error::io("remove", path, source);
        let mut state = self.state();
        state.ops.check_power().map_err(failed)?;
        state.tree.file(path).map_err(failed)?;
        state.remove(OpKind::RemoveFile, path).map_err(failed)
    }

    fn remove_dir(&self, dir: &Path) -> Result<()> {
        let failed = |source| Error::io("remove folder", dir, source);
        let mut state = self.state();
        state.ops.check_power().map_err(failed)?;
        if !state.tree.list(dir).map_err(failed)?.is_empty() {
            return Err(failed(ErrorKind::DirectoryNotEmpty.into()));
        }
        state.remove(OpKind::RemoveDir, dir).map_err(failed)
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        let failed = |source| Error::io("examine", path, source);
        let state = self.state();
        state.ops.check_power().map_err(failed)?;
        match state.tree.lookup(path) {
            Ok(node) => Ok(node.is_some()),
            Err(source) if source.kind() == ErrorKind::NotFound => Ok(false),
            Err(source) => Err(failed(source)),
        }
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        let failed = |source: io::Error| Error::io("sync folder", dir, source);
        let mut state = self.state();
        let folder = state.tree.folder(dir).map_err(failed)?;
        let fault = state.ops.next(OpKind::SyncDir, dir, 0).map_err(failed)?;
        if let Some(fault) = fault {
            return Err(failed(fault.error()));
        }
        state.tree.sync(folder);
        Ok(())
    }

    fn lock(&self, path: &Path, kind: LockKind) -> Result<Option<Box<dyn FileLock>>> {
        let failed = |source| Error::io("lock", path, source);
        let mut state = self.state();
        state.ops.check_power().map_err(failed)?;
        let known = state.tree.lookup(path).map_err(failed)?;
        let node = match (known, kind) {
            (None, LockKind::Exclusive) => {
                let node = state.create(path).map_err(failed)?;
                state.tree.content_mut(node).map_err(failed)?.handles -= 1;
                node
            }
            _ => state.tree.file(path).map_err(failed)?,
        };
        let taken = state.tree.content_mut(node).map_err(failed)?.lock(kind);
        Ok(taken.then(|| -> Box<dyn FileLock> { Box::new(MemLock::new(self, path, node, kind)) }))
    }

    fn free_bytes(&self, dir: &Path) -> Result<u64> {
        let failed = |source| Error::io("examine", dir, source);
        let state = self.state();
        state.ops.check_power().map_err(failed)?;
        state.tree.folder(dir).map_err(failed)?;
        Ok(state.capacity.map_or(u64::MAX, |all| all.saturating_sub(state.tree.used_bytes())))
    }
}
