//! Zone maps: of each block of rows the times and durations to be found in it, and whether
//! there are errors, so that a search passes over blocks that cannot matter.
//!
//! ```text
//! | first start | last start - first start | end - first start | longest duration | errors |
//! ```
//! Packed columns of one value a block, differences modulo 2^64.

use std::sync::Arc;

use crate::base::error::Result;
use crate::base::time::Timestamp;
use crate::index::packed::{Packed, pack};
use crate::index::source::{Cursor, Source};

/// What is to be found in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone {
    /// The earliest start of a span.
    pub first_start: Timestamp,
    /// The latest start of a span.
    pub last_start: Timestamp,
    /// The latest end of a span.
    pub max_end: Timestamp,
    /// The longest duration of a span, in nanoseconds.
    pub max_duration: u64,
    /// How many spans have the status `error`.
    pub errors: u32,
}

/// The zone map of these blocks, as bytes.
pub fn write_zones(zones: &[Zone]) -> Vec<u8> {
    let mut out = Vec::new();
    for column in COLUMNS {
        pack(&zones.iter().map(column).collect::<Vec<u64>>(), &mut out);
    }
    out
}

const COLUMNS: [fn(&Zone) -> u64; 5] = [
    |z| z.first_start.nanos(),
    |z| z.last_start.nanos().wrapping_sub(z.first_start.nanos()),
    |z| z.max_end.nanos().wrapping_sub(z.first_start.nanos()),
    |z| z.max_duration,
    |z| z.errors.into(),
];

/// Reads a zone map.
#[derive(Debug)]
pub struct ZoneMap {
    source: Arc<dyn Source>,
    columns: [Packed; COLUMNS.len()],
}

impl ZoneMap {
    /// Opens the zone map that makes up `source`, of so many blocks.
    pub fn open(source: Arc<dyn Source>, blocks: u64) -> Result<Self> {
        let mut cursor = Cursor::new(&*source, 0..source.len())?;
        let [a, b, c, d, e] = [(); COLUMNS.len()].map(|()| Packed::open(&mut cursor));
        let columns = [a?, b?, c?, d?, e?];
        if columns.iter().any(|c| c.len() != blocks) {
            return Err(cursor.corrupt("a wrong number of blocks"));
        }
        Ok(Self { source, columns })
    }

    /// The zone of a block; `Corrupt` beyond the last.
    pub fn get(&self, block: u64) -> Result<Zone> {
        let [first_start, last_start, max_end, max_duration, errors] = &self.columns;
        let get = |column: &Packed| column.get(&*self.source, block);
        let first = get(first_start)?;
        Ok(Zone {
            first_start: Timestamp::from_nanos(first),
            last_start: Timestamp::from_nanos(first.wrapping_add(get(last_start)?)),
            max_end: Timestamp::from_nanos(first.wrapping_add(get(max_end)?)),
            max_duration: get(max_duration)?,
            errors: u32::try_from(get(errors)?)
                .map_err(|_| self.source.corrupt(0, "more errors than rows"))?,
        })
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
        fn every_zone_comes_back_and_p6_changed_bytes_never_panic(
            rows in prop::collection::vec((any::<[u64; 4]>(), any::<u32>()), 0..60),
            at: prop::sample::Index, byte: u8,
        ) {
            let zone = |&([a, b, c, max_duration], errors): &([u64; 4], u32)| Zone {
                first_start: Timestamp::from_nanos(a),
                last_start: Timestamp::from_nanos(b),
                max_end: Timestamp::from_nanos(c),
                max_duration,
                errors,
            };
            let zones: Vec<Zone> = rows.iter().map(zone).collect();
            let blocks = zones.len() as u64;
            let mut bytes = write_zones(&zones);
            let source = |bytes| Arc::new(MemSource::new(bytes, Path::new("x"), "zones"));
            let map = ZoneMap::open(source(bytes.clone()), blocks).unwrap();
            for (zone, block) in zones.iter().zip(0..) {
                prop_assert_eq!(&map.get(block).unwrap(), zone);
            }
            prop_assert!(map.get(blocks).is_err());
            let at = at.index(bytes.len());
            *bytes.get_mut(at).unwrap() = byte;
            if let Ok(map) = ZoneMap::open(source(bytes), blocks) {
                let _ = (map.get(0), map.get(blocks / 2));
            }
        }
    }
}
