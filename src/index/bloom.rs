//! The bloom filter over the low halves of a segment's trace ids.
//!
//! ```text
//! | version: u8 = 1 | bytes of bits: u64 | hash functions: u32 | seed: 32 bytes | bits |
//! ```
//! This is the form of the crate `bloomfilter` 3: two SipHash-1-3 of the id's low half as eight
//! little-endian bytes, keyed with the halves of the seed; hash function `i` is h0, h1, and from
//! 2 on `(h0 + i * h1) mod 2^64 mod 18446744073709551557`; each modulo the number of bits.

use bloomfilter::Bloom;

use crate::base::error::Result;
use crate::index::source::Source;

/// An absent id passes one filter in ten thousand, so that a lookup among hundreds of segments
/// rarely touches a segment in vain.
const FALSE_POSITIVE_RATE: f64 = 1e-4;

/// Its halves differ: with equal halves the two hashes were one, and many more ids would pass.
const SEED: [u8; 32] = *b"tracekeep bloom, first half/2nd.";

/// More hash functions than any sensible filter has: a reader must not be kept busy by a number.
const MAX_HASHES: u32 = 64;

/// The filter over the low halves of `ids`, as bytes.
pub fn write_bloom(lows: &[u64]) -> Vec<u8> {
    let items = lows.len().max(1);
    let bytes = Bloom::<u64>::compute_bitmap_size(items, FALSE_POSITIVE_RATE);
    let Ok(mut bloom) = Bloom::<u64>::new_with_seed(bytes, items, &SEED) else {
        return Vec::new();
    };
    for low in lows {
        bloom.set(&low.to_le());
    }
    bloom.into_bytes()
}

/// A filter in memory.
#[derive(Clone, Debug)]
pub struct BloomReader {
    bloom: Bloom<u64>,
}

impl BloomReader {
    /// Reads the filter that makes up `source`; it takes as much memory as it has bytes.
    pub fn open(source: &dyn Source) -> Result<Self> {
        let bytes = source.bytes(0, source.len())?;
        let bad = |detail| source.corrupt(0, detail);
        let bloom = Bloom::from_slice(&bytes).map_err(bad)?;
        let (bits, hashes) = (bloom.len(), bloom.number_of_hash_functions());
        if bits == 0 || hashes == 0 || hashes > MAX_HASHES || bloom.seed() != SEED {
            return Err(bad("a bloom filter of unknown parameters"));
        }
        Ok(Self { bloom })
    }

    /// Whether a trace with this low half may be in the segment; `false` is certain.
    pub fn contains(&self, low: u64) -> bool {
        // The hasher takes an integer's bytes as they lie in memory: make that little-endian.
        self.bloom.check(&low.to_le())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::index::source::MemSource;
    use proptest::prelude::*;
    use std::path::Path;

    fn open(bytes: Vec<u8>) -> Result<BloomReader> {
        BloomReader::open(&MemSource::new(bytes, Path::new("x"), "bloom"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn p5_no_stored_id_is_missed(lows: Vec<u64>) {
            let bloom = open(write_bloom(&lows)).unwrap();
            prop_assert!(lows.iter().all(|&low| bloom.contains(low)));
        }

        #[test]
        fn p6_a_changed_header_ends_in_an_error_or_a_value(at in 0usize..60, byte: u8) {
            let mut bytes = write_bloom(&[1, 2, 3]);
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            if let Ok(bloom) = open(bytes) {
                let _ = bloom.contains(9);
            }
        }
    }

    #[test]
    fn absent_ids_rarely_pass() {
        let bytes = write_bloom(&(0..5000).collect::<Vec<u64>>());
        assert!(bytes.len() < 5000 * 20 / 8);
        let bloom = open(bytes).unwrap();
        let passed = (5000..205_000).filter(|&low| bloom.contains(low)).count();
        assert!(passed < 60, "{passed} of 200000 passed");
    }

    /// These bytes are on disk: a library that hashed differently would lose traces.
    #[test]
    fn bits_are_pinned() {
        let bytes = write_bloom(&[1, 0x0123_4567_89ab_cdef]);
        assert_eq!(bytes.get(HEADER_BYTES..).unwrap(), PINNED);
    }

    const HEADER_BYTES: usize = 45;
    const PINNED: [u8; 5] = [138, 122, 123, 230, 168];
}
