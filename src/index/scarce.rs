//! Keys that so few spans have that an entry for each would outgrow what it finds.
//!
//! ```text
//! | shift: u8 | table of hashes: scope and key -> group of 2^shift traces |
//! ```
//! Their values are not told: what the table finds are traces to look at. A hash takes its few bits
//! whatever the key's length, and groups save more: a reader who looks at one trace of a page has
//! decoded its neighbours anyway.

use crate::base::checksum::hash64;
use crate::base::error::Result;
use crate::base::text::Str;
use crate::index::hashes::{HashTable, write_table};
use crate::index::ordinals::OrdinalSet;
use crate::index::source::{Cursor, Source};
use crate::index::term::TagScope;

/// A key that is not there meets a group once in four times: each further bit costs an eighth of a
/// byte for every scarce key.
const SPARE_BITS: u32 = 2;

/// Rows of a group, at most, on average.
const GROUP_ROWS: u64 = 64;

/// Groups have at most 2^this traces.
const MAX_SHIFT: u32 = 6;

/// The intrinsic key under which the table stands; it is in the traces that have some scarce key.
pub(super) const SCARCE: &str = "scarce";

/// A scarce key, and the traces that have it.
#[derive(Debug)]
pub struct ScarceKey {
    /// Where the attribute stands.
    pub scope: TagScope,
    /// Its key.
    pub key: Str,
    /// Ordinals of the traces, in any order.
    pub ordinals: Vec<u32>,
}

/// How many traces, as a power of two, a group may have in a segment of so many traces and rows.
pub fn shift_of(traces: u32, rows: u64) -> u32 {
    let fits = |shift: &u32| rows << shift <= GROUP_ROWS * u64::from(traces);
    (0..=MAX_SHIFT).take_while(fits).last().unwrap_or(0)
}

/// Appends the table of these keys.
pub(super) fn write_scarce(keys: &[ScarceKey], shift: u32, out: &mut Vec<u8>) {
    let pairs = keys.iter().flat_map(|scarce| {
        let hash = hash(scarce.scope, &scarce.key);
        scarce.ordinals.iter().map(move |ordinal| (hash, ordinal >> shift))
    });
    let pairs: Vec<(u64, u32)> = pairs.collect();
    out.push(shift as u8);
    write_table(&pairs, SPARE_BITS, out);
}

/// The hash of what the directory would call the key.
fn hash(scope: TagScope, key: &str) -> u64 {
    let mut name = Vec::with_capacity(1 + key.len());
    name.push(scope.code());
    name.extend_from_slice(key.as_bytes());
    hash64(&name)
}

/// Finds the traces that may have a scarce key.
#[derive(Clone, Debug)]
pub(crate) struct Scarce {
    shift: u32,
    table: HashTable,
}

impl Scarce {
    /// Opens the table that fills the rest of the cursor.
    pub fn open(cursor: &mut Cursor<'_>) -> Result<Self> {
        let shift = u32::from(cursor.byte()?);
        let table = HashTable::open(cursor)?;
        if shift > MAX_SHIFT || cursor.remaining() > 0 {
            return Err(cursor.corrupt("a bad table of scarce keys"));
        }
        Ok(Self { shift, table })
    }

    /// How many pairs of key and group there are.
    pub fn len(&self) -> u64 {
        self.table.len()
    }

    /// The traces, of so many, that may have a key: all that do, if it is scarce.
    pub fn find(
        &self,
        source: &dyn Source,
        traces: u32,
        scope: TagScope,
        key: &str,
    ) -> Result<OrdinalSet> {
        let mut groups = Vec::new();
        self.table.find(source, hash(scope, key), &mut groups)?;
        let mut ordinals = Vec::new();
        for group in groups {
            if group >= self.groups(traces) {
                return Err(source.corrupt(0, "a scarce key of a trace that is not there"));
            }
            let (begin, end) = (u64::from(group) << self.shift, u64::from(group + 1) << self.shift);
            ordinals.extend((begin..end.min(traces.into())).map(|ordinal| ordinal as u32));
        }
        Ok(OrdinalSet::from_ordinals(traces, ordinals))
    }

    /// How many groups so many traces make.
    fn groups(&self, traces: u32) -> u32 {
        traces.div_ceil(1 << self.shift)
    }

    /// Checks the whole table.
    pub fn verify(&self, source: &dyn Source, traces: u32) -> Result<()> {
        self.table.verify(source, self.groups(traces))
    }
}
