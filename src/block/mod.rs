//! Floor 2: columnar blocks of spans. One builder and reader pair for each encoding.
//!
//! A column's *model* is fitted to all its values in a segment and stored once; a block holds only
//! *runs* of packed bits, which mean nothing without their model. Any one value is read from its
//! run alone.
//!
//! Spans become columns by *templates*: [`skeleton`] takes a span apart into its structure and its
//! scalars ([`dissection`] does so from its bytes), [`shapes`] collects rows by structure, [`slots`] fits their columns, [`encode`] writes
//! blocks of rows, and [`decode`], [`walk`], [`template`] and [`own`] put spans together again.
//!
//! Promises: what was encoded comes back to the bit; any bytes at all are read or
//! refused, without panic, and without an allocation sized by a number that is not yet verified.

pub mod alike;
pub mod apart;
pub mod bits;
pub mod cache;
pub mod classes;
pub mod column;
pub mod cut;
pub mod decode;
pub mod dict;
pub mod digits;
pub mod dissection;
pub mod durations;
pub mod encode;
pub mod fit;
pub mod forms;
pub mod ids;
pub mod ints;
pub mod lengths;
pub mod lineage;
pub mod mining;
pub mod models;
pub mod order;
pub mod own;
pub mod packed;
pub mod page_reader;
pub mod pages;
pub mod pattern;
pub mod pool;
pub mod rough_fit;
pub mod scale;
pub mod shape;
pub mod shapes;
pub mod shared_ids;
pub mod skeleton;
pub mod slots;
pub mod strings;
pub mod structure;
pub mod template;
pub mod unpack;
pub mod vocabulary;
pub mod walk;
pub mod whim;
pub mod words;
