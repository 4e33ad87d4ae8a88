//! What queries beyond one filter come to on a trace as a whole.
//!
//! ```text
//! lang::Pipeline --program--> filters as leaves, stages over them
//!                                |
//! gather: a trace's spans, each leaf's verdict on each (columns first, then rows, then facts)
//!                                |
//! bits: span sets --relation: who is whose parent--> selected spans
//!                                |
//! stages: comparisons of scalars, groups by values --> hits' span sets
//! ```
//!
//! Every step is linear in the trace's spans or sorts them, none recurses on data, and a trace of
//! a million spans takes some dozen bytes a span and filter.

pub mod bits;
pub mod datum;
pub mod expr;
pub mod family;
pub mod fields;
pub mod judge;
pub mod program;
pub mod relation;
pub mod run;
pub mod scalar;
