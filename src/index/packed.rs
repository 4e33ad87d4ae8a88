//! Columns of unsigned integers in fixed bits each, any of which is read alone.
//!
//! ```text
//! | count | base | step | width: u8 | wide: u8 | exceptions |   varints but for the two bytes; only count if 0
//! | count x width bits                 | low bits, in order
//! | exceptions x index bits            | which values need more, ascending; bits of count - 1 each
//! | exceptions x wide bits             | their high bits
//! | zero bits to the next byte         |
//! ```
//! A value is `base + step * (low | high << width)`, modulo 2^64; `high` is 0 but for exceptions.
//! So one outlier does not widen its neighbours.

use crate::base::error::Result;
use crate::base::varint::write_u64;
use crate::block::bits::{BitWriter, bit_length, get_bits};
use crate::disk::bytes::ByteView;
use crate::index::source::{Cursor, Source};

/// Columns up to this size are fetched whole when opened; larger ones value by value.
const WHOLE_BYTES: usize = 4096;

/// Appends `values` as a column.
pub fn pack(values: &[u64], out: &mut Vec<u8>) {
    write_u64(out, values.len() as u64);
    let Some(&base) = values.iter().min() else { return };
    let step = common_step(values, base);
    let stored: Vec<u64> = values.iter().map(|&v| (v - base) / step).collect();
    let index_bits = bit_length(values.len() as u64 - 1);
    let (width, wide) = best_width(&stored, index_bits);
    let fits = |&&(_, v): &&(u64, u64)| bit_length(v) > width;
    let numbered: Vec<(u64, u64)> = (0..).zip(stored.iter().copied()).collect();
    let exceptions: Vec<(u64, u64)> = numbered.iter().filter(fits).copied().collect();

    write_u64(out, base);
    write_u64(out, step);
    out.push(width as u8);
    out.push(wide as u8);
    write_u64(out, exceptions.len() as u64);
    let mut bits = BitWriter::new();
    for &value in &stored {
        bits.put(value, width);
    }
    for &(index, _) in &exceptions {
        bits.put(index, index_bits);
    }
    for &(_, value) in &exceptions {
        bits.put(value >> width, wide);
    }
    out.extend_from_slice(&bits.into_bytes());
}

/// The width that costs the fewest bits in all, and how wide the exceptions' high bits are then.
fn best_width(stored: &[u64], index_bits: u32) -> (u32, u32) {
    let mut by_length = [0u64; 65];
    for &value in stored {
        if let Some(count) = by_length.get_mut(bit_length(value) as usize) {
            *count += 1;
        }
    }
    let widest = (0..=64u32).rev().find(|&w| by_length.get(w as usize).is_some_and(|&n| n > 0));
    let widest = widest.unwrap_or(0);
    let mut exceptions = 0;
    let mut best = (stored.len() as u64 * u64::from(widest), widest);
    for width in (0..widest).rev() {
        exceptions += by_length.get(width as usize + 1).copied().unwrap_or(0);
        let each = u64::from(index_bits + widest - width);
        let cost = stored.len() as u64 * u64::from(width) + exceptions * each;
        if cost < best.0 {
            best = (cost, width);
        }
    }
    (best.1, widest - best.1)
}

