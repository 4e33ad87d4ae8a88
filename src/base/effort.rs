//! How much time writing takes for the sake of fewer bytes.

/// What a segment's writer spends on its bytes; readers read all alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Effort {
    /// As much as pays at once: for spans that come in, which a merge will write again. Half the
    /// time for some fifteen percent more bytes.
    #[default]
    Quick,
    /// As much as saves bytes: for what stays.
    Thorough,
}

/// Segments of so many rows are small.
const FEW_ROWS: usize = 16 << 10;

impl Effort {
    /// The zstd level of what is compressed in a segment of so many rows: what takes the least
    /// time, or what saves a fifth of compressed bytes for twice the time. Level 9 would take twice as
    /// long again, a fifteenth of a merge's instructions, to save a thousandth of all bytes; it is
    /// for small segments, in which more is compressed and there is little of it.
    pub fn level(self, rows: usize) -> i32 {
        match self {
            Self::Quick => 1,
            Self::Thorough if rows <= FEW_ROWS => 9,
            Self::Thorough => 5,
        }
    }
}
