//! The first of what was found, in the order of searches, in bounded memory.

use std::collections::btree_map::{BTreeMap, Entry};

use crate::base::error::{Error, Result};
use crate::query::cursor::{Order, Place};

/// What takes the answers of a search.
pub trait Taker<T> {
    /// Whether it must be given none twice.
    const ONCE: bool;

    /// The last place that is kept, if there is room for none behind it.
    fn last(&self) -> Option<Place>;

    /// Whether something at this place would be kept.
    fn admits(&self, place: Place) -> bool;

    /// Takes an answer of about so many bytes.
    fn insert(&mut self, place: Place, answer: T, bytes: usize) -> Result<()>;
}

/// Takes every answer, and keeps none.
#[derive(Debug)]
pub struct Every;

impl<T> Taker<T> for Every {
    const ONCE: bool = true;

    fn last(&self) -> Option<Place> {
        None
    }

    fn admits(&self, _: Place) -> bool {
        true
    }

    fn insert(&mut self, _: Place, _: T, _: usize) -> Result<()> {
        Ok(())
    }
}

/// What happens to what takes too much memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// The last ones are left to a page that follows.
    EndsPage,
    /// There is no next page: the query fails.
    Fails,
}

/// Keeps the first `limit` of what it is given, and no more than `max_bytes` of them.
#[derive(Debug)]
pub struct Best<T> {
    limit: usize,
    max_bytes: usize,
    overflow: Overflow,
    bytes: usize,
    found: BTreeMap<Order, Found<T>>,
}

#[derive(Debug)]
struct Found<T> {
    place: Place,
    bytes: usize,
    answer: T,
}

impl<T> Best<T> {
    /// Nothing yet.
    pub fn new(limit: usize, max_bytes: usize, overflow: Overflow) -> Self {
        Self { limit, max_bytes, overflow, bytes: 0, found: BTreeMap::new() }
    }

    fn too_much(&self) -> Error {
        let what = format!(
            "what was found takes more than {} bytes, half of the query's memory: lower the limit, \
             raise Query::memory_bytes, or stream by scan_matching",
            self.max_bytes
        );
        Error::Limit { what }
    }

    /// All that was kept, in order.
    pub fn into_answers(self) -> impl Iterator<Item = T> {
        self.found.into_values().map(|found| found.answer)
    }
}

impl<T> Taker<T> for Best<T> {
    const ONCE: bool = false;

    fn last(&self) -> Option<Place> {
        let last = self.found.last_key_value().map(|(_, found)| found.place);
        last.filter(|_| self.found.len() >= self.limit)
    }

    fn admits(&self, place: Place) -> bool {
        self.limit > 0 && self.last().is_none_or(|last| place.order() <= last.order())
    }

    fn insert(&mut self, place: Place, answer: T, bytes: usize) -> Result<()> {
        let bytes = bytes + size_of::<(Order, Found<T>)>();
        let found = Found { place, bytes, answer };
        match self.found.entry(place.order()) {
            Entry::Vacant(entry) => {
                entry.insert(found);
            }
            Entry::Occupied(mut entry) => self.bytes -= entry.insert(found).bytes,
        }
        self.bytes += bytes;
        while self.found.len() > self.limit || self.bytes > self.max_bytes {
            if self.found.len() <= self.limit {
                if self.overflow == Overflow::Fails || self.found.len() == 1 {
                    return Err(self.too_much());
                }
                // What comes behind this one is for the next page from now on.
                self.limit = self.found.len() - 1;
            }
            let Some((_, last)) = self.found.pop_last() else { break };
            self.bytes -= last.bytes;
        }
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::base::ids::TraceId;
    use crate::base::time::Timestamp;
    use proptest::prelude::*;

    fn place(start: u64) -> Place {
        Place { start: Timestamp::from_nanos(start), id: TraceId::from(u128::from(start % 3)) }
    }

    proptest! {
        #[test]
        fn p7_pages_are_the_first_of_what_was_found_and_end_early_for_want_of_memory(
            starts in prop::collection::btree_map(0u64..60, 0usize..900, 1..40)
                .prop_map(|map| map.into_iter().collect::<Vec<_>>()).prop_shuffle(),
            limit in 1usize..20, max_bytes in 1000usize..8000,
        ) {
            let mut best = Best::new(limit, max_bytes, Overflow::EndsPage);
            for &(start, bytes) in &starts {
                if best.admits(place(start)) {
                    best.insert(place(start), start, bytes).unwrap();
                }
            }
            let is_full = best.last().is_some();
            let mut ordered = starts.clone();
            ordered.sort_by_key(|&(start, _)| std::cmp::Reverse(start));
            let kept: Vec<u64> = best.into_answers().collect();
            prop_assert!(!kept.is_empty() && kept.len() <= limit);
            let first: Vec<u64> = ordered.iter().map(|own| own.0).take(kept.len()).collect();
            prop_assert_eq!(&kept, &first);
            let overhead = size_of::<(Order, Found<u64>)>();
            let bytes = |count: usize| ordered[..count].iter().map(|own| own.1 + overhead).sum::<usize>();
            prop_assert!(bytes(kept.len()) <= max_bytes);
            // Whoever sees a page that is not full has seen all.
            prop_assert!(is_full || kept.len() == starts.len());
        }
    }

    #[test]
    fn p7_one_that_takes_too_much_by_itself_is_an_error() {
        let mut best = Best::new(5, 1000, Overflow::EndsPage);
        best.insert(place(3), (), 10).unwrap();
        assert!(matches!(best.insert(place(7), (), 1000), Err(Error::Limit { .. })));
        let mut list = Best::new(usize::MAX, 1000, Overflow::Fails);
        let failed = (0..100).map(|start| list.insert(place(start), (), 0)).find(Result::is_err);
        assert!(matches!(failed, Some(Err(Error::Limit { .. }))));
    }
}
