//! The catalog as the one writer changes it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::catalog::edit::Edit;
use crate::catalog::reader::check_pins;
use crate::catalog::version::{PartitionKey, Version};
use crate::catalog::{manifest, pins, tidy};
use crate::disk::{Disk, FileLock, LockKind, WriteFile, names};

/// A manifest smaller than this is not worth rewriting; tests meet the rewriting in a few edits.
const MIN_REWRITE_BYTES: u64 = if cfg!(test) { 1 << 10 } else { 64 << 10 };
/// A manifest is rewritten when it has grown to this many times its size after the last time: so
/// rewriting costs a fraction of appending, and opening reads little that is obsolete.
const REWRITE_GROWTH: u64 = 4;
/// A reader without the right to pin tries the writer's lock for an instant; a writer that comes
/// just then must not be turned away by that.
const LOCK_ATTEMPTS: usize = 100;

/// Takes the writer's lock of the store at `root`, under the name `holder`.
pub fn lock_writer(disk: &dyn Disk, root: &Path, holder: &str) -> Result<Box<dyn FileLock>> {
    let path = root.join(names::LOCK);
    for _ in 0..LOCK_ATTEMPTS {
        if let Some(lock) = disk.lock(&path, LockKind::Exclusive)? {
            // For people to read: a full disk must not keep anyone out.
            lock.write_holder(holder).ok();
            return Ok(lock);
        }
        std::thread::yield_now();
    }
    let by = disk.read(&path).unwrap_or_default();
    Err(Error::Locked { by: String::from_utf8_lossy(&by).trim().to_owned() })
}

/// The catalog, open for writing. The caller holds the writer's lock.
#[derive(Debug)]
pub struct Catalog {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    current: Arc<Version>,
    file: Box<dyn WriteFile>,
    /// Where the next record goes.
    end: u64,
    /// The size at which the manifest is rewritten.
    rewrite_at: u64,
    /// Files that are live no longer, and the version that removed them.
    obsolete: Vec<(u64, PartitionKey, u64)>,
    /// The first failure after which it is unknown what is on disk.
    poison: Option<String>,
}

impl Catalog {
    /// Makes the catalog of a new store in `root`, a folder that may have to be made but must not
    /// hold the data of another store.
    pub fn create(disk: Arc<dyn Disk>, root: &Path, mode: u32) -> Result<Self> {
        let path = free_manifest(disk.as_ref(), root, mode)?;
        refuse_orphaned_data(disk.as_ref(), root, &path)?;
        replace(disk.as_ref(), root, &Version::empty(1))?;
        Self::open(disk, root, mode)
    }

    /// Makes the catalog of a store in `root` that is as `version` says, whose files are there and
    /// durable.
    pub fn begin(disk: &dyn Disk, root: &Path, mode: u32, version: &Version) -> Result<()> {
        free_manifest(disk, root, mode)?;
        replace(disk, root, version)?;
        Ok(())
    }

    /// Opens the catalog of the store at `root`; `NotFound` if there is none. When it returns, the
    /// current version is durable, and files that the manifest does not know are set aside.
    pub fn open(disk: Arc<dyn Disk>, root: &Path, mode: u32) -> Result<Self> {
        let path = root.join(names::MANIFEST);
        let bytes = disk.read(&path)?;
        let found = manifest::read(&path, &bytes)?;
        check_pins(&path, &found, pins::list(disk.as_ref(), root)?.last().copied())?;
        let mut file = disk.open_write(&path)?;
        // Written again, not only synced: after a sync that failed, the kernel may hold the record
        // in memory as clean while the disk lacks it.
        let record = bytes.get(found.last_record..found.end).unwrap_or_default();
        file.write_at(found.last_record as u64, record)?;
        let end = found.end as u64;
        file.set_len(end)?;
        file.sync()?;
        let version = Arc::new(found.version);
        disk.create_dir_all(&pins::dir(root), mode)?;
        pins::make(disk.as_ref(), root, version.number)?;
        let removed = tidy::tidy(disk.as_ref(), root, mode, &version)?;
        let whole = manifest::whole(&version)?.len() as u64;
        let mut catalog = Self {
            obsolete: removed.iter().map(|&(key, id)| (version.number, key, id)).collect(),
            root: root.to_path_buf(),
            current: version,
            file,
            end,
            rewrite_at: rewrite_at(whole),
            poison: None,
            disk,
        };
        catalog.sweep()?;
        Ok(catalog)
    }

