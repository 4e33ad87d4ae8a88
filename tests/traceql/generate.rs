//! Random queries of the whole grammar, with literals of which stores are full.

mod exprs;
mod fields;
mod pipelines;

pub use pipelines::query;

/// How much of the grammar is asked for: each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub enum Level {
    /// One filter in braces; fields compared with literals.
    Tests,
    /// One filter in braces; all fields, arithmetic, fields compared with fields, `!`.
    Filters,
    /// Filters combined: `&&`, `||`, and the structural operators.
    Structure,
    /// Stages behind them.
    Pipelines,
}
