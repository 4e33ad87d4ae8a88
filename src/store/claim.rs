//! [`Claim`]: partitions that somebody is about to drop, which jobs leave alone meanwhile.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::catalog::PartitionKey;
use crate::store::engine::Engine;
use crate::store::jobs::LOOK_AGAIN;

/// While it lives, no flush of its partitions is under way or begins. Merges of them end early:
/// what they would make is not wanted.
pub(crate) struct Claim {
    engine: Arc<Engine>,
    keys: BTreeSet<PartitionKey>,
}

impl Engine {
    /// Claims these partitions, once no flush or claim of others is at any of them.
    pub(crate) fn claim(self: &Arc<Self>, keys: BTreeSet<PartitionKey>) -> Claim {
        while !self.jobs.try_claim(&keys) {
            self.jobs.wait(LOOK_AGAIN);
        }
        Claim { engine: Arc::clone(self), keys }
    }
}

impl Claim {
    /// Whether a partition is among those claimed.
    pub(crate) fn holds(&self, key: &PartitionKey) -> bool {
        self.keys.contains(key)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.engine.jobs.give_up_claim(&self.keys);
        self.engine.wake_jobs();
    }
}
