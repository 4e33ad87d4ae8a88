//! Rows to a block.
//!
//! ```text
//! | durations and their crc32 | beginnings, ordinal of the first row's trace, first page record: varints |
//! | beginnings of traces | steps | span ids | explicit parents | runs | crc32 |
//! ```
//!
//! All little-endian. The durations stand first, so that they can be read without the rest
//! ([`crate::block::durations`]); there are as many as rows. Beginnings are counted, then listed:
//! row numbers in as few bits as they fit, or a bit for every row where that is shorter; steps as
//! [`crate::block::structure`] says; span ids and parents as [`crate::block::ids`] says,
//! from a byte boundary on. Runs follow bit by bit: templates by ascending code, of each the
//! columns of fixed width, then the others. The checksum, of all before it, stands at the next byte.

use crate::base::checksum::crc32;
use crate::base::error::{Error, Result};
use crate::base::varint::write_u64;
use crate::block::bits::{BitWriter, bit_length};
use crate::block::durations;
use crate::block::models::Models;
use crate::block::structure::{ParentCode, States, Step};

/// Bytes of a checksum.
pub const CRC_BYTES: usize = 4;
/// Rows of a block at most: sixteen bits number them.
pub const MAX_ROWS: usize = u16::MAX as usize;

/// What a block holds besides its runs.
#[derive(Debug)]
pub struct BlockRows<'a> {
    /// The rows' durations, by model.
    pub durations: &'a [Vec<i64>],
    /// The states of the models' grammar.
    pub states: &'a States,
    /// The rows' steps.
    pub steps: &'a [Step],
    /// The templates of these rows, ascending.
    pub templates: &'a [u32],
    /// The rows that begin a trace, ascending.
    pub begins: &'a [u32],
    /// The ordinal of the trace of the first row.
    pub first_ordinal: u32,
    /// The rows' ids.
    pub span_ids: &'a [u64],
    /// The parents of the rows with an explicit one.
    pub explicit: &'a [u64],
    /// The number of the first record in pages.
    pub first_record: u64,
}

/// Appends a block to `out`; `runs` appends the runs of one template.
pub fn encode_block(
    models: &Models,
    rows: &BlockRows<'_>,
    mut runs: impl FnMut(u32, &mut BitWriter) -> Result<()>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let begin = out.len();
    durations::encode(&models.durations, rows.durations, out)
        .ok_or_else(|| Error::invalid("a duration that its model does not hold"))?;
    write_u64(out, rows.begins.len() as u64);
    write_u64(out, u64::from(rows.first_ordinal));
    write_u64(out, rows.first_record);

    let mut bits = BitWriter::new();
    write_begins(rows.begins, rows.steps.len(), &mut bits);
    let mut begins = rows.begins.iter().copied().peekable();
    let is_begin = |row: usize| begins.next_if_eq(&(row as u32)).is_some();
    models.grammar.encode(rows.states, rows.steps, is_begin, &mut bits);
    bits.align();
    let encoded = models.ids.encode(rows.span_ids, rows.explicit, &mut bits);
    encoded.ok_or_else(|| Error::invalid("an id that its model does not hold"))?;
    for &template in rows.templates {
        runs(template, &mut bits)?;
    }
    out.extend_from_slice(&bits.into_bytes());
    let crc = crc32(out.get(begin..).unwrap_or_default());
    out.extend_from_slice(&crc.to_le_bytes());
    Ok(())
}

/// Whether beginnings are listed, and the bits of each.
pub(super) const fn begins_width(begins: usize, rows: usize) -> Option<u32> {
    let width = bit_length(rows.saturating_sub(1) as u64);
    if begins * (width as usize) < rows { Some(width) } else { None }
}

fn write_begins(begins: &[u32], rows: usize, out: &mut BitWriter) {
    match begins_width(begins.len(), rows) {
        Some(width) => begins.iter().for_each(|&row| out.put(u64::from(row), width)),
        None => {
            for row in 0..rows as u32 {
                out.put(u64::from(begins.binary_search(&row).is_ok()), 1);
            }
        }
    }
}

/// Whether a row with this step has an explicit parent.
pub fn is_explicit(step: Step) -> bool {
    step.parent() == ParentCode::Explicit
}
