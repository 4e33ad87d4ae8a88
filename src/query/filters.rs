//! The filters of all segments of a view, side by side: which of them may hold a trace.
//!
//! An absent id costs what it costs to ask each filter, and that is mostly the wait for a byte of
//! it. Asked one after another, each answer decides where the processor goes next, and it waits
//! for every byte in turn; so all filters are asked for their first bit without a branch, then
//! those that have it for the second, and so on: the bytes of many come at once.

use std::sync::Arc;

use crate::index::bloom::{BloomReader, HashedId};
use crate::query::view::{Partition, SourcePlace as Place};

/// Rounds in which filters are asked for one bit each; those left over are asked for the others
/// together. Half of the filters are left after each round.
const ROUNDS: u32 = 4;

/// The filters of a view's sources.
#[derive(Debug)]
pub struct Filters {
    /// In the order of sources.
    filters: Vec<(BloomReader, Place)>,
    /// The sources that have none: live groups, and what cannot be read.
    unfiltered: Vec<Place>,
}

impl Filters {
    /// Gathers the filters. Cost: reading those that were not read yet.
    pub fn of(partitions: &[Arc<Partition>]) -> Self {
        let mut all = Self { filters: Vec::new(), unfiltered: Vec::new() };
        for (partition, number) in partitions.iter().zip(0..) {
            for (source, index) in partition.sources.iter().zip(0..) {
                match source.filter() {
                    Some(filter) => all.filters.push((filter, (number, index))),
                    None => all.unfiltered.push((number, index)),
                }
            }
        }
        BloomReader::gather(all.filters.iter_mut().map(|(filter, _)| filter));
        all
    }

    /// How many sources are admitted whatever the id.
    pub fn unfiltered(&self) -> usize {
        self.unfiltered.len()
    }

    /// The sources that may hold a trace with this low half of the id, in their order.
    pub fn admitted(&self, id: &HashedId) -> Vec<Place> {
        let mut left: Vec<u32> = (0..self.filters.len() as u32).collect();
        for round in 0..ROUNDS {
            let hash = id.hash(round);
            let mut kept = 0;
            for at in 0..left.len() {
                let Some(&number) = left.get(at) else { break };
                let has = self.filters.get(number as usize).is_some_and(|f| f.0.has(hash, round));
                if let Some(place) = left.get_mut(kept) {
                    *place = number;
                }
                kept += usize::from(has);
            }
            left.truncate(kept);
        }
        let left = left.into_iter().filter_map(|number| self.filters.get(number as usize));
        let filtered = left.filter(|(filter, _)| filter.contains(id)).map(|(_, place)| *place);
        let mut admitted: Vec<Place> = filtered.chain(self.unfiltered.iter().copied()).collect();
        admitted.sort_unstable();
        admitted
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::index::bloom::{Strength, write_bloom};
    use crate::index::source::MemSource;
    use proptest::prelude::*;
    use std::path::Path;

    proptest! {
        #[test]
        fn p4_a_source_is_asked_exactly_if_its_filter_admits_the_id(
            segments in prop::collection::vec(prop::collection::vec(0u64..300, 0..40), 0..20),
            low in 0u64..300,
            gathered: bool,
        ) {
            let filter = |lows: &Vec<u64>| {
                let source = MemSource::new(write_bloom(lows, Strength::SEGMENT), Path::new("x"), "bloom");
                BloomReader::open(&source).unwrap()
            };
            let numbered = segments.iter().map(filter).zip((0..).map(|index| (index, 0)));
            let mut filters = Filters { filters: numbered.collect(), unfiltered: vec![(3, 1)] };
            if gathered {
                BloomReader::gather(filters.filters.iter_mut().map(|(filter, _)| filter));
            }
            let id = HashedId::new(low);
            let admit = |f: &&(BloomReader, Place)| f.0.contains(&id);
            let mut wanted: Vec<Place> = filters.filters.iter().filter(admit).map(|f| f.1).collect();
            wanted.push((3, 1));
            wanted.sort_unstable();
            prop_assert_eq!(filters.admitted(&id), wanted);
        }
    }
}
