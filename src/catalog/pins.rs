//! Pins: how readers in other processes keep the writer from unlinking what they still read.

use std::path::{Path, PathBuf};

use crate::base::error::{Error, Result};
use crate::disk::{Disk, FileLock, LockKind, names};

/// Where the pins of the store at `root` lie.
pub fn dir(root: &Path) -> PathBuf {
    root.join(names::PINS_DIR)
}

/// The pin of `version`.
pub fn path(root: &Path, version: u64) -> PathBuf {
    dir(root).join(names::pin_file(version))
}

/// The versions that have a pin, ascending.
pub fn list(disk: &dyn Disk, root: &Path) -> Result<Vec<u64>> {
    match disk.list(&dir(root)) {
        Ok(entries) => Ok(entries.iter().filter_map(|e| names::parse_pin(&e.name)).collect()),
        Err(Error::NotFound { .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Makes the pin of `version` unless it is there. Its record must have been synced.
pub fn make(disk: &dyn Disk, root: &Path, version: u64) -> Result<()> {
    let path = path(root, version);
    if !disk.exists(&path)? {
        disk.create(&path)?;
    }
    Ok(())
}

/// Removes the pins below `current` that nobody holds, and returns the lowest that somebody does.
///
/// Only the writer calls this. A reader that locks a pin while it is being unlinked finds the
/// manifest moved and begins anew.
pub fn oldest_held(disk: &dyn Disk, root: &Path, current: u64) -> Result<Option<u64>> {
    let mut oldest = None;
    for version in list(disk, root)?.into_iter().take_while(|&version| version < current) {
        let path = path(root, version);
        match disk.lock(&path, LockKind::Exclusive)? {
            Some(_free) => disk.remove_file(&path)?,
            None => oldest = oldest.or(Some(version)),
        }
    }
    Ok(oldest)
}

/// What came of a reader's attempt to pin a version.
#[derive(Debug)]
pub enum Held {
    /// The pin is locked. It counts only if the manifest still says this version.
    Locked(Box<dyn FileLock>),
    /// The writer is about to unlink the pin: the version has moved.
    Going,
    /// There is no such pin.
    Missing,
}

/// Takes the shared lock on the pin of `version`.
pub fn hold(disk: &dyn Disk, root: &Path, version: u64) -> Result<Held> {
    match disk.lock(&path(root, version), LockKind::Shared) {
        Ok(Some(lock)) => Ok(Held::Locked(lock)),
        Ok(None) => Ok(Held::Going),
        Err(Error::NotFound { .. }) => Ok(Held::Missing),
        Err(error) => Err(error),
    }
}