    /// The current version.
    pub fn current(&self) -> &Arc<Version> {
        &self.current
    }

    /// Makes `edit` durable and current, as a whole. After `InvalidInput` or `NoSpace` nothing has
    /// changed. `Poisoned` means that a sync failed: it is unknown whether the edit holds, its files
    /// must stay, and every later edit is refused until the catalog is opened again.
    pub fn apply(&mut self, edit: &Edit) -> Result<Arc<Version>> {
        self.check_poison()?;
        self.current.check(edit)?;
        let next = self.current.apply(edit);
        let record = manifest::edit_record(next.number, edit)?;
        if let Err(error) = self.file.write_at(self.end, &record) {
            self.withdraw();
            return Err(error);
        }
        if let Err(error) = self.file.sync() {
            return Err(self.poisoned(&error));
        }
        self.end += record.len() as u64;
        if !edit.remove.is_empty() || !edit.drop.is_empty() {
            let gone = self.current.segments().filter(|(key, s)| !next.contains(key, s.id));
            self.obsolete.extend(gone.map(|(key, segment)| (next.number, *key, segment.id)));
        }
        self.current = Arc::new(next);
        // The edit holds. A pin that cannot be made now, readers make for themselves.
        pins::make(self.disk.as_ref(), &self.root, self.current.number).ok();
        if self.end >= self.rewrite_at {
            self.rewrite();
        }
        Ok(Arc::clone(&self.current))
    }

    /// Unlinks the files that no version in use needs any more. To be called after edits, and now
    /// and then, since readers let go without a word.
    pub fn sweep(&mut self) -> Result<()> {
        let current = self.current.number;
        pins::make(self.disk.as_ref(), &self.root, current).ok();
        let held = pins::oldest_held(self.disk.as_ref(), &self.root, current)?;
        let mut failure = None;
        let (disk, root, version) = (&self.disk, &self.root, &self.current);
        self.obsolete.retain(|&(removed_in, key, id)| {
            if held.is_some_and(|held| held < removed_in) {
                return true;
            }
            // Best effort: without its segment it is found and removed by the next opening.
            disk.remove_file(&key.ids_path(root, id)).ok();
            match disk.remove_file(&key.segment_path(root, id)) {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => {
                    failure.get_or_insert(error);
                    return true;
                }
            }
            if !version.partitions.contains_key(&key) {
                // Fails, as it should, while anything is left.
                disk.remove_dir(&key.dir(root)).ok();
            }
            false
        });
        failure.map_or(Ok(()), Err)
    }

    /// How many segments' files wait to be unlinked.
    pub fn obsolete_files(&self) -> usize {
        self.obsolete.len()
    }

    fn check_poison(&self) -> Result<()> {
        let poison = self.poison.clone();
        poison.map_or(Ok(()), |cause| Err(Error::Poisoned { cause }))
    }

    /// Remembers the failure and passes it on as `Poisoned`, whatever it was: even a lack of space
    /// is none that one can wait for when it comes from a sync.
    fn poisoned(&mut self, error: &Error) -> Error {
        let cause = self.poison.get_or_insert(error.to_string()).clone();
        Error::Poisoned { cause }
    }

    /// Takes back a record whose writing failed, lest recovery take it for an edit.
    fn withdraw(&mut self) {
        let cut = self.file.set_len(self.end).and_then(|()| self.file.sync());
        if let Err(error) = cut {
            self.poisoned(&error);
        }
    }

