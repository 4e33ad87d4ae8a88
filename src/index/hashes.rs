//! A table from hashes to trace ordinals that keeps only as many bits of a hash as are useful.
//!
//! ```text
//! | bucket bits: u8 | rest bits: u8 | ordinal bits: u8 |
//! | fences: packed column  |  2^bucket bits + 1 of them: fence[b] = i + n - floor(b * n / 2^bucket bits),
//! |                        |  where entry i is the first whose hash begins with b or more, of n entries
//! | entries: packed column |  rest of the hash << ordinal bits | ordinal; ascending within a bucket
//! ```
//! A hash's highest bits choose the bucket, the next are the rest. Fences are kept as distances
//! from where evenly spread hashes would put them, which takes half the bits; hashes that are not
//! spread at all (made to collide, say) cost time and bytes but no answer.

use std::ops::Range;

use crate::base::error::Result;
use crate::block::bits::{bit_length, mask};
use crate::index::packed::{Packed, pack};
use crate::index::source::{Cursor, Source, partition_point};

/// Entries of a bucket, on average: they are searched one by one.
const PER_BUCKET: u64 = 8;

/// Buckets there may be for each byte of a table, and for so many bytes more.
const MAX_BUCKETS_A_BYTE: u64 = 64;

/// Appends a table of `pairs` of hash and ordinal. A lookup of an absent hash meets one in
/// 2^`spare_bits` candidates.
pub fn write_table(pairs: &[(u64, u32)], spare_bits: u32, out: &mut Vec<u8>) {
    let bucket_bits = (pairs.len() as u64 / PER_BUCKET).checked_ilog2().unwrap_or(0);
    let all_bits = bit_length(pairs.len().saturating_sub(1) as u64) + spare_bits;
    let ordinal_bits = bit_length(pairs.iter().map(|&(_, o)| u64::from(o)).max().unwrap_or(0));
    let all_bits = all_bits.clamp(bucket_bits, bucket_bits + 64 - ordinal_bits).min(64);
    let rest_bits = all_bits - bucket_bits;

    let cut = |hash: u64| hash.checked_shr(64 - all_bits).unwrap_or(0);
    let entries = sorted(pairs.iter().map(|&(h, o)| (cut(h), o)), all_bits, ordinal_bits);

    let count = entries.len() as u64;
    let buckets = 1u64 << bucket_bits;
    let mut fences = Vec::with_capacity(buckets as usize + 1);
    let mut first = 0u64;
    for bucket in 0..=buckets {
        let rest = entries.get(first as usize..).unwrap_or_default();
        first += rest.iter().take_while(|&&(hash, _)| hash >> rest_bits < bucket).count() as u64;
        fences.push(first + count - expected(bucket, count, bucket_bits));
    }
    let entries: Vec<u64> = entries
        .iter()
        .map(|&(hash, ordinal)| (hash & mask(rest_bits)) << ordinal_bits | u64::from(ordinal))
        .collect();
    out.extend([bucket_bits as u8, rest_bits as u8, ordinal_bits as u8]);
    pack(&fences, out);
    pack(&entries, out);
}

/// Entries in order, each once, of so many bits. Those of both mostly fit one word, which is sorted
/// in half the time.
fn sorted(
    entries: impl Iterator<Item = (u64, u32)>,
    hash_bits: u32,
    ordinal_bits: u32,
) -> Vec<(u64, u32)> {
    if hash_bits + ordinal_bits > u64::BITS {
        let mut entries: Vec<(u64, u32)> = entries.collect();
        entries.sort_unstable();
        entries.dedup();
        return entries;
    }
    // No shift by 64: an ordinal has 32 bits at most.
    let mut words: Vec<u64> =
        entries.map(|(hash, ordinal)| hash << ordinal_bits | u64::from(ordinal)).collect();
    words.sort_unstable();
    words.dedup();
    let parts = |word: u64| (word >> ordinal_bits, (word & mask(ordinal_bits)) as u32);
    words.into_iter().map(parts).collect()
}

/// Where evenly spread hashes would put a bucket's first entry.
fn expected(bucket: u64, count: u64, bucket_bits: u32) -> u64 {
    ((u128::from(bucket) * u128::from(count)) >> bucket_bits) as u64
}

/// Finds ordinals by hash.
#[derive(Clone, Debug)]
pub struct HashTable {
    bucket_bits: u32,
    rest_bits: u32,
    ordinal_bits: u32,
    fences: Packed,
    entries: Packed,
}

impl HashTable {
    /// Opens the table at the cursor and moves past it.
    pub fn open(cursor: &mut Cursor<'_>) -> Result<Self> {
        let bucket_bits = cursor.byte()?.into();
        let rest_bits = cursor.byte()?.into();
        let ordinal_bits = cursor.byte()?.into();
        let fences = Packed::open(cursor)?;
        let entries = Packed::open(cursor)?;
        let table = Self { bucket_bits, rest_bits, ordinal_bits, fences, entries };
        let sane = bucket_bits <= 32
            && bucket_bits + rest_bits <= 64
            && rest_bits + ordinal_bits <= 64
            && ordinal_bits <= 32
            && table.fences.len() == (1 << bucket_bits) + 1
            // Else looking at all buckets would be work that no bytes stand for.
            && 1 << bucket_bits <= MAX_BUCKETS_A_BYTE * (MAX_BUCKETS_A_BYTE + table.bytes());
        if sane { Ok(table) } else { Err(cursor.corrupt("a bad hash table header")) }
    }

