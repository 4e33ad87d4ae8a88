//! What the trace table keeps of a trace, and the numbers that stand for it there.

use std::ops::Range;

use crate::base::ids::TraceId;
use crate::base::time::Timestamp;
use crate::base::varint::zigzag;
use crate::index::rough;

/// What the table keeps of a trace; times are of those of its spans that are in the segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceEntry {
    /// The trace's id.
    pub id: TraceId,
    /// Its first row.
    pub first_row: u32,
    /// How many rows, which are spans, it has.
    pub rows: u32,
    /// The earliest start of a span.
    pub first_start: Timestamp,
    /// The latest start of a span; as read from a table, up to an eighth of the trace later.
    pub last_start: Timestamp,
    /// The latest end of a span.
    pub max_end: Timestamp,
    /// The longest duration of a span, in nanoseconds; zero for spans that end before they start.
    /// As read from a table it may be too long by up to an eighth of the trace.
    pub max_duration: u64,
    /// What is known of the trace.
    pub flags: TraceFlags,
}

/// What is known of a whole trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceFlags(pub u8);

impl TraceFlags {
    /// Rows are in pre-order of one tree or several: a subtree is one row range.
    pub const REGULAR: Self = Self(1);
    /// Some span has the status `error`.
    pub const ERROR: Self = Self(2);

    /// Whether all flags of `other` are set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These flags and those of `other`.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl TraceEntry {
    /// The row range of the trace.
    pub fn row_range(&self) -> Range<u32> {
        self.first_row..self.first_row.saturating_add(self.rows)
    }

    /// The entry as a table gives it back: exact but for its bounds.
    #[must_use]
    pub fn as_stored(self) -> Self {
        Self { last_start: self.last_start_of(spread(&self)), ..self }.with_longest(longest(&self))
    }

    /// The bound that a code of the spread of starts means.
    pub(super) fn last_start_of(&self, spread: u64) -> Timestamp {
        let spread = bound_of(spread, length(self));
        Timestamp::from_nanos(self.first_start.nanos().saturating_add(spread))
    }

    /// With the bound that a code of the longest duration means.
    pub(super) fn with_longest(self, longest: u64) -> Self {
        Self { max_duration: bound_of(longest, length(&self)), ..self }
    }
}

/// Shares are told in so many parts of the whole.
const PARTS: u64 = 8;

/// The lowest code that stands for `part` of `whole` or more.
fn share(part: u64, whole: u64) -> u64 {
    match u128::from(part) * u128::from(PARTS) {
        _ if part > whole => PARTS + 1 + rough::code(part),
        0 => 0,
        parts => parts.div_ceil(whole.into()) as u64,
    }
}

/// What a code stands for, where `whole` is the same.
pub(super) fn bound_of(code: u64, whole: u64) -> u64 {
    match code.checked_sub(PARTS + 1) {
        Some(code) => rough::value(code),
        None => (u128::from(whole) * u128::from(code) / u128::from(PARTS)) as u64,
    }
}

/// Half of an id, so that those counted up from zero and down from all ones lie together.
pub(super) fn near_zero(half: u64) -> u64 {
    zigzag(half as i64)
}

pub(super) fn spread(entry: &TraceEntry) -> u64 {
    let spread = entry.last_start.nanos().saturating_sub(entry.first_start.nanos());
    share(spread, length(entry))
}

pub(super) fn longest(entry: &TraceEntry) -> u64 {
    share(entry.max_duration, length(entry))
}

pub(super) fn length(entry: &TraceEntry) -> u64 {
    entry.max_end.nanos().wrapping_sub(entry.first_start.nanos())
}
