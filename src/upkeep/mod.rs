//! Floor 8: the jobs that keep a store small and fast. Each is a pure plan first, then its
//! execution, which makes new segment files and reports them; putting them into the manifest is
//! the caller's.

pub mod cut;
pub mod flush;
pub mod gathered;
pub mod held;
pub mod merge;
pub mod plan;
pub mod retention;
pub mod sink;
