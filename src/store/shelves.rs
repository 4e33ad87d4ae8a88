//! [`Shelves`]: a sorted map whose copies share all but what differs.

use std::sync::Arc;

use crate::catalog::PartitionKey;

/// A shelf with more entries than this becomes two.
const SHELF_MAX: usize = if cfg!(test) { 4 } else { 64 };

/// Values by partition, in order. Cloning costs a pointer for some dozens of entries, and changing
/// an entry copies the pointers of its neighbours: so the state of a store with ten thousand
/// partitions is replaced as fast as that of one with a few hundred.
#[derive(Clone, Debug)]
pub(crate) struct Shelves<V> {
    /// None is empty; the first keys ascend.
    shelves: Vec<Arc<Shelf<V>>>,
}

type Shelf<V> = Vec<(PartitionKey, Arc<V>)>;

impl<V> Default for Shelves<V> {
    fn default() -> Self {
        Self { shelves: Vec::new() }
    }
}

impl<V> Shelves<V> {
    /// The entries, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&PartitionKey, &Arc<V>)> {
        self.shelves.iter().flat_map(|shelf| shelf.iter()).map(|(key, value)| (key, value))
    }

    /// The keys, ascending.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &PartitionKey> {
        self.iter().map(|(key, _)| key)
    }

    /// The values in the order of their keys.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Arc<V>> {
        self.iter().map(|(_, value)| value)
    }

    /// The value of `key`.
    pub(crate) fn get(&self, key: &PartitionKey) -> Option<&Arc<V>> {
        let shelf = self.shelves.get(self.shelf_of(key)?)?;
        let at = shelf.binary_search_by_key(key, |(own, _)| *own).ok()?;
        shelf.get(at).map(|(_, value)| value)
    }

    /// The last key that is `key` or below.
    pub(crate) fn at_or_below(&self, key: &PartitionKey) -> Option<PartitionKey> {
        let shelf = self.shelves.get(self.shelf_of(key)?)?;
        let above = shelf.partition_point(|(own, _)| own <= key);
        shelf.get(above.checked_sub(1)?).map(|(own, _)| *own)
    }

    /// The first key that is `key` or above.
    pub(crate) fn at_or_above(&self, key: &PartitionKey) -> Option<PartitionKey> {
        let first = self.shelf_of(key).unwrap_or(0);
        // If not on the shelf that would hold it, it begins the next.
        self.shelves.iter().skip(first).take(2).find_map(|shelf| {
            let below = shelf.partition_point(|(own, _)| own < key);
            shelf.get(below).map(|(own, _)| *own)
        })
    }

    /// The shelf that holds `key` if any does: the last that begins with it or below.
    fn shelf_of(&self, key: &PartitionKey) -> Option<usize> {
        let begins = |shelf: &Arc<Shelf<V>>| shelf.first().is_some_and(|(own, _)| own <= key);
        self.shelves.partition_point(begins).checked_sub(1)
    }

    /// Removes `key`.
    pub(crate) fn remove(&mut self, key: &PartitionKey) {
        let Some(number) = self.shelf_of(key) else { return };
        let Some(shelf) = self.shelves.get_mut(number) else { return };
        let Ok(at) = shelf.binary_search_by_key(key, |(own, _)| *own) else { return };
        Arc::make_mut(shelf).remove(at);
        if shelf.is_empty() {
            self.shelves.remove(number);
        }
    }

    /// Puts `value` under `key`.
    pub(crate) fn insert(&mut self, key: PartitionKey, value: Arc<V>) {
        let number = self.shelf_of(&key).unwrap_or(0);
        let Some(shelf) = self.shelves.get_mut(number) else {
            self.shelves.push(Arc::new(vec![(key, value)]));
            return;
        };
        let shelf = Arc::make_mut(shelf);
        match shelf.binary_search_by_key(&key, |(own, _)| *own) {
            Ok(at) => {
                if let Some(entry) = shelf.get_mut(at) {
                    entry.1 = value;
                }
            }
            Err(at) => shelf.insert(at, (key, value)),
        }
        if shelf.len() > SHELF_MAX {
            // Partitions mostly come one after another: what is full stays nearly full then.
            let behind = if number + 1 == self.shelves.len() { SHELF_MAX } else { SHELF_MAX / 2 };
            self.split(number, behind);
        }
    }

    fn split(&mut self, number: usize, at: usize) {
        let Some(shelf) = self.shelves.get_mut(number) else { return };
        let rest = Arc::make_mut(shelf).split_off(at);
        self.shelves.insert(number + 1, Arc::new(rest));
    }
}

impl<V: Clone + Default> Shelves<V> {
    /// The value of `key` to be changed, made if need be. Copies that share it keep what they have.
    pub(crate) fn change<R>(&mut self, key: PartitionKey, change: impl FnOnce(&mut V) -> R) -> R {
        let number = self.shelf_of(&key);
        let held = number.and_then(|number| self.shelves.get_mut(number)).and_then(|shelf| {
            let at = shelf.binary_search_by_key(&key, |(own, _)| *own).ok()?;
            Arc::make_mut(shelf).get_mut(at)
        });
        if let Some((_, value)) = held {
            return change(Arc::make_mut(value));
        }
        let mut value = V::default();
        let result = change(&mut value);
        self.insert(key, Arc::new(value));
        result
    }
}

impl<V> FromIterator<(PartitionKey, Arc<V>)> for Shelves<V> {
    fn from_iter<I: IntoIterator<Item = (PartitionKey, Arc<V>)>>(entries: I) -> Self {
        let mut shelves = Self::default();
        entries.into_iter().for_each(|(key, value)| shelves.insert(key, value));
        shelves
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn key(start: u64) -> PartitionKey {
        PartitionKey { start_nanos: start, width_nanos: 1 }
    }

    proptest! {
        #[test]
        fn shelves_are_a_sorted_map_and_copies_stay_as_they_are(
            steps in prop::collection::vec((0u64..40, 0u8..4), 0..120)
        ) {
            let (mut shelves, mut model) = (Shelves::<u64>::default(), BTreeMap::new());
            let mut kept = Vec::new();
            for (step, (start, what)) in (0u64..).zip(steps) {
                let own = key(start);
                match what {
                    0 => {
                        shelves.remove(&own);
                        model.remove(&own);
                    }
                    1 => kept.push((shelves.clone(), model.clone())),
                    _ => {
                        shelves.change(own, |value| *value += step);
                        *model.entry(own).or_insert(0) += step;
                    }
                }
                prop_assert_eq!(shelves.get(&own).map(|value| **value), model.get(&own).copied());
                let below = model.range(..=own).next_back().map(|(key, _)| *key);
                prop_assert_eq!(shelves.at_or_below(&own), below);
                let above = model.range(own..).next().map(|(key, _)| *key);
                prop_assert_eq!(shelves.at_or_above(&own), above);
            }
            kept.push((shelves, model));
            for (shelves, model) in kept {
                let entries = shelves.iter().map(|(key, value)| (*key, **value));
                prop_assert!(entries.eq(model));
                prop_assert!(shelves.shelves.iter().all(|shelf| (1..=SHELF_MAX).contains(&shelf.len())));
            }
        }
    }
}