    /// Bytes of both columns.
    fn bytes(&self) -> u64 {
        (self.fences.byte_len() + self.entries.byte_len()) as u64
    }

    /// How many pairs of hash and ordinal there are.
    pub fn len(&self) -> u64 {
        self.entries.len()
    }

    /// Appends the ordinals stored for `hash`, ascending, and few others.
    pub fn find(&self, source: &dyn Source, hash: u64, found: &mut Vec<u32>) -> Result<()> {
        let bucket = hash.checked_shr(64 - self.bucket_bits).unwrap_or(0);
        let all_bits = self.bucket_bits + self.rest_bits;
        let rest = hash.checked_shr(64 - all_bits).unwrap_or(0) & mask(self.rest_bits);
        let Range { start: from, end: to } = self.bucket(source, bucket)?;
        let rest_at = |i| self.entries.get(source, from + i).map(|e| e >> self.ordinal_bits);
        let first = partition_point(to - from, |i| Ok(rest_at(i)? < rest))?;
        let mut before = None;
        for i in from + first..to {
            let entry = self.entries.get(source, i)?;
            if entry >> self.ordinal_bits != rest {
                break;
            }
            // Strict ascent also ends a loop over a column of endless equal values.
            if before.replace(entry).is_some_and(|before| before >= entry) {
                return Err(source.corrupt(0, "entries of a hash table in disorder"));
            }
            found.push((entry & mask(self.ordinal_bits)) as u32);
        }
        Ok(())
    }

    /// How many buckets there are.
    pub(super) fn buckets(&self) -> u64 {
        1 << self.bucket_bits
    }

    /// The entries of a bucket.
    pub(super) fn bucket(&self, source: &dyn Source, bucket: u64) -> Result<Range<u64>> {
        let (from, to) = (self.fence(source, bucket)?, self.fence(source, bucket + 1)?);
        if from > to || to > self.entries.len() {
            return Err(source.corrupt(0, "fences of a hash table in disorder"));
        }
        Ok(from..to)
    }

    /// An entry, and the ordinal in it.
    pub(super) fn entry(&self, source: &dyn Source, index: u64) -> Result<(u64, u32)> {
        let entry = self.entries.get(source, index)?;
        Ok((entry, (entry & mask(self.ordinal_bits)) as u32))
    }

    fn fence(&self, source: &dyn Source, bucket: u64) -> Result<u64> {
        let count = self.entries.len();
        let stored = self.fences.get(source, bucket)?;
        let index = stored.checked_add(expected(bucket, count, self.bucket_bits));
        index
            .and_then(|index| index.checked_sub(count))
            .ok_or_else(|| source.corrupt(0, "fences of a hash table in disorder"))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::base::checksum::hash64;
    use crate::index::source::MemSource;
    use proptest::prelude::*;
    use std::path::Path;

    fn open(bytes: Vec<u8>) -> (MemSource, Result<HashTable>) {
        let source = MemSource::new(bytes, Path::new("x"), "test");
        let mut cursor = Cursor::new(&source, 0..source.len()).unwrap();
        let table = HashTable::open(&mut cursor);
        (source, table)
    }

    fn pairs() -> impl Strategy<Value = Vec<(u64, u32)>> {
        let hash = prop_oneof![any::<u64>(), 0u64..9, (0u64..40).prop_map(|v| v << 58)];
        prop::collection::vec((hash, prop_oneof![0u32..30, any::<u32>()]), 0..400)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn p5_no_stored_pair_is_missed(pairs in pairs(), spare in 0u32..20) {
            let mut bytes = Vec::new();
            write_table(&pairs, spare, &mut bytes);
            let (source, table) = open(bytes);
            let table = table.unwrap();
            for &(hash, ordinal) in &pairs {
                let mut found = Vec::new();
                table.find(&source, hash, &mut found).unwrap();
                prop_assert!(found.contains(&ordinal));
                prop_assert!(found.is_sorted());
            }
        }

        #[test]
        fn p6_a_changed_byte_ends_in_an_error_or_a_value(
            pairs in pairs(), at: prop::sample::Index, byte: u8,
        ) {
            let mut bytes = Vec::new();
            write_table(&pairs, 4, &mut bytes);
            let at = at.index(bytes.len());
            *bytes.get_mut(at).unwrap() = byte;
            if let (source, Ok(table)) = open(bytes) {
                for hash in [0, 1, 5 << 58, u64::MAX] {
                    let mut found = Vec::new();
                    let _ = table.find(&source, hash, &mut found);
                }
            }
        }
    }

    #[test]
    fn false_candidates_are_as_rare_as_asked_and_entries_small() {
        let hash = |i: u32| hash64(&i.to_le_bytes());
        let pairs: Vec<(u64, u32)> = (0..20_000).map(|i| (hash(i), i % 2300)).collect();
        let mut bytes = Vec::new();
        write_table(&pairs, 5, &mut bytes);
        assert!(bytes.len() * 8 < 20_000 * 23, "{} bits each", bytes.len() * 8 / 20_000);
        let (source, table) = open(bytes);
        let table = table.unwrap();
        let mut found = Vec::new();
        for i in 20_000..30_000 {
            table.find(&source, hash(i), &mut found).unwrap();
        }
        assert!(found.len() < 10_000 / 20, "{} of 10000", found.len());
    }
}
