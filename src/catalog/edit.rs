//! One atomic change of the catalog, and its bytes.
//!
//! ```text
//! operations, one behind another; numbers are varints
//!   1  remove a segment    id
//!   2  drop a partition    start  width  sequence
//!   3  add a segment       start  width  id  file bytes  summary length (64), summary
//!   4  flushed             start  width  sequence
//!   5  state               start  width  0 open, else the last segment id of its sealing
//!   6  log floor           sequence
//!   7  next segment id     id
//! ```

use crate::base::varint::{read_prefixed, read_u64, write_prefixed, write_u64};
use crate::catalog::version::{PartitionKey, PartitionState, SegmentEntry};
use crate::segment::Summary;

pub(super) const REMOVE: u64 = 1;
pub(super) const DROP: u64 = 2;
pub(super) const ADD: u64 = 3;
pub(super) const FLUSHED: u64 = 4;
pub(super) const STATE: u64 = 5;
pub(super) const LOG_FLOOR: u64 = 6;
pub(super) const NEXT_SEGMENT_ID: u64 = 7;

/// A change of the catalog: all of it becomes durable and visible at once, or nothing. The log must
/// have been synced through every sequence that is named here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// Segments that are live no longer. Each must be live, else the edit is refused: so a merge
    /// that a retention run overtook cannot bring back what was dropped.
    pub remove: Vec<u64>,
    /// Partitions to drop with all their segments. Frames of the log up to the sequence are never
    /// replayed into them.
    pub drop: Vec<(PartitionKey, u64)>,
    /// Segments to add. Their files and the names of these must be durable already.
    pub add: Vec<(PartitionKey, SegmentEntry)>,
    /// Partitions that have flushed all frames up to a sequence. Sequences never go back.
    pub flushed: Vec<(PartitionKey, u64)>,
    /// Partitions that change their state. One without segments is forgotten with its state.
    pub state: Vec<(PartitionKey, PartitionState)>,
    /// Every partition has flushed all frames up to this one.
    pub log_floor: Option<u64>,
    /// Ids below this one are taken, beside those of `add`.
    pub next_segment_id: Option<u64>,
}

impl Edit {
    /// Appends the operations.
    pub fn write(&self, out: &mut Vec<u8>) {
        for &id in &self.remove {
            write_all(out, &[REMOVE, id]);
        }
        for (key, seq) in &self.drop {
            write_all(out, &[DROP, key.start_nanos, key.width_nanos, *seq]);
        }
        for (key, segment) in &self.add {
            let SegmentEntry { id, bytes, summary } = segment;
            write_all(out, &[ADD, key.start_nanos, key.width_nanos, *id, *bytes]);
            write_prefixed(out, &summary.to_bytes());
        }
        for (key, seq) in &self.flushed {
            write_all(out, &[FLUSHED, key.start_nanos, key.width_nanos, *seq]);
        }
        for (key, state) in &self.state {
            let through = match state {
                PartitionState::Open => 0,
                PartitionState::Sealed(through) => *through,
            };
            write_all(out, &[STATE, key.start_nanos, key.width_nanos, through]);
        }
        if let Some(seq) = self.log_floor {
            write_all(out, &[LOG_FLOOR, seq]);
        }
        if let Some(id) = self.next_segment_id {
            write_all(out, &[NEXT_SEGMENT_ID, id]);
        }
    }

    /// Reads all of `bytes`; `None` if they are no edit.
    pub fn read(mut bytes: &[u8]) -> Option<Self> {
        let mut edit = Self::default();
        let input = &mut bytes;
        while !input.is_empty() {
            match read_u64(input)? {
                REMOVE => edit.remove.push(read_u64(input)?),
                DROP => edit.drop.push((read_key(input)?, read_u64(input)?)),
                ADD => edit.add.push((read_key(input)?, read_segment(input)?)),
                FLUSHED => edit.flushed.push((read_key(input)?, read_u64(input)?)),
                STATE => edit.state.push((read_key(input)?, read_state(input)?)),
                LOG_FLOOR => edit.log_floor = Some(read_u64(input)?),
                NEXT_SEGMENT_ID => edit.next_segment_id = Some(read_u64(input)?),
                _ => return None,
            }
        }
        Some(edit)
    }
}

fn write_all(out: &mut Vec<u8>, numbers: &[u64]) {
    for &number in numbers {
        write_u64(out, number);
    }
}

fn read_key(input: &mut &[u8]) -> Option<PartitionKey> {
    let (start_nanos, width_nanos) = (read_u64(input)?, read_u64(input)?);
    (width_nanos > 0).then_some(PartitionKey { start_nanos, width_nanos })
}

fn read_segment(input: &mut &[u8]) -> Option<SegmentEntry> {
    let (id, bytes) = (read_u64(input)?, read_u64(input)?);
    let summary = Summary::from_bytes(read_prefixed(input)?.try_into().ok()?);
    Some(SegmentEntry { id, bytes, summary })
}

fn read_state(input: &mut &[u8]) -> Option<PartitionState> {
    Some(match read_u64(input)? {
        0 => PartitionState::Open,
        through => PartitionState::Sealed(through),
    })
}
