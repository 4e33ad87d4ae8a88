//! Floor 7: questions and their answers.
//!
//! ```text
//! TraceQL text --lang--> tree::Pipeline ---+--- typed::Query
//!                                          |
//!                    eval::Program: filters as ast::Expr (by lower), stages over them
//!                                          |
//!                    driver: the one condition that finds the traces
//!                                          |
//! view::View ----> newest -----------------+--> search ----> hit::Page
//!  partitions       candidates of all            eval::Judged: gather reads a trace as a
//!  of sources       sources, newest              whole, each span once, and tests it
//!      |            fragment first:              (predicate, compare); the program makes
//!      |            plan (by index),             span sets of that
//!      |            prune, sieve (by column)     cursor: where a page ends
//!      +---------> lookup (a trace by id), names (services, operations, keys),
//!                  listing (values of a tag, by dictionary or column by column),
//!                  scan (all spans in bulk), durations (of all spans, and nothing else),
//!                  shapes (traces by structure), differences (what tells two sets of spans
//!                  apart, by census), red (rate, errors and durations, by figures: from statistics
//!                  where these suffice)
//! ```
//!
//! A [`source::Source`] is a segment or a live group: spans of one partition, by trace. Promises:
//!
//! - Answers are those of a scan over the live spans (P4, P5): indexes only say where to look, and
//!   every trace that is shown, counted or ordered is put together from all partitions first.
//! - Identical spans count once, whichever sources hold them.
//! - Order: traces by start, newest first, then by id; spans by start, id and content; names
//!   sorted.
//! - A range of time restricts which spans can match, never what is said of their trace.
//! - A segment that cannot be opened fails what may depend on its spans, and nothing else (P6).
//! - No text, however wrong, does more than fail as a query.
//! - A query ends at its deadline or when its caller cancels it, and holds no more than its memory
//!   (P7): pages end early, lists fail.

pub mod absent;
pub mod ast;
pub mod best;
pub mod bounds;
pub mod cells;
pub mod census;
pub mod chunks;
pub mod codes;
pub mod columns;
pub mod compare;
pub mod contrast;
pub mod counted;
pub mod cursor;
pub mod differences;
pub mod doubles;
pub mod driver;
pub mod durations;
pub mod eval;
pub mod explain;
pub mod figures;
pub mod filters;
pub mod gather;
pub mod glance;
pub mod hit;
pub mod indexed;
pub mod interrupt;
pub mod lang;
pub mod leaves;
pub mod listed;
pub mod listing;
pub mod live;
pub mod live_spans;
pub mod lookup;
pub mod lost;
pub mod lower;
pub mod measured;
pub mod metrics;
pub mod named;
pub mod names;
pub mod narrow;
pub mod neighbours;
pub mod newest;
pub mod places;
pub mod plan;
pub mod predicate;
pub mod prune;
pub mod readers;
pub mod red;
pub mod scan;
pub mod search;
pub mod seen;
pub mod settle;
pub mod shapes;
pub mod shown;
pub mod sieve;
pub mod sketch;
pub mod smallest;
pub mod source;
pub mod stored;
pub mod tag;
pub mod taken;
pub mod tally;
pub mod typed;
pub mod values;
pub mod view;
pub mod weigh;

#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod tests;
