//! How much time writing takes for the sake of fewer bytes.

/// What a segment's writer spends on its bytes; readers read all alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Effort {
    /// As much as pays at once: for spans that come in, which a merge will write again. Half the
    /// time for some five percent more bytes.
    #[default]
    Quick,
    /// As much as saves bytes: for what stays.
    Thorough,
}

impl Effort {
    /// The zstd level of all that is compressed: what takes the least time, or what saves a fifth of
    /// compressed bytes for five times the time.
    pub fn level(self) -> i32 {
        match self {
            Self::Quick => 1,
            Self::Thorough => 9,
        }
    }
}
