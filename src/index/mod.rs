//! Floor 3: what finds traces inside one segment without reading its rows.
//!
//! Traces are known by *ordinal*: their place in the order of (first start, id), so that the
//! newest has the highest. Each part is one section, built into bytes and read over a
//! [`source::Source`]:
//!
//! | section | from | to |
//! |---|---|---|
//! | [`bloom`] | low half of a trace id | surely absent, or perhaps here |
//! | [`id_index`] | low half of a trace id | ordinals, to be verified |
//! | [`traces`] | ordinal, or a time | id, rows, times |
//! | [`terms`] | scope, key, [`term::Probe`] | ordinals |
//! | dictionaries ([`dictionary`]) | code | texts, which columns use, too |
//! | [`zones`] | block of rows | times, durations, errors |
//! | [`peaks`] | template and service, a duration | blocks with rows that last so long |
//! | [`operations`] | | services and their operations, counted |
//! | [`statistics`] | | counts, errors, durations ([`sketch`]) and an exemplar per operation, caller and minute |
//!
//! Promises: a search of an index never misses a trace, and says whether what it found is exact
//! (P5). Readers believe no number before the bytes behind it: any bytes end in an error or a
//! value, without panic, endless loop or an allocation larger than the section (P6). The same
//! input gives the same bytes.
//!
//! The parts are made of few things: integers are [`packed`], or [`ascending`], bounds [`rough`],
//! sorted texts [`front`]-coded, lists of traces [`postings`], some of which are [`unions`] of others,
//! and hashes kept in tables of just enough bits ([`hashes`]); the tag index and the dictionaries are
//! compressed page by page ([`folded`]); keys of few spans share one table ([`scarce`]), where they are
//! known by a part of them ([`tokens`]). The bloom filters of many segments are asked together ([`slice`]).

pub mod ascending;
mod asked;
mod bits;
pub mod bloom;
pub mod buckets;
pub mod describe;
pub mod dictionary;
pub mod folded;
pub mod front;
pub mod hashes;
pub mod homes;
pub mod id_index;
pub mod known_values;
pub mod operations;
pub mod ordinals;
pub mod packed;
pub mod peaks;
pub mod postings;
pub mod postings_builder;
pub mod probe;
pub mod rough;
pub mod scarce;
pub mod sketch;
pub mod slice;
pub mod source;
pub mod statistics;
pub mod statistics_builder;
pub mod term;
pub mod terms;
pub mod terms_builder;
mod tokens;
pub mod traces;
pub mod unions;
mod verify;
pub mod words;
pub mod zones;

#[cfg(test)]
mod tests;
