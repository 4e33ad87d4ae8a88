//! Sets of a trace's spans, a bit a span.

/// Some of a trace's spans, by their number in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// None of so many spans.
    pub fn none(spans: usize) -> Self {
        Self { words: vec![0; spans.div_ceil(64)] }
    }

    /// Those of so many spans that are wanted.
    pub fn of(spans: usize, wanted: impl Fn(usize) -> bool) -> Self {
        let mut bits = Self::none(spans);
        (0..spans).filter(|span| wanted(*span)).for_each(|span| bits.insert(span));
        bits
    }

    /// Adds a span.
    pub fn insert(&mut self, span: usize) {
        if let Some(word) = self.words.get_mut(span / 64) {
            *word |= 1 << (span % 64);
        }
    }

    /// Whether it has a span.
    pub fn has(&self, span: usize) -> bool {
        self.words.get(span / 64).is_some_and(|word| word >> (span % 64) & 1 == 1)
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// How many it has.
    pub fn len(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// The spans, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(index, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(index * 64 + bit)
            })
        })
    }

    fn zip(mut self, other: &Self, join: impl Fn(u64, u64) -> u64) -> Self {
        for (own, other) in self.words.iter_mut().zip(&other.words) {
            *own = join(*own, *other);
        }
        self
    }

    /// Those in both.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        self.zip(other, |a, b| a & b)
    }

    /// Those in either.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        self.zip(other, |a, b| a | b)
    }

    /// Those not in the other.
    #[must_use]
    pub fn without(self, other: &Self) -> Self {
        self.zip(other, |a, b| a & !b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn bits_are_sets(
            a in prop::collection::btree_set(0usize..150, 0..40),
            b in prop::collection::btree_set(0usize..150, 0..40),
        ) {
            let bits = |set: &BTreeSet<usize>| Bits::of(150, |span| set.contains(&span));
            let set = |bits: Bits| bits.iter().collect::<BTreeSet<_>>();
            prop_assert_eq!(set(bits(&a)), a.clone());
            prop_assert_eq!(set(bits(&a).and(&bits(&b))), &a & &b);
            prop_assert_eq!(set(bits(&a).or(&bits(&b))), &a | &b);
            prop_assert_eq!(set(bits(&a).without(&bits(&b))), &a - &b);
            prop_assert_eq!(bits(&a).len(), a.len() as u64);
            prop_assert_eq!(bits(&a).is_empty(), a.is_empty());
            prop_assert!((0..200).all(|span| bits(&a).has(span) == a.contains(&span)));
        }
    }
}
