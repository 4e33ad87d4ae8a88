//! The quarantine: a store of its own for spans outside the window, inside the store.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::Result;
use crate::disk::names;
use crate::store::engine::{Engine, lock};
use crate::store::options::{Options, OutOfWindow};
use crate::store::store::Store;

impl Engine {
    /// Where the quarantine lies.
    fn quarantine_path(&self) -> PathBuf {
        self.root.join(names::QUARANTINE_DIR)
    }

    /// The quarantine, made by its first span.
    pub(crate) fn quarantine(self: &Arc<Self>) -> Result<Store> {
        let mut quarantine = lock(&self.quarantine);
        if let Some(store) = quarantine.as_ref() {
            return Ok(store.clone());
        }
        // One partition for all time, but its last nanosecond: clocks that are wrong are wrong by
        // anything.
        let options = Options {
            partition: Duration::from_nanos(u64::MAX),
            max_age: None,
            max_ahead: None,
            out_of_window: OutOfWindow::Accept,
            create_if_missing: true,
            resources: Some(self.resources.clone()),
            // Its one partition is as old as any clock can be wrong.
            retention: None,
            observer: None,
            ..self.options.clone()
        };
        let environment = self.environment.clone();
        let store = Store::open_in(self.quarantine_path(), options, environment)?;
        Ok(quarantine.insert(store).clone())
    }

    /// The quarantine, if there ever was a span for it.
    pub(crate) fn known_quarantine(self: &Arc<Self>) -> Result<Option<Store>> {
        self.check_open()?;
        let manifest = self.quarantine_path().join(names::MANIFEST);
        match self.environment.disk.exists(&manifest)? {
            true => self.quarantine().map(Some),
            false => Ok(None),
        }
    }

    /// Lets go of the quarantine before the store ends: in the caller's thread, since that waits
    /// for its jobs.
    pub(crate) fn take_quarantine(&self) -> Option<Store> {
        lock(&self.quarantine).take()
    }
}
