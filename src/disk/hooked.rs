//! For tests: a disk that lets something happen before a chosen operation, as another process
//! might, and that can refuse to be written.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::base::error::{Error, Result};
use crate::disk::memory::MemDisk;
use crate::disk::{DirEntry, Disk, FileLock, LockKind, ReadFile, WriteFile};

type Hook = Box<dyn FnOnce() + Send>;

/// One process's sight of a [`MemDisk`].
pub struct HookedDisk {
    disk: MemDisk,
    calls: AtomicU64,
    hook: Mutex<Option<(u64, Hook)>>,
    read_only: AtomicBool,
}

impl HookedDisk {
    pub fn new(disk: &MemDisk) -> Self {
        Self {
            disk: disk.clone(),
            calls: AtomicU64::new(0),
            hook: Mutex::new(None),
            read_only: AtomicBool::new(false),
        }
    }

    /// Runs `hook` before call number `call`, reading calls included.
    pub fn before(&self, call: u64, hook: impl FnOnce() + Send + 'static) {
        *self.hook.lock().unwrap() = Some((call, Box::new(hook)));
    }

    /// Whether the hook has run.
    pub fn has_run(&self) -> bool {
        self.hook.lock().unwrap().is_none()
    }

    /// From here on, whatever would change something fails.
    pub fn set_read_only(&self) {
        self.read_only.store(true, Ordering::Relaxed);
    }

    fn reading(&self) -> &MemDisk {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let hook = self.hook.lock().unwrap().take_if(|(due, _)| *due == call);
        if let Some((_, hook)) = hook {
            hook();
        }
        &self.disk
    }

    fn writing(&self, path: &Path) -> Result<&MemDisk> {
        let disk = self.reading();
        if self.read_only.load(Ordering::Relaxed) {
            let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
            return Err(Error::io("write", path, denied));
        }
        Ok(disk)
    }
}

impl fmt::Debug for HookedDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HookedDisk({:?})", self.disk)
    }
}

impl Disk for HookedDisk {
    fn create_dir_all(&self, dir: &Path, mode: u32) -> Result<()> {
        self.writing(dir)?.create_dir_all(dir, mode)
    }

    fn list(&self, dir: &Path) -> Result<Vec<DirEntry>> {
        self.reading().list(dir)
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn ReadFile>> {
        self.reading().open(path)
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>> {
        self.reading().read(path)
    }

    fn read_part(&self, path: &Path, offset: u64, len: usize) -> Result<Vec<u8>> {
        self.reading().read_part(path, offset, len)
    }

    fn create(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        self.writing(path)?.create(path)
    }

    fn open_write(&self, path: &Path) -> Result<Box<dyn WriteFile>> {
        self.writing(path)?.open_write(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.writing(from)?.rename(from, to)
    }

    fn hard_link(&self, existing: &Path, new: &Path) -> Result<()> {
        self.writing(new)?.hard_link(existing, new)
    }

    fn remove_file(&self, path: &Path) -> Result<()> {
        self.writing(path)?.remove_file(path)
    }

    fn remove_dir(&self, dir: &Path) -> Result<()> {
        self.writing(dir)?.remove_dir(dir)
    }

    fn exists(&self, path: &Path) -> Result<bool> {
        self.reading().exists(path)
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        self.writing(dir)?.sync_dir(dir)
    }

    fn lock(&self, path: &Path, kind: LockKind) -> Result<Option<Box<dyn FileLock>>> {
        match kind {
            LockKind::Shared => self.reading().lock(path, kind),
            LockKind::Exclusive => self.writing(path)?.lock(path, kind),
        }
    }

    fn free_bytes(&self, dir: &Path) -> Result<u64> {
        self.reading().free_bytes(dir)
    }
}