    /// Rewrites the manifest. That it fails is no concern of the edit that was just made; if it is
    /// unknown which file bears the name now, no later edit may be made.
    fn rewrite(&mut self) {
        match replace(self.disk.as_ref(), &self.root, &self.current) {
            Ok((file, end)) => {
                self.file = file;
                self.end = end;
                self.rewrite_at = rewrite_at(end);
            }
            Err(Replace::Before(_)) => self.rewrite_at = self.end.saturating_mul(2),
            Err(Replace::Unknown(error)) => {
                self.poisoned(&error);
            }
        }
    }
}

fn rewrite_at(whole: u64) -> u64 {
    whole.saturating_mul(REWRITE_GROWTH).max(MIN_REWRITE_BYTES)
}

/// How replacing the manifest failed.
enum Replace {
    /// The manifest is as it was.
    Before(Error),
    /// The old one or the new one may be there after a crash.
    Unknown(Error),
}

impl From<Replace> for Error {
    fn from(failure: Replace) -> Self {
        let (Replace::Before(error) | Replace::Unknown(error)) = failure;
        error
    }
}

/// Puts a manifest that says just `version` in place, and returns it with its length.
fn replace(
    disk: &dyn Disk,
    root: &Path,
    version: &Version,
) -> Result<(Box<dyn WriteFile>, u64), Replace> {
    let path = root.join(names::MANIFEST);
    let tmp = root.join(names::tmp(names::MANIFEST));
    let write = || {
        let bytes = manifest::whole(version)?;
        let mut file = disk.create(&tmp)?;
        file.write_at(0, &bytes)?;
        file.sync()?;
        Ok(bytes.len() as u64)
    };
    let len = write().map_err(|error| {
        // Best effort: opening sets it aside otherwise.
        disk.remove_file(&tmp).ok();
        Replace::Before(error)
    })?;
    disk.rename(&tmp, &path).map_err(Replace::Unknown)?;
    disk.sync_dir(root).map_err(Replace::Unknown)?;
    // Opened anew, so that its errors name the right path.
    Ok((disk.open_write(&path).map_err(Replace::Unknown)?, len))
}

/// Makes the folders of a store, and tells where its manifest goes, which must not be there.
fn free_manifest(disk: &dyn Disk, root: &Path, mode: u32) -> Result<PathBuf> {
    make_dirs(disk, root, mode)?;
    let path = root.join(names::MANIFEST);
    match disk.exists(&path)? {
        true => Err(Error::invalid(format!("{} is there already", path.display()))),
        false => Ok(path),
    }
}

/// Makes `root` and the folder of pins, durably: each folder's name is synced before the next is
/// made in it, and taken back if that fails, so that a folder which is there need not be doubted.
fn make_dirs(disk: &dyn Disk, root: &Path, mode: u32) -> Result<()> {
    let pins = pins::dir(root);
    let mut missing = Vec::new();
    for dir in pins.ancestors().filter(|dir| !dir.as_os_str().is_empty()) {
        if disk.exists(dir)? {
            break;
        }
        missing.push(dir);
    }
    for dir in missing.into_iter().rev() {
        let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
        disk.create_dir_all(dir, mode)?;
        if let Err(error) = disk.sync_dir(parent.unwrap_or(Path::new("."))) {
            disk.remove_dir(dir).ok();
            return Err(error);
        }
    }
    Ok(())
}

/// A store without a manifest that holds data is damaged, not new: to begin afresh would set all
/// of its segments aside.
fn refuse_orphaned_data(disk: &dyn Disk, root: &Path, manifest: &Path) -> Result<()> {
    let mut data = Vec::new();
    for entry in disk.list(root)?.into_iter().filter(|entry| entry.is_dir) {
        let is_partition = names::parse_partition(&entry.name).is_some();
        if is_partition || entry.name == names::LOG_DIR {
            let files = disk.list(&root.join(&entry.name))?;
            data.extend(files.into_iter().map(|file| file.name).filter(|name| {
                names::parse_segment(name).is_some() || names::parse_log(name).is_some()
            }));
        }
    }
    match data.first() {
        None => Ok(()),
        Some(first) => {
            let detail = format!("the file is missing, though there are data such as {first}");
            Err(Error::corrupt(manifest, 0, "manifest", detail))
        }
    }
}
