//! The distinct values of one attribute key (or field) while a segment is being built.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use crate::base::bytes::is_same;
use crate::base::checksum::hash64;
use crate::base::error::{Error, Result};

/// How many values a pool sees before it judges whether they repeat.
const TRIAL_VALUES: usize = 4096;

/// How many different values may share a hash before further ones are no longer compared; keeps
/// crafted collisions from costing quadratic time.
const MAX_COLLISIONS: u64 = 8;

/// Values by number, equal ones once as far as that pays.
///
/// Values that hardly ever repeat (request ids) are not worth a hash table: the pool gives up
/// comparing them, and appends each as new.
#[derive(Debug, Default)]
pub struct Pool {
    bytes: Vec<u8>,
    /// The same bytes, once they are known to be text; then those are empty.
    text: String,
    ends: Vec<u32>,
    numbers: HashMap<u64, u32, BuildHasherDefault<Prehashed>>,
    seen: usize,
    longest: usize,
    unique_like: bool,
}

impl Pool {
    /// The number of `value`, which is new or an earlier one's.
    pub fn intern(&mut self, value: &[u8]) -> Result<u32> {
        self.seen += 1;
        if self.unique_like {
            return self.append(value);
        }
        let hash = hash64(value);
        for probe in 0..MAX_COLLISIONS {
            let slot = hash.wrapping_add(probe);
            match self.numbers.get(&slot) {
                Some(&number) if is_same(self.get(number), value) => return Ok(number),
                Some(_) => {}
                None => {
                    let number = self.append(value)?;
                    self.numbers.insert(slot, number);
                    self.judge();
                    return Ok(number);
                }
            }
        }
        self.append(value)
    }

    /// Takes `value` as new, without a look at the others.
    pub fn append(&mut self, value: &[u8]) -> Result<u32> {
        let full = || Error::Limit { what: "4 GiB of values of one attribute in a segment".into() };
        let number = u32::try_from(self.ends.len()).map_err(|_| full())?;
        if !self.text.is_empty() {
            self.bytes = std::mem::take(&mut self.text).into_bytes();
        }
        let end = u32::try_from(self.bytes.len() + value.len()).map_err(|_| full())?;
        self.bytes.extend_from_slice(value);
        self.ends.push(end);
        self.longest = self.longest.max(value.len());
        Ok(number)
    }

    fn judge(&mut self) {
        if self.seen >= TRIAL_VALUES && self.ends.len() > self.seen / 2 {
            self.unique_like = true;
            self.numbers = HashMap::default();
        }
    }

    /// Whether comparing was given up, so that equal values may have different numbers.
    pub fn is_unique_like(&self) -> bool {
        self.unique_like
    }

    /// The value with this number; empty if there is none.
    #[inline]
    pub fn get(&self, number: u32) -> &[u8] {
        let bytes = if self.text.is_empty() { &self.bytes } else { self.text.as_bytes() };
        bytes.get(self.range(number)).unwrap_or_default()
    }

    /// The same as text, for pools that were given text only. Cheap after [`Self::settle_text`].
    pub fn text(&self, number: u32) -> &str {
        match self.text.is_empty() {
            true => std::str::from_utf8(self.get(number)).unwrap_or_default(),
            false => self.text.get(self.range(number)).unwrap_or_default(),
        }
    }

    fn range(&self, number: u32) -> Range<usize> {
        let index = number as usize;
        let start = index.checked_sub(1).and_then(|i| self.ends.get(i)).map_or(0, |&end| end);
        let end = self.ends.get(index).map_or(start, |&end| end);
        start as usize..end as usize
    }

    /// Checks all values at once that they are text, where they are.
    pub fn settle_text(&mut self) {
        match String::from_utf8(std::mem::take(&mut self.bytes)) {
            Ok(text) => self.text = text,
            Err(other) => self.bytes = other.into_bytes(),
        }
    }

    /// How many numbers were given out.
    pub fn len(&self) -> u32 {
        self.ends.len() as u32
    }

    /// How many values were offered, repeats included.
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// Notes that values were offered again, so many times, without asking for their numbers.
    pub fn saw_again(&mut self, times: usize) {
        self.seen += times;
    }

    /// Length of the longest value.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// The bytes of all values together.
    pub fn bytes(&self) -> usize {
        self.bytes.len() + self.text.len()
    }

    /// Memory held, about.
    pub fn memory_bytes(&self) -> usize {
        self.bytes.capacity()
            + self.text.capacity()
            + self.ends.capacity() * 4
            + self.numbers.capacity() * 24
    }
}

/// Passes a hash through: the keys of a pool's map are hashes already.
#[derive(Default)]
pub struct Prehashed(u64);

impl Hasher for Prehashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash64(bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_a_number() {
        let mut pool = Pool::default();
        let a = pool.intern(b"a").unwrap();
        let b = pool.intern(b"").unwrap();
        assert_eq!(pool.intern(b"a").unwrap(), a);
        assert_eq!((pool.get(a), pool.get(b), pool.get(9)), (&b"a"[..], &b""[..], &b""[..]));
        assert_eq!((pool.len(), pool.seen()), (2, 3));
    }

    #[test]
    fn text_that_is_settled_stays_what_it_was() {
        let mut pool = Pool::default();
        let settled = ["ä", "", "bc"].map(|text| pool.intern(text.as_bytes()).unwrap());
        pool.settle_text();
        let later = pool.intern(b"d").unwrap();
        let texts = settled.map(|number| pool.text(number).to_owned());
        assert_eq!((texts, pool.text(later)), (["ä", "", "bc"].map(String::from), "d"));
        pool.settle_text();
        assert_eq!((pool.get(settled[0]), pool.text(later)), ("ä".as_bytes(), "d"));
        pool.append(&[0xff]).unwrap();
        pool.settle_text();
        assert_eq!((pool.get(4), pool.text(later)), (&[0xff][..], "d"));
    }

    #[test]
    fn values_that_never_repeat_are_no_longer_compared() {
        let mut pool = Pool::default();
        for i in 0..TRIAL_VALUES as u32 {
            pool.intern(&i.to_le_bytes()).unwrap();
        }
        assert!(pool.is_unique_like());
        let again = pool.intern(&7u32.to_le_bytes()).unwrap();
        assert_eq!(pool.get(again), pool.get(7));
    }
}
