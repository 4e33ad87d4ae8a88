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

impl Effort {
    /// The zstd level of all that is compressed: what takes the least time, or what saves a fifth of
    /// compressed bytes for twice the time. Level 9 would take twice as long again, a fifteenth of
    /// a merge's instructions, to save a thousandth of all bytes.
    pub fn level(self) -> i32 {
        match self {
            Self::Quick => 1,
            Self::Thorough => 5,
        }
    }
}
