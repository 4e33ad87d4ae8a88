//! Columns of ascending integers, any of which is read alone: Elias-Fano codes (Elias 1974, Fano
//! 1971), two bits a value and those that tell neighbours apart.
//!
//! ```text
//! | count | base | step | width: u8 | bytes of the high part |   varints but for the byte; only count if 0
//! | count x width bits      | low bits, in order, zero bits to the next byte
//! | high part               | bit high + i is set for the value i, and no other
//! ```
//! A value is `base + step * (low | high << width)`, modulo 2^64. Values in disorder can be stored
//! too: all their bits are low ones then.

use crate::base::error::Result;
use crate::base::varint::write_u64;
use crate::block::bits::{BitWriter, bit_length, get_bits, mask};
use crate::disk::bytes::ByteView;
use crate::index::packed::common_step;
use crate::index::source::{Cursor, Source};

/// Appends `values` as a column.
pub fn pack_ascending(values: &[u64], out: &mut Vec<u8>) {
    write_u64(out, values.len() as u64);
    let Some(&base) = values.iter().min() else { return };
    let step = common_step(values, base);
    let stored: Vec<u64> = values.iter().map(|&v| (v - base) / step).collect();
    let most = stored.iter().copied().max().unwrap_or(0);
    let bits =
        |width: u32| most.checked_shr(width).unwrap_or(0) + values.len() as u64 * u64::from(width);
    let narrowest = if stored.is_sorted() { 0 } else { bit_length(most) };
    let width = (narrowest..=64).min_by_key(|&width| bits(width)).unwrap_or(64);

    let mut low = BitWriter::new();
    stored.iter().for_each(|&value| low.put(value, width));
    let mut high = BitWriter::new();
    let mut before = 0;
    for value in stored {
        let part = value.checked_shr(width).unwrap_or(0);
        (before..part).for_each(|_| high.put(0, 1));
        high.put(1, 1);
        before = part;
    }
    let high = high.into_bytes();
    write_u64(out, base);
    write_u64(out, step);
    out.push(width as u8);
    write_u64(out, high.len() as u64);
    out.extend_from_slice(&low.into_bytes());
    out.extend_from_slice(&high);
}

/// A column that was written by [`pack_ascending`].
#[derive(Clone, Debug)]
pub struct Ascending {
    count: u64,
    base: u64,
    step: u64,
    width: u32,
    /// Where the low bits begin in the section.
    start: usize,
    low: ByteView,
    high: ByteView,
}

impl Ascending {
    /// Opens the column at the cursor and moves past it. All of it is held.
    pub fn open(cursor: &mut Cursor<'_>) -> Result<Self> {
        let count = cursor.varint()?;
        let (mut base, mut step, mut width, mut high) = (0, 1, 0, 0);
        if count > 0 {
            (base, step) = (cursor.varint()?, cursor.varint()?);
            width = cursor.byte()?.into();
            high = cursor.varint_len()?;
        }
        // Each value has a bit of the high part: no false count passes.
        let sound = step > 0 && width <= 64 && count <= high as u64 * 8;
        let low = count.checked_mul(width.into()).map(|bits| bits.div_ceil(8)).filter(|_| sound);
        let low = low.and_then(|bytes| usize::try_from(bytes).ok());
        let low = low.ok_or_else(|| cursor.corrupt("a bad column header"))?;
        let (low, high) = (cursor.skip(low)?, cursor.skip(high)?);
        let source = cursor.source();
        let start = low.start;
        let low = source.bytes(low.start, low.len())?;
        let high = source.bytes(high.start, high.len())?;
        Ok(Self { count, base, step, width, start, low, high })
    }

    /// How many values there are.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// The value at `index`; `Corrupt` beyond the end. O(bytes of the high part / 8).
    pub fn get(&self, source: &dyn Source, index: u64) -> Result<u64> {
        let missing = || source.corrupt(self.start, "an index beyond its column");
        if index >= self.count {
            return Err(missing());
        }
        let high = self.place(index).ok_or_else(missing)? - index;
        let bit = usize::try_from(index * u64::from(self.width)).ok();
        let low = bit.and_then(|bit| get_bits(&self.low, bit, self.width)).ok_or_else(missing)?;
        let stored = high.checked_shl(self.width).unwrap_or(0) | low;
        Ok(self.base.wrapping_add(self.step.wrapping_mul(stored)))
    }

