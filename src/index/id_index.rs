//! The trace-id index: from an id's low half to the ordinals of traces that may bear it.
//!
//! The section is one table of [`crate::index::hashes`], of XXH3-64 of the low half as eight
//! little-endian bytes. The trace table holds the whole ids, and decides.

use std::sync::Arc;

use crate::base::checksum::hash64;
use crate::base::error::Result;
use crate::index::hashes::{HashTable, write_table};
use crate::index::source::{Cursor, Source};

/// An id that passed the bloom filter costs a further look at the trace table, for another trace,
/// once in eight times: few ids that are absent come so far.
const SPARE_BITS: u32 = 3;

/// The index over traces whose ids have these low halves, in the order of ordinals.
pub fn write_id_index(lows: &[u64]) -> Vec<u8> {
    let pairs: Vec<(u64, u32)> = lows.iter().map(|&low| hash_low(low)).zip(0..).collect();
    let mut out = Vec::new();
    write_table(&pairs, SPARE_BITS, &mut out);
    out
}

fn hash_low(low: u64) -> u64 {
    hash64(&low.to_le_bytes())
}

/// Finds traces by the low half of their id.
#[derive(Debug)]
pub struct IdIndex {
    source: Arc<dyn Source>,
    table: HashTable,
}

impl IdIndex {
    /// Opens the index that makes up `source`.
    pub fn open(source: Arc<dyn Source>) -> Result<Self> {
        let table = HashTable::open(&mut Cursor::new(&*source, 0..source.len())?)?;
        Ok(Self { source, table })
    }

    /// Checks the whole table, of so many traces.
    pub fn verify(&self, traces: u32) -> Result<()> {
        self.table.verify(&*self.source, traces)
    }

    /// Ordinals of all traces with this low half, ascending, and rarely others: compare the ids.
    pub fn find(&self, low: u64) -> Result<Vec<u32>> {
        let mut found = Vec::new();
        self.table.find(&*self.source, hash_low(low), &mut found)?;
        Ok(found)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::index::source::MemSource;
    use proptest::prelude::*;
    use std::path::Path;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn p4_every_trace_is_found(lows in prop::collection::vec(prop_oneof![any::<u64>(), 0u64..50], 0..500)) {
            let source = MemSource::new(write_id_index(&lows), Path::new("x"), "ids");
            let index = IdIndex::open(Arc::new(source)).unwrap();
            for (low, ordinal) in lows.iter().zip(0..) {
                prop_assert!(index.find(*low).unwrap().contains(&ordinal));
            }
        }
    }
}
