//! [`Snapshot`]: one moment of a store, kept.

use std::sync::Arc;

use crate::base::error::Result;
use crate::base::observer::Observer;
use crate::disk::clock::Clock;
use crate::query::view::View;
use crate::store::read::TraceReader;
use crate::store::state::State;
use crate::store::stats::{self, Stats};

/// One consistent view of a store: later appends, flushes and merges do not show in it.
///
/// It keeps the memory and files of its moment alive until it is dropped.
///
/// ```
/// use tracekeep::{Options, Store, TimeRange, TraceReader};
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("traces"), Options::default())?;
/// let view = store.snapshot()?;
/// assert!(view.services(TimeRange::ALL)?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Snapshot {
    state: Arc<State>,
    observer: Option<Arc<dyn Observer>>,
    clock: Arc<dyn Clock>,
}

impl Snapshot {
    pub(crate) fn new(
        state: Arc<State>,
        observer: Option<Arc<dyn Observer>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { state, observer, clock }
    }

    /// Counts and sizes of this moment. Cost: reads every segment's trace ids.
    pub fn stats(&self) -> Result<Stats> {
        stats::collect(&self.state)
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("version", &self.state.version.number).finish()
    }
}

impl TraceReader for Snapshot {
    fn view(&self) -> Result<View> {
        Ok(self.state.view().clone().timed(&self.clock).observed(self.observer.clone()))
    }
}
