//! In how many traces a value is.

use std::collections::HashSet;
use std::sync::Arc;

use crate::base::error::Result;
use crate::base::ids::TraceId;
use crate::query::bounds::Bounds;
use crate::query::source::Source;

/// What an id takes in a set, about.
const SCATTERED_BYTES: usize = 2 * size_of::<TraceId>();

/// The traces that lie in several sources, or several times in one: whoever counts traces source by
/// source must tell them by their ids.
#[derive(Debug, Default)]
pub struct Scattered(HashSet<TraceId>);

/// Counts the traces of one value, those of a source side by side.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    traces: u64,
    scattered: HashSet<TraceId>,
    /// The last one counted: a trace may bear a value many times.
    last: Option<TraceId>,
}

impl Scattered {
    /// Among these sources. Cost: reads the id of every trace.
    pub fn among(sources: &[&Arc<dyn Source>], bounds: &Bounds) -> Result<Self> {
        let mut ids = Vec::new();
        for source in sources {
            bounds.interrupt.check()?;
            source.trace_ids(&mut |id| ids.push(id))?;
            bounds.check_trace(ids.len() * size_of::<TraceId>())?;
        }
        ids.sort_unstable();
        bounds.interrupt.check()?;
        let twice = ids.windows(2).filter(|two| two.first() == two.last());
        Ok(Self(twice.filter_map(|two| two.first().copied()).collect()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this is one of them.
    pub fn contains(&self, id: TraceId) -> bool {
        self.0.contains(&id)
    }
}

impl Tally {
    /// Counts a trace of the source that is being looked at; how many bytes that took.
    pub fn add(&mut self, id: TraceId, scattered: &Scattered) -> usize {
        if self.last.replace(id) == Some(id) {
            return 0;
        }
        if !scattered.contains(id) {
            self.traces += 1;
            return 0;
        }
        if self.scattered.insert(id) { SCATTERED_BYTES } else { 0 }
    }

    /// What it takes beside itself.
    pub fn memory_bytes(&self) -> usize {
        self.scattered.len() * SCATTERED_BYTES
    }

    /// Counts traces that lie nowhere else.
    pub fn add_whole(&mut self, traces: u64) {
        self.traces += traces;
    }

    /// The number of traces.
    pub fn traces(&self) -> u64 {
        self.traces + self.scattered.len() as u64
    }
}
