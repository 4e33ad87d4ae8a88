//! The catalog as other processes read it, beside the writer.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::catalog::manifest::{self, Manifest};
use crate::catalog::pins::{self, Held};
use crate::catalog::version::Version;
use crate::disk::{Disk, FileLock, LockKind, names};

/// How often a reader begins anew when the version moves under its hands. Each time costs reading
/// the manifest, while the writer must have synced an edit: running out takes a writer that edits
/// without pause.
const MAX_ATTEMPTS: usize = 1000;

/// A version whose files stay while this lives. Clones share the pin.
#[derive(Clone, Debug)]
pub struct Pinned {
    /// What is live.
    pub version: Arc<Version>,
    /// `None` where the pin could not be made and no writer was there to unlink anything.
    pin: Option<Arc<dyn FileLock>>,
}

impl Pinned {
    /// Whether the files of the version surely stay. They do unless the store cannot be written
    /// by this process and its last writer died at an unlucky moment.
    pub fn is_held(&self) -> bool {
        self.pin.is_some()
    }
}

/// A read-only view of a store's catalog.
#[derive(Debug)]
pub struct ReadCatalog {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    current: Pinned,
}

impl ReadCatalog {
    /// Reads and pins the current version of the store at `root`.
    pub fn open(disk: Arc<dyn Disk>, root: &Path) -> Result<Self> {
        let current = pin_current(disk.as_ref(), root)?;
        Ok(Self { disk, root: root.to_path_buf(), current })
    }

    /// The version as last read.
    pub fn current(&self) -> &Pinned {
        &self.current
    }

    /// Moves on to the version that is current now, and returns whether it is another one. The
    /// files of the former stay for as long as a clone of its [`Pinned`] lives.
    pub fn refresh(&mut self) -> Result<bool> {
        let number = self.current.version.number;
        if self.current.is_held() && read(self.disk.as_ref(), &self.root)?.number == number {
            return Ok(false);
        }
        self.current = pin_current(self.disk.as_ref(), &self.root)?;
        Ok(self.current.version.number != number)
    }
}

fn pin_current(disk: &dyn Disk, root: &Path) -> Result<Pinned> {
    for _ in 0..MAX_ATTEMPTS {
        let version = read(disk, root)?;
        match pins::hold(disk, root, version.number)? {
            Held::Locked(pin) => {
                // The writer unlinks only pins older than what `read` gives, so this one counts.
                if read(disk, root)?.number == version.number {
                    return Ok(Pinned { version: Arc::new(version), pin: Some(Arc::from(pin)) });
                }
            }
            Held::Going => {}
            Held::Missing => {
                let owed = !has_writer(disk, root)?;
                if owed && make_pin(disk, root, version.number).is_err() {
                    return Ok(Pinned { version: Arc::new(version), pin: None });
                }
            }
        }
        std::thread::yield_now();
    }
    Err(Error::Busy)
}

/// The last version that is surely durable.
fn read(disk: &dyn Disk, root: &Path) -> Result<Version> {
    let path = root.join(names::MANIFEST);
    let mut found = manifest::read(&path, &disk.read(&path)?)?;
    let newest = pins::list(disk, root)?.last().copied();
    if newest > Some(found.version.number) {
        // The writer may have gone on between the two reads. Now the record of that pin is whole.
        found = manifest::read(&path, &disk.read(&path)?)?;
        check_pins(&path, &found, newest)?;
    }
    let Manifest { version, previous, .. } = found;
    // A pin that is missing without a writer was lost with the power: the record was not.
    let unsynced = newest < Some(version.number) && has_writer(disk, root)?;
    let pinned = previous.filter(|previous| unsynced && newest == Some(previous.number));
    Ok(pinned.unwrap_or(version))
}

/// Refuses a manifest that lacks a version of which there is a pin.
pub(super) fn check_pins(path: &Path, found: &Manifest, newest: Option<u64>) -> Result<()> {
    match newest.filter(|&newest| newest > found.version.number) {
        None => Ok(()),
        Some(newest) => {
            let number = found.version.number;
            let detail = format!("version {newest} was synced, but only {number} can be read");
            Err(Error::corrupt(path, found.end as u64, "manifest record", detail))
        }
    }
}

/// Makes the pin that a writer which died owed. The record is synced first: a pin vouches for it.
fn make_pin(disk: &dyn Disk, root: &Path, version: u64) -> Result<()> {
    disk.open_write(&root.join(names::MANIFEST))?.sync()?;
    pins::make(disk, root, version)
}

/// Whether some process has the store open for writing.
fn has_writer(disk: &dyn Disk, root: &Path) -> Result<bool> {
    match disk.lock(&root.join(names::LOCK), LockKind::Shared) {
        Ok(lock) => Ok(lock.is_none()),
        Err(Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
