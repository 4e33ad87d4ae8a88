//! What the policy of merging needs to know of a partition, and when it is to be sealed.

use std::collections::BTreeSet;

use crate::base::effort::Effort;
use crate::base::time::Timestamp;
use crate::catalog::PartitionKey;
use crate::store::held::Held;
use crate::store::state::Partition;
use crate::upkeep::plan::{Candidate, Facts, Policy};

/// The segments of a partition as the policy sees them, but for damaged ones.
pub(crate) fn candidates(
    partition: &Partition,
    damaged: &BTreeSet<u64>,
    full: &BTreeSet<u64>,
) -> Vec<Candidate> {
    let candidate = |held: &Held| Candidate {
        id: held.id,
        bytes: held.bytes,
        is_merged: held.summary().effort == Effort::Thorough,
        is_full: full.contains(&held.id),
    };
    let sound = partition.segments.iter().filter(|held| !held.is_lost());
    sound.filter(|held| !damaged.contains(&held.id)).map(candidate).collect()
}

/// The facts of a partition with these candidates.
pub(crate) fn facts<'a>(
    key: &PartitionKey,
    partition: &Partition,
    segments: &'a [Candidate],
) -> Facts<'a> {
    Facts {
        last: key.last(),
        first_arrival: partition.first_arrival,
        last_arrival: partition.last_arrival,
        is_flushed: partition.is_flushed(),
        sealed: partition.sealed_through,
        segments,
    }
}

/// When a partition is to be sealed, if nothing comes for it until then.
pub(crate) fn seal_due(
    key: &PartitionKey,
    partition: &Partition,
    policy: &Policy,
) -> Option<Timestamp> {
    // Most partitions that change have buffers: their segments need not be looked at.
    if !partition.is_flushed() {
        return None;
    }
    // A damaged one among them is found when its turn comes.
    let segments = candidates(partition, &BTreeSet::new(), &BTreeSet::new());
    policy.seal_due(&facts(key, partition, &segments))
}
