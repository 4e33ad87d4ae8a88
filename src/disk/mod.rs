//! Floor 1: the file system, the clock and the threads, each behind a trait.
//!
//! Everything above reaches the outside world through here, so that a whole store runs
//! deterministically in memory: [`MemDisk`](memory::MemDisk) for [`RealDisk`](real::RealDisk),
//! [`ManualClock`](clock::ManualClock) for [`SystemClock`](clock::SystemClock), and
//! [`InlineExecutor`](executor::InlineExecutor) for [`ThreadPool`](pool::ThreadPool).
//!
//! What this room promises:
//!
//! - Every error names its path. Reading past the end of a file is `Corrupt`, section `file`.
//! - A file's contents are durable once [`WriteFile::sync`] has returned; its *name* is durable
//!   once [`Disk::sync_dir`] of its folder has. Neither implies the other. A sync that failed has
//!   lost data for good, even if the next one succeeds.
//! - [`Disk::rename`] replaces its target atomically.
//! - A lock is the kernel's: it goes with the process that holds it, however that ends.
//!
//! All names of files stand in [`names`].

pub mod bytes;
pub mod clock;
pub mod counted;
pub mod executor;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
pub mod hooked;
mod map;
pub mod memory;
pub mod names;
pub mod observed;
pub mod pool;
mod published;
pub mod real;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::disk::bytes::ByteView;

/// A file system. Paths are absolute, or relative to the working directory.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Makes `dir` and what is missing above it, each with `mode`. Syncs nothing.
    fn create_dir_all(&self, dir: &Path, mode: u32) -> Result<()>;

    /// What `dir` holds, sorted by name.
    fn list(&self, dir: &Path) -> Result<Vec<DirEntry>>;

    /// Opens a published file, whose bytes never change from here on.
    fn open(&self, path: &Path) -> Result<Arc<dyn ReadFile>>;

    /// The whole contents of a file that may still grow or be replaced; never mapped.
    fn read(&self, path: &Path) -> Result<Vec<u8>>;

    /// Up to `len` bytes at `offset` of such a file; fewer only where it ends. Takes memory for
    /// what is there, whatever `len` says.
    fn read_part(&self, path: &Path, offset: u64, len: usize) -> Result<Vec<u8>>;

    /// Opens a file for writing: new, or emptied. Its folder must exist.
    fn create(&self, path: &Path) -> Result<Box<dyn WriteFile>>;

    /// Opens an existing file for writing and keeps its contents.
    fn open_write(&self, path: &Path) -> Result<Box<dyn WriteFile>>;

    /// Moves a file or folder; a file at `to` is replaced atomically.
    fn rename(&self, from: &Path, to: &Path) -> Result<()>;

    /// Gives the file at `existing` a second name, which must be free.
    fn hard_link(&self, existing: &Path, new: &Path) -> Result<()>;

    /// Removes a file's name; whoever has it open reads on.
    fn remove_file(&self, path: &Path) -> Result<()>;

    /// Removes an empty folder.
    fn remove_dir(&self, dir: &Path) -> Result<()>;

    /// Whether there is a file or folder at `path`.
    fn exists(&self, path: &Path) -> Result<bool>;

    /// Makes the names in `dir` durable: what was created, renamed into it or removed.
    fn sync_dir(&self, dir: &Path) -> Result<()>;

    /// Takes a lock without waiting; `None` if another handle, here or in another process, holds
    /// one that conflicts. An exclusive lock makes the file if need be; a shared one needs only
    /// the right to read, and finds the file or fails with `NotFound`.
    fn lock(&self, path: &Path, kind: LockKind) -> Result<Option<Box<dyn FileLock>>>;

    /// Bytes that this process may still write to the file system of `dir`.
    fn free_bytes(&self, dir: &Path) -> Result<u64>;
}

/// A published file: immutable, read at any offset, by any number of threads.
pub trait ReadFile: Send + Sync + fmt::Debug {
    /// Where it was opened.
    fn path(&self) -> &Path;

    /// Its length when it was opened.
    fn len(&self) -> u64;

    /// The bytes `offset..offset + len`; `Corrupt` if the file ends before.
    fn read_at(&self, offset: u64, len: usize) -> Result<ByteView>;
}

/// A file being written.
pub trait WriteFile: Send + fmt::Debug {
    /// Where it was opened.
    fn path(&self) -> &Path;

    /// Its length now.
    fn len(&self) -> Result<u64>;

    /// Writes all of `bytes` at `offset`; a gap before it reads as zeros. After an error any part
    /// of them may have been written.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()>;

    /// Makes the contents and the length durable. After an error what was written since the last
    /// success must be taken for lost: the kernel may have dropped it, and a retry may succeed
    /// without having written it.
    fn sync(&mut self) -> Result<()>;

    /// Cuts the file, or extends it with zeros.
    fn set_len(&mut self, len: u64) -> Result<()>;
}

/// A lock held until this is dropped.
pub trait FileLock: Send + Sync + fmt::Debug {
    /// The locked file.
    fn path(&self) -> &Path;

    /// Replaces the content of the locked file, under an exclusive lock, by the name of its
    /// holder. It is for people to read, so it is not synced.
    fn write_holder(&self, holder: &str) -> Result<()>;
}

/// Who else may hold a lock on the same file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LockKind {
    /// Other shared holders.
    Shared,
    /// No one.
    Exclusive,
}

/// One name in a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DirEntry {
    /// The name, without its folder. Bytes that are not UTF-8 are replaced: such a name is none
    /// of ours.
    pub name: String,
    /// Whether it is a folder.
    pub is_dir: bool,
    /// The file's length in bytes; 0 for a folder.
    pub len: u64,
}

/// The error of reading past the end of a file.
fn missing_bytes(path: &Path, offset: u64) -> Error {
    Error::corrupt(path, offset, "file", "missing bytes")
}
