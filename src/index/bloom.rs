//! The bloom filter over the low halves of a segment's trace ids.
//!
//! ```text
//! | version: u8 = 1 | bytes of bits: u64 | hash functions: u32 | seed: 32 bytes | bits |
//! ```
//! This is the form of the crate `bloomfilter` 3: two SipHash-1-3 of the id's low half as eight
//! little-endian bytes, keyed with the halves of the seed; hash function `i` is h0, h1, and from
//! 2 on `(h0 + i * h1) mod 2^64 mod 18446744073709551557`; each modulo the number of bits.
//!
//! Sizes are computed in integers: a logarithm's last bit differs from host to host, and the same
//! spans are to make the same file everywhere. They are rounded up to a few sizes, since filters of
//! one size can be asked together ([`crate::index::slice`]).

use std::hash::Hasher;
use std::ops::Range;

use siphasher::sip::SipHasher13;

use crate::base::anatomy::Anatomist;
use crate::base::bytes::{u32_at, u64_at};
use crate::base::error::Result;
use crate::index::source::Source;

/// How many bits and hash functions a filter gives to an id.
#[derive(Clone, Copy, Debug)]
pub struct Strength {
    /// Bits of an id, in thousandths: -ln(p) / ln(2)^2 of them let an absent id pass with
    /// probability p.
    millibits: u64,
    /// ln(2) hash functions a bit let the fewest pass.
    hashes: u32,
}

impl Strength {
    /// p = 1/20,000: among 200 segments one lookup in a hundred touches a segment in vain. One hash
    /// function fewer than the best is faster and as good.
    pub const SEGMENT: Self = Self { millibits: 20_620, hashes: 13 };
    /// p = 1/500: enough to say what a lost segment surely did not hold.
    pub const BESIDE: Self = Self { millibits: 12_935, hashes: 9 };
    /// p = 1/400 with few hash functions: in memory a search in vain costs little.
    pub const GROUP: Self = Self { millibits: 16_000, hashes: 4 };
}

const VERSION: u8 = 1;

/// Its halves differ: with equal halves the two hashes were one, and many more ids would pass.
const SEED: [u8; 32] = *b"tracekeep bloom, first half/2nd.";

/// More hash functions than any sensible filter has: a reader must not be kept busy by a number.
const MAX_HASHES: u32 = 64;

/// The filter over the low halves of ids, as bytes.
pub fn write_bloom(lows: &[u64], strength: Strength) -> Vec<u8> {
    let bytes = bit_bytes(lows.len() as u64, strength);
    let mut out = vec![VERSION];
    out.extend_from_slice(&bytes.to_le_bytes());
    out.extend_from_slice(&strength.hashes.to_le_bytes());
    out.extend_from_slice(&SEED);
    out.append(&mut bits_of(lows, bytes, strength));
    out
}

/// The bits of a filter that has so many bytes of them.
fn bits_of(lows: &[u64], bytes: u64, strength: Strength) -> Vec<u8> {
    let mut bits = vec![0u8; bytes as usize];
    for &low in lows {
        for bit in HashedId::new(low).bits(strength.hashes, bytes * 8) {
            if let Some(byte) = bits.get_mut((bit / 8) as usize) {
                *byte |= 1 << (bit % 8);
            }
        }
    }
    bits
}

/// How long the filter of so many ids is.
pub fn bloom_bytes(ids: u64, strength: Strength) -> u64 {
    HEADER_BYTES as u64 + bit_bytes(ids, strength)
}

/// Rounded up to [`SIZE_BITS`] significant bits: by 4 % on average.
fn bit_bytes(ids: u64, strength: Strength) -> u64 {
    let enough = (ids.max(1) * strength.millibits).div_ceil(8 * 1000);
    let step = 1 << (enough.ilog2() + 1).saturating_sub(SIZE_BITS);
    enough.next_multiple_of(step)
}

/// Significant bits of a filter's bytes: eight sizes between one and twice of it.
const SIZE_BITS: u32 = 4;

/// Bytes before the bits.
const HEADER_BYTES: usize = 45;

/// The modulus of hash functions from the third on.
const PRIME: u64 = 18_446_744_073_709_551_557;

/// The low half of a trace id, hashed once for the filters of all segments.
#[derive(Clone, Copy, Debug)]
pub struct HashedId {
    /// The low half.
    pub low: u64,
    sips: [u64; 2],
}

impl HashedId {
    /// Hashes a low half.
    pub fn new(low: u64) -> Self {
        let (halves, _) = SEED.as_chunks::<16>();
        let sip = |half: usize| {
            let mut hasher = SipHasher13::new_with_key(halves.get(half).unwrap_or(&[0; 16]));
            hasher.write(&low.to_le_bytes());
            hasher.finish()
        };
        Self { low, sips: [sip(0), sip(1)] }
    }

    /// Which of `bits` bits are the id's, one for each hash function.
    fn bits(self, hashes: u32, bits: u64) -> impl Iterator<Item = u64> {
        (0..hashes).map(move |number| self.hash(number) % bits)
    }

    /// What one of the hash functions makes of it.
    #[inline]
    pub fn hash(&self, number: u32) -> u64 {
        let [first, second] = self.sips;
        match number {
            0 => first,
            1 => second,
            more => first.wrapping_add(u64::from(more).wrapping_mul(second)) % PRIME,
        }
    }
}

/// How many bits a filter has, and how many hash functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shape {
    bits: u64,
    /// 2^64 / `bits`, rounded down: a division by it costs a multiplication.
    inverse: u64,
    hashes: u32,
}

