//! Where events go: into the counters, and on to the observer.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::base::error::Result;
use crate::base::observer::{Observer, StoreEvent};
use crate::disk::clock::Clock;
use crate::disk::{Disk, names};
use crate::store::counters::Counters;
use crate::store::engine::lock;
use crate::store::resources::MemoryUse;

/// Counts what happens in a store, and tells its observer.
pub(crate) struct Watch {
    observer: Option<Arc<dyn Observer>>,
    clock: Arc<dyn Clock>,
    tally: Mutex<Tally>,
    /// Held while the file is written.
    saving: Mutex<()>,
}

struct Tally {
    counters: Counters,
    /// Whether the file lags behind.
    changed: bool,
}

impl Watch {
    /// Goes on from what the store's file says.
    pub(crate) fn new(
        observer: Option<Arc<dyn Observer>>,
        clock: Arc<dyn Clock>,
        disk: &dyn Disk,
        root: &Path,
    ) -> Self {
        let fresh = || Counters { since: clock.now(), ..Counters::default() };
        let counters = read(disk, root).unwrap_or_else(fresh);
        let tally = Mutex::new(Tally { counters, changed: false });
        Self { observer, clock, tally, saving: Mutex::new(()) }
    }

    /// Who is told, beside the counters.
    pub(crate) fn observer(&self) -> Option<&Arc<dyn Observer>> {
        self.observer.as_ref()
    }

    /// Something has happened.
    pub(crate) fn tell(&self, event: &StoreEvent<'_>) {
        {
            let mut tally = lock(&self.tally);
            let changed = tally.counters.count(event, || self.clock.now());
            tally.changed |= changed;
        }
        if let Some(observer) = &self.observer {
            observer.observe(event);
        }
    }

    /// The counters at this moment.
    pub(crate) fn counters(&self, memory: &MemoryUse) -> Counters {
        let mut tally = lock(&self.tally);
        tally.counters.memory_budget_bytes = memory.budget_bytes as u64;
        tally.counters.memory_peak_bytes = memory.peak_bytes as u64;
        tally.counters.clone()
    }

    /// Puts the counters into their file, unless it has them. A failure costs counts and no data,
    /// and the next time may succeed.
    pub(crate) fn save(&self, memory: &MemoryUse, disk: &dyn Disk, root: &Path) {
        let _turn = lock(&self.saving);
        if !std::mem::replace(&mut lock(&self.tally).changed, false) {
            return;
        }
        let text = self.counters(memory).to_text();
        if write(disk, root, &text).is_err() {
            lock(&self.tally).changed = true;
        }
    }
}

fn path(root: &Path) -> PathBuf {
    root.join(names::COUNTERS)
}

/// What the store's file says, if it can be read.
pub(crate) fn read(disk: &dyn Disk, root: &Path) -> Option<Counters> {
    let bytes = disk.read(&path(root)).ok()?;
    Counters::from_text(std::str::from_utf8(&bytes).ok()?)
}

/// Renamed into place, so that readers see a whole one; not synced, since nothing depends on it.
fn write(disk: &dyn Disk, root: &Path, text: &str) -> Result<()> {
    let tmp = root.join(names::tmp(names::COUNTERS));
    disk.create(&tmp)?.write_at(0, text.as_bytes())?;
    disk.rename(&tmp, &path(root))
}
