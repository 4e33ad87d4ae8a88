//! Numbers of many values, by magnitude: each bucket spans a part of a power of two.
//!
//! ```text
//! | shift: u8 | buckets: packed column, ascending | posting pointers: packed column |
//! ```
//! A number's bucket is the order-preserving bits of its nearest double, shifted right. So buckets
//! keep the order of numbers, and those strictly inside a range hold nothing outside it.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};

use crate::base::error::Result;
use crate::base::number::{Number, ordered_bits};
use crate::index::packed::{Packed, pack};
use crate::index::postings_builder::PostingsBuilder;
use crate::index::source::{Cursor, Source, partition_point};

/// Eight buckets to a power of two, if that does not cost too much; else four, two, one, ...
const FINEST_SHIFT: u32 = 49;

/// How many (bucket, trace) pairs a key may have per trace that has the key: at some three bits
/// each, so that a number on every span costs less than a tenth of a byte a span.
const PAIRS_PER_TRACE: usize = 8;

fn bucket_of(number: Number, shift: u32) -> u64 {
    ordered_bits(number.to_f64()).checked_shr(shift).unwrap_or(0)
}

/// Appends the buckets of numbers and the ordinals that bear them; NaNs are left out, since no
/// range holds them.
pub fn write_buckets(pairs: &[(Number, u32)], postings: &mut PostingsBuilder, out: &mut Vec<u8>) {
    let mut shift = FINEST_SHIFT;
    let numbers = pairs.iter().filter(|(number, _)| !number.is_nan());
    let mut pairs: Vec<(u64, u32)> = numbers.map(|&(n, o)| (bucket_of(n, shift), o)).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let mut traces: Vec<u32> = pairs.iter().map(|&(_, ordinal)| ordinal).collect();
    traces.sort_unstable();
    traces.dedup();
    while pairs.len() > PAIRS_PER_TRACE * traces.len() && shift < 63 {
        shift += 1;
        pairs.iter_mut().for_each(|(bucket, _)| *bucket >>= 1);
        pairs.sort_unstable();
        pairs.dedup();
    }
    let mut lists: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    for (bucket, ordinal) in pairs {
        lists.entry(bucket).or_default().push(ordinal);
    }
    let pointers: Vec<u64> = lists.values().map(|list| postings.add(list)).collect();
    out.push(shift as u8);
    pack(&lists.into_keys().collect::<Vec<u64>>(), out);
    pack(&pointers, out);
}

/// Reads the buckets of a key.
#[derive(Clone, Debug)]
pub struct Buckets {
    shift: u32,
    buckets: Packed,
}

impl Buckets {
    /// Opens the buckets at the cursor and moves on to their pointers.
    pub fn open(cursor: &mut Cursor<'_>) -> Result<Self> {
        let shift = cursor.byte()?.into();
        let buckets = Packed::open(cursor)?;
        if shift > 63 || !buckets.can_differ() {
            return Err(cursor.corrupt("a bad header of buckets"));
        }
        Ok(Self { shift, buckets })
    }

    /// How many buckets there are.
    pub fn len(&self) -> u64 {
        self.buckets.len()
    }

    /// The buckets themselves.
    pub(super) fn column(&self) -> &Packed {
        &self.buckets
    }

    /// The buckets that overlap the bounds, which are no NaNs, and those inside for certain.
    pub fn overlapping(
        &self,
        source: &dyn Source,
        low: Bound<Number>,
        high: Bound<Number>,
    ) -> Result<(Range<u64>, Range<u64>)> {
        let rank = |bucket: u64, with_equal: bool| {
            partition_point(self.buckets.len(), |i| {
                let own = self.buckets.get(source, i)?;
                Ok(own < bucket || with_equal && own == bucket)
            })
        };
        let (from, inside_from) = match low {
            Bound::Unbounded => (0, 0),
            Bound::Included(low) | Bound::Excluded(low) => {
                let (first, last) = self.buckets_of(low);
                (rank(first, false)?, rank(last, true)?)
            }
        };
        let (to, inside_to) = match high {
            Bound::Unbounded => (self.buckets.len(), self.buckets.len()),
            Bound::Included(high) | Bound::Excluded(high) => {
                let (first, last) = self.buckets_of(high);
                (rank(last, true)?, rank(first, false)?)
            }
        };
        Ok((from..to.max(from), inside_from..inside_to.max(inside_from)))
    }

    /// The first and the last bucket for a number: zero is one number in two buckets.
    fn buckets_of(&self, number: Number) -> (u64, u64) {
        if number == Number::Int(0) {
            let of = |zero| bucket_of(Number::Double(zero), self.shift);
            return (of(-0.0), of(0.0));
        }
        let bucket = bucket_of(number, self.shift);
        (bucket, bucket)
    }
}
