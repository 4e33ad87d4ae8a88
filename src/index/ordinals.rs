//! Sets of traces of one segment, by ordinal: the highest ordinal is the newest trace.

use roaring::RoaringBitmap;

/// A set of trace ordinals `0..universe`; the set of all costs nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct OrdinalSet {
    universe: u32,
    /// `None` stands for all.
    members: Option<RoaringBitmap>,
}

impl OrdinalSet {
    /// All of `0..universe`.
    pub fn all(universe: u32) -> Self {
        Self { universe, members: None }
    }

    /// No ordinal.
    pub fn none(universe: u32) -> Self {
        Self { universe, members: Some(RoaringBitmap::new()) }
    }

    /// The ordinals of `members`; what lies beyond the universe is left out.
    pub fn from_bitmap(universe: u32, mut members: RoaringBitmap) -> Self {
        if members.max().is_some_and(|max| max >= universe) {
            members.remove_range(universe..);
        }
        Self { universe, members: Some(members) }
    }

    /// The given ordinals, in any order; what lies beyond the universe is left out.
    pub fn from_ordinals(universe: u32, ordinals: impl IntoIterator<Item = u32>) -> Self {
        Self::from_bitmap(universe, ordinals.into_iter().collect())
    }

    /// How many ordinals are in the set.
    pub fn len(&self) -> u64 {
        self.members.as_ref().map_or(u64::from(self.universe), RoaringBitmap::len)
    }

    /// Whether no ordinal is in the set.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether this is known to be every trace of the segment.
    pub fn is_all(&self) -> bool {
        self.members.is_none()
    }

    /// Whether `ordinal` is in the set.
    pub fn contains(&self, ordinal: u32) -> bool {
        ordinal < self.universe && self.members.as_ref().is_none_or(|m| m.contains(ordinal))
    }

    /// The ordinals in both sets.
    pub fn and(self, other: &Self) -> Self {
        let universe = self.universe;
        let members = match (self.members, &other.members) {
            (None, theirs) => theirs.clone(),
            (ours, None) => ours,
            (Some(mut ours), Some(theirs)) => {
                ours &= theirs;
                Some(ours)
            }
        };
        Self { universe, members }
    }

    /// The ordinals in either set.
    pub fn or(self, other: &Self) -> Self {
        let universe = self.universe;
        let members = match (self.members, &other.members) {
            (Some(mut ours), Some(theirs)) => {
                ours |= theirs;
                Some(ours)
            }
            _ => None,
        };
        Self { universe, members }
    }

    /// The ordinals, oldest trace first.
    pub fn iter(&self) -> Box<dyn DoubleEndedIterator<Item = u32> + Send + '_> {
        match &self.members {
            None => Box::new(0..self.universe),
            Some(members) => Box::new(members.iter()),
        }
    }

    /// The same, for a walk that outlives the set.
    pub fn into_iter_desc(self) -> Box<dyn Iterator<Item = u32> + Send> {
        match self.members {
            None => Box::new((0..self.universe).rev()),
            Some(members) => Box::new(members.into_iter().rev()),
        }
    }
}

/// Every ordinal of `0..universe`.
pub fn full(universe: u32) -> RoaringBitmap {
    let mut members = RoaringBitmap::new();
    members.insert_range(0..universe);
    members
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn set() -> impl Strategy<Value = Option<BTreeSet<u32>>> {
        prop::option::weighted(0.8, prop::collection::btree_set(0u32..50, 0..50))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn sets_behave_like_naive_sets(a in set(), b in set()) {
            let make = |s: &Option<BTreeSet<u32>>| match s {
                None => OrdinalSet::all(50),
                Some(s) => OrdinalSet::from_ordinals(50, s.iter().copied().chain([50, 99])),
            };
            let naive = |s: &Option<BTreeSet<u32>>| s.clone().unwrap_or((0..50).collect());
            let (x, y, a, b) = (make(&a), make(&b), naive(&a), naive(&b));
            let list = |s: OrdinalSet| s.iter().collect::<BTreeSet<u32>>();
            prop_assert_eq!(list(x.clone().and(&y)), &a & &b);
            prop_assert_eq!(list(x.clone().or(&y)), &a | &b);
            prop_assert_eq!(x.len(), a.len() as u64);
            prop_assert!((0..60).all(|i| x.contains(i) == a.contains(&i)));
            prop_assert!(x.into_iter_desc().eq(a.iter().rev().copied()));
        }
    }
}
