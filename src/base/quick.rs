//! Hash maps over numbers, several times faster than the standard library's.
//!
//! Only for maps that live for one piece of work and whose order nothing depends on. The key is
//! new for every map, so that nobody can send numbers that collide.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

/// A map whose keys are a number or a few.
pub type QuickMap<K, V> = HashMap<K, V, Quick>;

/// Makes hashers that share a key.
#[derive(Clone, Debug)]
pub struct Quick {
    key: u64,
}

impl Default for Quick {
    fn default() -> Self {
        Self { key: RandomState::new().hash_one(0u8) }
    }
}

impl BuildHasher for Quick {
    type Hasher = QuickHasher;

    fn build_hasher(&self) -> QuickHasher {
        QuickHasher { state: self.key }
    }
}

/// Folds each number into the state by a long multiplication.
#[derive(Debug)]
pub struct QuickHasher {
    state: u64,
}

impl Hasher for QuickHasher {
    fn finish(&self) -> u64 {
        self.state
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(byte.into()));
    }

    #[inline]
    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        let product = u128::from(self.state ^ number) * 0x9e37_79b9_7f4a_7c15;
        self.state = (product >> 64) as u64 ^ product as u64;
    }

    #[inline]
    fn write_i64(&mut self, number: i64) {
        self.write_u64(number as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_again() {
        let mut map: QuickMap<(u32, i64), u64> = QuickMap::default();
        for i in 0..10_000u64 {
            map.insert((i as u32 % 7, (i << 40) as i64), i);
        }
        let found = (0..10_000u64).map(|i| map.get(&(i as u32 % 7, (i << 40) as i64)).copied());
        assert!(found.eq((0..10_000).map(Some)));
    }
}