impl Shape {
    fn new(bits: u64, hashes: u32) -> Self {
        Self { bits, inverse: u64::MAX / bits.max(1), hashes }
    }

    /// Bits.
    pub fn bits(self) -> u64 {
        self.bits
    }

    /// The numbers of its hash functions.
    pub fn numbers(self) -> Range<u32> {
        0..self.hashes
    }

    /// The bit that is a hash's: `hash % bits`.
    #[inline]
    pub fn bit(self, hash: u64) -> u64 {
        // The quotient is right, or one too small.
        let quotient = ((u128::from(hash) * u128::from(self.inverse)) >> 64) as u64;
        let rest = hash - quotient * self.bits;
        if rest >= self.bits { rest - self.bits } else { rest }
    }
}

/// A filter in memory.
#[derive(Debug)]
pub struct BloomReader {
    filter: Box<[u8]>,
    shape: Shape,
}

impl BloomReader {
    /// Reads the filter that makes up `source`; it takes as much memory as it has bytes.
    pub fn open(source: &dyn Source) -> Result<Self> {
        let bytes = source.bytes(0, source.len())?;
        let bad = |detail| source.corrupt(0, detail);
        let (header, filter) = bytes
            .split_at_checked(HEADER_BYTES)
            .ok_or_else(|| bad("a bloom filter without its header"))?;
        let known = header.starts_with(&[VERSION]) && header.ends_with(&SEED);
        let hashes = u32_at(header, 9).filter(|hashes| known && (1..=MAX_HASHES).contains(hashes));
        let hashes = hashes.ok_or_else(|| bad("a bloom filter of unknown parameters"))?;
        if filter.is_empty() || u64_at(header, 1) != Some(filter.len() as u64) {
            return Err(bad("a bloom filter of another length than it says"));
        }
        Ok(Self { filter: filter.into(), shape: Shape::new(filter.len() as u64 * 8, hashes) })
    }

    /// A filter over the low halves of these ids. It has room for a power of two of them, so that
    /// filters of about as many have one shape.
    pub fn of(lows: &[u64], strength: Strength) -> Self {
        let bytes = bit_bytes((lows.len() as u64).next_power_of_two(), strength);
        let shape = Shape::new(bytes * 8, strength.hashes);
        Self { filter: bits_of(lows, bytes, strength).into(), shape }
    }

    /// How many bits and hash functions it has.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Its bits, the lowest of a byte first.
    pub fn bits(&self) -> &[u8] {
        &self.filter
    }

    /// Whether a trace with this low half may be in the segment; `false` is certain.
    pub fn contains(&self, id: &HashedId) -> bool {
        self.shape.numbers().all(|number| {
            let bit = self.shape.bit(id.hash(number));
            let byte = self.filter.get((bit / 8) as usize).copied().unwrap_or_default();
            byte >> (bit % 8) & 1 == 1
        })
    }
}

/// Names the fields of a filter.
pub fn anatomy(filter: &mut Anatomist<'_>) {
    filter.number(1, "version");
    filter.number(8, "bytes of bits");
    filter.number(4, "hash functions");
    filter.bytes(SEED.len(), "seed");
    filter.bytes(filter.left(), "bits");
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::index::source::MemSource;
    use bloomfilter::Bloom;
    use proptest::prelude::*;
    use std::path::Path;

    fn open(bytes: Vec<u8>) -> Result<BloomReader> {
        BloomReader::open(&MemSource::new(bytes, Path::new("x"), "bloom"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn p5_no_stored_id_is_missed(lows: Vec<u64>) {
            let bloom = open(write_bloom(&lows, Strength::SEGMENT)).unwrap();
            prop_assert!(lows.iter().all(|&low| bloom.contains(&HashedId::new(low))));
        }

        #[test]
        fn p5_the_crate_would_answer_the_same(lows: Vec<u64>, others: Vec<u64>) {
            let bytes = write_bloom(&lows, Strength::SEGMENT);
            let library = Bloom::<u64>::from_slice(&bytes).unwrap();
            let bloom = open(bytes).unwrap();
            for low in lows.into_iter().chain(others) {
                prop_assert_eq!(bloom.contains(&HashedId::new(low)), library.check(&low.to_le()));
            }
        }

        #[test]
        fn p5_bits_are_where_division_puts_them(bits in 1u64.., low: u64) {
            let hash = HashedId::new(low).sips[0];
            prop_assert_eq!(Shape::new(bits, 1).bit(hash), hash % bits);
        }

        #[test]
        fn p6_a_changed_header_ends_in_an_error_or_a_value(at in 0usize..60, byte: u8) {
            let mut bytes = write_bloom(&[1, 2, 3], Strength::SEGMENT);
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            if let Ok(bloom) = open(bytes) {
                let _ = bloom.contains(&HashedId::new(9));
            }
        }
    }

    #[test]
    fn absent_ids_rarely_pass() {
        let bytes = write_bloom(&(0..5000).collect::<Vec<u64>>(), Strength::SEGMENT);
        assert!(bytes.len() < 5000 * 23 / 8);
        let bloom = open(bytes).unwrap();
        let passed = (5000..205_000).filter(|&low| bloom.contains(&HashedId::new(low))).count();
        assert!(passed < 30, "{passed} of 200000 passed");
    }

    /// These bytes are on disk: a library that hashed differently would lose traces.
    #[test]
    fn bits_are_pinned() {
        let bytes = write_bloom(&[1, 0x0123_4567_89ab_cdef], Strength::SEGMENT);
        assert_eq!(bytes.get(HEADER_BYTES..).unwrap(), PINNED);
    }

    const PINNED: [u8; 6] = [142, 194, 162, 184, 104, 43];
}
