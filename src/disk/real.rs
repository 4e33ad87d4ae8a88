//! The computer's file system.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock, statvfs};
use rustix::io::Errno;

use crate::base::error::{Error, Result};
use crate::disk::published::{Mapped, Positioned};
use crate::disk::{DirEntry, Disk, FileLock, LockKind, ReadFile, WriteFile};

/// How published files are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Io {
    /// Through a memory map: no copy, no system call for what is cached. A disk that fails under
    /// a map, or a program that cuts a published file, ends the process with SIGBUS.
    #[default]
    Map,
    /// By positioned reads: a copy and a system call each, and every failure is an error.
    Read,
}

/// The file system of the operating system.
#[derive(Clone, Copy, Debug)]
pub struct RealDisk {
    io: Io,
}

impl RealDisk {
    /// A disk that reads published files by `io`.
    pub fn new(io: Io) -> Self {
        Self { io }
    }
}

impl Disk for RealDisk {
    fn create_dir_all(&self, dir: &Path, mode: u32) -> Result<()> {
        let made = DirBuilder::new().recursive(true).mode(mode).create(dir);
        made.map_err(|source| Error::io("create folder", dir, source))
    }

    fn list(&self, dir: &Path) -> Result<Vec<DirEntry>> {
        let failed = |source| Error::io("list", dir, source);
        let mut entries = Vec::new();
        for entry in fs::read_dir(dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let about = match fs::metadata(entry.path()) {
                Ok(about) => about,
                // Removed since the folder was read, as a writer may do under a reader.
                Err(source) if source.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(Error::io("examine", &entry.path(), source)),
            };
            entries.push(DirEntry {
                name: entry.file_name().to_string_lossy().into_owned(),
                is_dir: about.is_dir(),
                len: if about.is_dir() { 0 } else { about.len() },
            });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn ReadFile>> {
        let failed = |source| Error::io("open", path, source);
        let file = File::open(path).map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        if !about.is_file() {
            return Err(failed(io::ErrorKind::InvalidInput.into()));
        }
        Ok(match self.io {
            Io::Map => Arc::new(Mapped::new(file, path, about.len())),
            Io::Read => Arc::new(Positioned::new(file, path, about.len())),
        })
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>> {
        fs::read(path).map_err(|source| Error::io("read", path, source))
    }

    fn read_part(&self, path: &Path, offset: u64, len: usize) -> Result<Vec<u8>> {
        let failed = |source| Error::io("read", path, source);
        let mut file = File::open(path).map_err(failed)?;
        if offset >= file.metadata().map_err(failed)?.len() {
            // Asked for, the system would refuse an offset that no file can have.
            return Ok(Vec::new());
        }
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        let mut bytes = Vec::new();
        // Grows with what comes, so that a length from a damaged header allocates nothing.
        file.take(u64::try_from(len).unwrap_or(u64::MAX))
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        Ok(bytes)
    }

    fn create(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        let mut options = OpenOptions::new();
        RealWriter::open(options.write(true).create(true).truncate(true), "create", path)
    }

    fn open_write(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        RealWriter::open(OpenOptions::new().write(true), "open for writing", path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        fs::rename(from, to).map_err(|source| Error::io("rename", from, source))
    }

    fn hard_link(&self, existing: &Path, new: &Path) -> Result<()> {
        fs::hard_link(existing, new).map_err(|source| Error::io("link", existing, source))
    }

    fn remove_file(&self, path: &Path) -> Result<()> {
        fs::remove_file(path).map_err(|source| Error::io("remove", path, source))
    }

    fn remove_dir(&self, dir: &Path) -> Result<()> {
        fs::remove_dir(dir).map_err(|source| Error::io("remove folder", dir, source))
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        fs::exists(path).map_err(|source| Error::io("examine", path, source))
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        let dir = here_if_empty(dir);
        let synced = File::open(dir).and_then(|folder| folder.sync_all());
        synced.map_err(|source| Error::io("sync folder", dir, source))
    }

    fn lock(&self, path: &Path, kind: LockKind) -> Result<Option<Box<dyn FileLock>>> {
        let failed = |source| Error::io("lock", path, source);
        let mut options = OpenOptions::new();
        let operation = match kind {
            LockKind::Shared => {
                options.read(true);
                FlockOperation::NonBlockingLockShared
            }
            LockKind::Exclusive => {
                options.read(true).write(true).create(true).truncate(false);
                FlockOperation::NonBlockingLockExclusive
            }
        };
        loop {
            let file = options.open(path).map_err(failed)?;
            match flock_uninterrupted(&file, operation) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(errno) => return Err(failed(errno.into())),
            }
            // Whoever held it may have removed or replaced the file between our opening and our
            // locking, and a lock on a file without a name keeps no one out. Then begin again: a
            // shared one ends with `NotFound`, an exclusive one makes the file anew.
            if is_at(&file, path).map_err(failed)? {
                return Ok(Some(Box::new(RealLock { path: path.to_path_buf(), file })));
            }
        }
    }

    fn free_bytes(&self, dir: &Path) -> Result<u64> {
        let dir = here_if_empty(dir);
        let about = statvfs(dir).map_err(|errno| Error::io("examine", dir, errno.into()))?;
        Ok(about.f_bavail.saturating_mul(about.f_frsize))
    }
}

/// The parent of a bare file name is the empty path, which no system call takes.
fn here_if_empty(dir: &Path) -> &Path {
    if dir.as_os_str().is_empty() { Path::new(".") } else { dir }
}

fn flock_uninterrupted(file: &File, operation: FlockOperation) -> Result<(), Errno> {
    loop {
        match flock(file.as_fd(), operation) {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}

/// Whether `path` still leads to the open `file`.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let held = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok((held.dev(), held.ino()) == (named.dev(), named.ino())),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(source),
    }
}

#[derive(Debug)]
struct RealWriter {
    path: PathBuf,
    file: File,
}

impl RealWriter {
    fn open(
        options: &OpenOptions,
        operation: &'static str,
        path: &Path,
    ) -> Result<Box<dyn WriteFile>> {
        let file = options.open(path).map_err(|source| Error::io(operation, path, source))?;
        Ok(Box::new(Self { path: path.to_path_buf(), file }))
    }
}

impl WriteFile for RealWriter {
    fn path(&self) -> &Path {
        &self.path
    }

    fn len(&self) -> Result<u64> {
        let about = self.file.metadata();
        Ok(about.map_err(|source| Error::io("examine", &self.path, source))?.len())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        let written = self.file.write_all_at(bytes, offset);
        written.map_err(|source| Error::io("write", &self.path, source))
    }

    fn sync(&mut self) -> Result<()> {
        // fdatasync keeps the bytes and the length, and spares the journal commit that a changed
        // modification time would cost at every commit of a recycled log. On macOS std turns it
        // into F_FULLFSYNC, as it does sync_all.
        self.file.sync_data().map_err(|source| Error::io("sync", &self.path, source))
    }

    fn set_len(&mut self, len: u64) -> Result<()> {
        self.file.set_len(len).map_err(|source| Error::io("set the length of", &self.path, source))
    }
}

/// The lock goes when the kernel closes `file`. Files are opened close-on-exec, so a child process
/// that is started meanwhile does not keep it.
#[derive(Debug)]
struct RealLock {
    path: PathBuf,
    file: File,
}

impl FileLock for RealLock {
    fn path(&self) -> &Path {
        &self.path
    }

    fn write_holder(&self, holder: &str) -> Result<()> {
        let text = format!("{holder}\n");
        let written =
            self.file.set_len(0).and_then(|()| self.file.write_all_at(text.as_bytes(), 0));
        written.map_err(|source| Error::io("write", &self.path, source))
    }
}