    /// Which bit of the high part is the set one of this number.
    fn place(&self, index: u64) -> Option<u64> {
        let (words, rest) = self.high.as_chunks::<8>();
        let mut last = [0; 8];
        last.iter_mut().zip(rest).for_each(|(byte, own)| *byte = *own);
        let mut left = index;
        for (word, first) in words.iter().chain([&last]).zip((0u64..).step_by(64)) {
            let word = u64::from_le_bytes(*word);
            match left.checked_sub(word.count_ones().into()) {
                Some(behind) => left = behind,
                None => return Some(first + u64::from(nth_one(word, left as u32))),
            }
        }
        None
    }
}

/// The place of the `n`-th set bit from 0, of a word that has more.
fn nth_one(word: u64, mut n: u32) -> u32 {
    let mut at = 0;
    for half in [32, 16, 8, 4, 2, 1] {
        let ones = (word >> at & mask(half)).count_ones();
        if n >= ones {
            n -= ones;
            at += half;
        }
    }
    at
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::index::source::MemSource;
    use proptest::prelude::*;
    use std::path::Path;

    fn values() -> impl Strategy<Value = Vec<u64>> {
        let value = prop_oneof![
            8 => (0u64..5000).prop_map(|v| 1_700_000_000_000_000 + v * 1000),
            4 => 0u64..50,
            1 => any::<u64>(),
        ];
        prop::collection::vec(value, 0..300)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn every_value_is_read_alone(mut values in values(), ascend in prop::bool::weighted(0.8)) {
            if ascend {
                values.sort_unstable();
            }
            let mut bytes = vec![7];
            pack_ascending(&values, &mut bytes);
            let end = bytes.len();
            bytes.extend([255; 9]);
            let source = MemSource::new(bytes, Path::new("x"), "test");
            let mut cursor = Cursor::new(&source, 1..source.len()).unwrap();
            let column = Ascending::open(&mut cursor).unwrap();
            prop_assert_eq!(cursor.at(), end);
            prop_assert_eq!(column.len(), values.len() as u64);
            for (i, &value) in (0..).zip(&values) {
                prop_assert_eq!(column.get(&source, i).unwrap(), value);
            }
            prop_assert!(column.get(&source, column.len()).is_err());
        }

        #[test]
        fn p6_any_bytes_are_read_or_refused(
            bytes in prop::collection::vec(prop_oneof![Just(0u8), 0u8..9, any::<u8>()], 0..60),
        ) {
            let source = MemSource::new(bytes, Path::new("x"), "test");
            let mut cursor = Cursor::new(&source, 0..source.len()).unwrap();
            if let Ok(column) = Ascending::open(&mut cursor) {
                for index in [0, 1, column.len() / 2, column.len().wrapping_sub(1), u64::MAX] {
                    let _ = column.get(&source, index);
                }
            }
        }
    }

    #[test]
    fn the_set_bits_of_a_word_are_found() {
        for word in [1u64, u64::MAX, 1 << 63, 0x8000_0001_0010_0401] {
            let naive: Vec<u32> = (0..64).filter(|bit| word >> bit & 1 == 1).collect();
            assert!(naive.iter().zip(0..).all(|(&bit, n)| nth_one(word, n) == bit));
        }
    }

    #[test]
    fn neighbours_cost_two_bits_more_than_what_tells_them_apart() {
        let values: Vec<u64> = (0..256).map(|i| i * 1024 + (i * 37) % 1024).collect();
        let mut bytes = Vec::new();
        pack_ascending(&values, &mut bytes);
        assert!(bytes.len() <= 256 * 12 / 8 + 12, "{}", bytes.len());
    }
}
