//! Bloom filters of one shape side by side, so that all are asked at once.
//!
//! ```text
//! bit      filter 0 1 2 .. n-1
//! 0               0 1 1    0      a row: bits 0 .. n of the slice
//! 1               1 0 1    1      bits n .. 2n
//! ..
//! bits - 1        1 1 0    0
//! ```
//! An id names the same bits in every filter of a shape. Whether the filters of many segments have
//! one of them is a row, of a few bytes that lie together: two or three rows tell as much as two
//! bits of each filter, of which every one lies elsewhere. (Bit-sliced signature files do the same
//! for texts: Faloutsos and Christodoulakis, *Signature files*, 1984.)

use crate::index::bloom::{BloomReader, HashedId, Shape};

/// Filters of one shape, which it has as many bits as, together; less than 72 bytes more.
#[derive(Debug)]
pub struct FilterSlice {
    shape: Shape,
    /// How many filters: the bits of a row.
    lanes: u32,
    rows: Vec<u8>,
}

/// Bytes that are read at once, wherever a row begins.
const WORD: usize = size_of::<u64>();

impl FilterSlice {
    /// As many filters as a row may have: whichever bit of a byte it begins at, it ends within eight
    /// bytes.
    pub const MOST: usize = 57;

    /// Slices filters, at most [`Self::MOST`], all of the first one's shape. Cost: some four
    /// operations a byte.
    pub fn new(filters: &[BloomReader]) -> Option<Self> {
        let shape = filters.first()?.shape();
        if filters.len() > Self::MOST || filters.iter().any(|filter| filter.shape() != shape) {
            return None;
        }
        let lanes = filters.len();
        let bytes = filters.iter().map(|filter| filter.bits().len()).sum::<usize>();
        // Up to 63 rows behind the last are written, and found to be nothing.
        let mut rows = vec![0; bytes + lanes * WORD + WORD];
        let mut at = 0;
        for word in 0..filters.first()?.bits().len().div_ceil(WORD) {
            let mut square = [0; 64];
            for (lane, filter) in square.iter_mut().zip(filters) {
                *lane = word_of(filter.bits(), word);
            }
            transpose(&mut square);
            for row in square {
                put(&mut rows, at, row);
                at += lanes;
            }
        }
        rows.truncate(bytes + WORD);
        Some(Self { shape, lanes: lanes as u32, rows })
    }

    /// Their shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Those of the filters in `lanes`, a bit each, that may hold an id.
    #[inline]
    pub fn admit(&self, id: &HashedId, mut lanes: u64) -> u64 {
        for number in self.shape.numbers() {
            if lanes == 0 {
                break;
            }
            lanes &= self.row(self.shape.bit(id.hash(number)));
        }
        lanes
    }

    /// One bit of each filter; above them is the next row.
    #[inline]
    fn row(&self, bit: u64) -> u64 {
        let at = bit * u64::from(self.lanes);
        let bytes = self.rows.get((at / 8) as usize..).and_then(<[u8]>::first_chunk);
        bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes) >> (at % 8))
    }
}

/// The bytes of a filter from word to word, zeros behind the last.
fn word_of(bits: &[u8], word: usize) -> u64 {
    let bits = bits.get(word * WORD..).unwrap_or_default();
    match bits.first_chunk() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => bits.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    }
}

/// Adds a row whose first bit is `at`.
fn put(rows: &mut [u8], at: usize, row: u64) {
    if let Some(bytes) = rows.get_mut(at / 8..).and_then(<[u8]>::first_chunk_mut) {
        *bytes = (u64::from_le_bytes(*bytes) | row << (at % 8)).to_le_bytes();
    }
}

/// Bit `c` of word `r` becomes bit `r` of word `c`: the halves of the square's diagonal blocks are
/// exchanged, of 32, 16, .. 1 bits (Warren, *Hacker's Delight*, 7-3).
fn transpose(square: &mut [u64; 64]) {
    let mut width = 32;
    let mut mask = u64::MAX >> 32;
    while width > 0 {
        for block in square.chunks_exact_mut(2 * width) {
            let (upper, lower) = block.split_at_mut(width);
            for (upper, lower) in upper.iter_mut().zip(lower) {
                let exchanged = (*upper >> width ^ *lower) & mask;
                *upper ^= exchanged << width;
                *lower ^= exchanged;
            }
        }
        width /= 2;
        mask ^= mask << width;
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::index::bloom::{Strength, write_bloom};
    use crate::index::source::MemSource;
    use proptest::prelude::*;
    use std::path::Path;

    fn filter(lows: &[u64]) -> BloomReader {
        let source = MemSource::new(write_bloom(lows, Strength::SEGMENT), Path::new("x"), "bloom");
        BloomReader::open(&source).unwrap()
    }

    proptest! {
        #[test]
        fn p4_a_slice_admits_what_its_filters_do(
            lows in prop::collection::vec(prop::collection::vec(0u64..500, 1..100), 1..=57),
            asked in prop::collection::vec(0u64..1000, 1..20),
            of: u64,
        ) {
            let longest = lows.iter().map(Vec::len).max().unwrap();
            // All of one shape: the first id again and again.
            let filled = lows.iter().map(|lows| {
                let more = std::iter::repeat_n(lows.first().copied().unwrap(), longest - lows.len());
                filter(&lows.iter().copied().chain(more).collect::<Vec<u64>>())
            });
            let filters: Vec<BloomReader> = filled.collect();
            let slice = FilterSlice::new(&filters).unwrap();
            for low in asked {
                let id = HashedId::new(low);
                let wanted = filters.iter().rev().fold(0, |lanes, filter| {
                    lanes << 1 | u64::from(filter.contains(&id))
                });
                let all = u64::MAX >> (64 - filters.len());
                prop_assert_eq!(slice.admit(&id, all), wanted);
                prop_assert_eq!(slice.admit(&id, of & all), wanted & of);
            }
        }

        #[test]
        fn a_square_is_transposed(words: [u64; 2], at in 0usize..63) {
            let mut square = [0; 64];
            square[at] = words[0];
            square[at + 1] = words[1];
            let before = square;
            transpose(&mut square);
            for (row, word) in square.iter().enumerate() {
                for (column, other) in before.iter().enumerate() {
                    prop_assert_eq!(word >> column & 1, other >> row & 1);
                }
            }
        }
    }

    #[test]
    fn filters_of_different_shapes_or_too_many_make_no_slice() {
        assert!(FilterSlice::new(&[]).is_none());
        assert!(FilterSlice::new(&[filter(&[1]), filter(&[1; 100])]).is_none());
        let many = |count| (0..count).map(|low| filter(&[low])).collect::<Vec<BloomReader>>();
        assert!(FilterSlice::new(&many(57)).is_some());
        assert!(FilterSlice::new(&many(58)).is_none());
    }
}