/// The largest step in which all values lie above `base`, the least of them; at least 1.
pub(super) fn common_step(values: &[u64], base: u64) -> u64 {
    values.iter().fold(0, |step, &v| gcd(v - base, step)).max(1)
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// A column that was written by [`pack`].
#[derive(Clone, Debug)]
pub struct Packed {
    count: u64,
    base: u64,
    step: u64,
    width: u32,
    wide: u32,
    index_bits: u32,
    exceptions: u64,
    /// Where the bits begin in the section, and how many bytes they take.
    start: usize,
    len: usize,
    whole: Option<ByteView>,
}

impl Packed {
    /// Opens the column at the cursor and moves past it.
    pub fn open(cursor: &mut Cursor<'_>) -> Result<Self> {
        let count = cursor.varint()?;
        let mut column = Self {
            count,
            base: 0,
            step: 1,
            width: 0,
            wide: 0,
            index_bits: 0,
            exceptions: 0,
            start: cursor.at(),
            len: 0,
            whole: None,
        };
        if count == 0 {
            return Ok(column);
        }
        column.base = cursor.varint()?;
        column.step = cursor.varint()?;
        column.width = cursor.byte()?.into();
        column.wide = cursor.byte()?.into();
        column.index_bits = bit_length(count - 1);
        column.exceptions = cursor.varint()?;
        let len = column.checked_bytes().ok_or_else(|| cursor.corrupt("a bad column header"))?;
        let range = cursor.skip(len)?;
        column.start = range.start;
        column.len = len;
        if len <= WHOLE_BYTES {
            column.whole = Some(cursor.source().bytes(range.start, len)?);
        }
        Ok(column)
    }

    /// How many bytes the bits take, if the header makes sense.
    fn checked_bytes(&self) -> Option<usize> {
        let sane = self.width + self.wide <= 64
            && self.step > 0
            && self.exceptions <= self.count
            && self.count <= u64::from(u32::MAX);
        let each = u64::from(self.index_bits) + u64::from(self.wide);
        let bits = self.count.checked_mul(self.width.into())?;
        let bits = bits.checked_add(self.exceptions.checked_mul(each)?)?;
        usize::try_from(bits.div_ceil(8)).ok().filter(|_| sane)
    }

    /// How many values there are: below 2^32, and not bounded by the bytes of the section.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Bytes that the values take, the header left out.
    pub fn byte_len(&self) -> usize {
        self.len
    }

    /// Whether all values could be different, which bounds their number by bytes that are there.
    pub fn can_differ(&self) -> bool {
        bit_length((self.count - self.exceptions).saturating_sub(1)) <= self.width
    }

    /// The value at `index`; `Corrupt` beyond the end.
    pub fn get(&self, source: &dyn Source, index: u64) -> Result<u64> {
        if index >= self.count {
            return Err(source.corrupt(self.start, "an index beyond its column"));
        }
        let stored = match &self.whole {
            Some(whole) => {
                let whole: &[u8] = whole;
                self.stored(index, |bit, width| get_bits(whole, usize::try_from(bit).ok()?, width))
            }
            None => return self.get_piecewise(source, index),
        };
        let stored =
            stored.ok_or_else(|| source.corrupt(self.start, "bits beyond their column"))?;
        Ok(self.value(stored))
    }

    fn value(&self, stored: u64) -> u64 {
        self.base.wrapping_add(self.step.wrapping_mul(stored))
    }

    /// Low and high bits of the value at `index`, given what reads bits of the column.
    #[inline]
    fn stored(&self, index: u64, mut bits: impl FnMut(u64, u32) -> Option<u64>) -> Option<u64> {
        let low = bits(index * u64::from(self.width), self.width)?;
        if self.exceptions == 0 {
            return Some(low);
        }
        let first = self.count * u64::from(self.width);
        let each = u64::from(self.index_bits);
        let (mut from, mut to) = (0, self.exceptions);
        while from < to {
            let middle = from + (to - from) / 2;
            match bits(first + middle * each, self.index_bits)? < index {
                true => from = middle + 1,
                false => to = middle,
            }
        }
        if from == self.exceptions || bits(first + from * each, self.index_bits)? != index {
            return Some(low);
        }
        let highs = first + self.exceptions * each;
        let high = bits(highs + from * u64::from(self.wide), self.wide)?;
        Some(high.checked_shl(self.width).unwrap_or(0) | low)
    }

    /// The value at `index` of a column that is too large to be held.
    fn get_piecewise(&self, source: &dyn Source, index: u64) -> Result<u64> {
        let mut failure = None;
        let stored = self.stored(index, |bit, width| {
            self.bits(source, bit, width).map_err(|error| failure = Some(error)).ok()
        });
        match (stored, failure) {
            (Some(stored), _) => Ok(self.value(stored)),
            (None, Some(error)) => Err(error),
            (None, None) => Err(source.corrupt(self.start, "bits beyond their column")),
        }
    }

    fn bits(&self, source: &dyn Source, bit: u64, width: u32) -> Result<u64> {
        let missing = || source.corrupt(self.start, "bits beyond their column");
        let bit = usize::try_from(bit).map_err(|_| missing())?;
        let from = bit / 8;
        let len = (bit % 8 + width as usize).div_ceil(8);
        if from + len > self.len {
            return Err(missing());
        }
        let bytes = source.bytes(self.start + from, len)?;
        get_bits(&bytes, bit % 8, width).ok_or_else(missing)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::index::source::MemSource;
    use proptest::prelude::*;
    use std::path::Path;

    fn values() -> impl Strategy<Value = Vec<u64>> {
        let value = prop_oneof![
            8 => 0u64..50,
            3 => (0u64..9).prop_map(|v| 1_700_000_000_000_000 + v * 1000),
            1 => any::<u64>(),
        ];
        prop::collection::vec(value, 0..300)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn every_value_is_read_alone(values in values(), tail in 0usize..4, many: bool) {
            let values = if many { values.repeat(40) } else { values };
            let mut bytes = vec![7];
            pack(&values, &mut bytes);
            let end = bytes.len();
            bytes.extend(vec![9; tail]);
            let source = MemSource::new(bytes, Path::new("x"), "test");
            let mut cursor = Cursor::new(&source, 1..source.len()).unwrap();
            let column = Packed::open(&mut cursor).unwrap();
            prop_assert_eq!(cursor.at(), end);
            prop_assert_eq!(column.len(), values.len() as u64);
            for (i, &value) in values.iter().enumerate() {
                prop_assert_eq!(column.get(&source, i as u64).unwrap(), value);
            }
            prop_assert!(column.get(&source, values.len() as u64).is_err());
        }

        #[test]
        fn p6_any_bytes_are_read_or_refused(
            bytes in prop::collection::vec(prop_oneof![Just(0u8), 0u8..9, any::<u8>()], 0..60),
        ) {
            let source = MemSource::new(bytes, Path::new("x"), "test");
            let mut cursor = Cursor::new(&source, 0..source.len()).unwrap();
            if let Ok(column) = Packed::open(&mut cursor) {
                for index in [0, 1, column.len() / 2, column.len().wrapping_sub(1), u64::MAX] {
                    let _ = column.get(&source, index);
                }
            }
        }
    }

    #[test]
    fn one_outlier_does_not_widen_its_neighbours() {
        let mut values = vec![3u64; 200];
        values[77] = u64::MAX;
        let mut bytes = Vec::new();
        pack(&values, &mut bytes);
        assert!(bytes.len() < 32, "{}", bytes.len());
    }
}
