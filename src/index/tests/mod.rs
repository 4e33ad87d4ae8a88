//! The tag index as a whole, against a naive list of attributes.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod homes;
mod model;
mod scarce;
mod sizes;

use std::path::Path;
use std::sync::Arc;

use crate::base::error::Result;
use crate::block::cache::Cache;
use crate::index::source::{MemSource, Source};
use crate::index::terms::Terms;
use crate::index::terms_builder::TermsSections;

/// Opens what a builder finished.
fn open_terms(sections: TermsSections, traces: u32) -> Result<Terms> {
    let sections = [sections.index, sections.dictionaries];
    let source =
        |bytes| Arc::new(MemSource::new(bytes, Path::new("x"), "terms")) as Arc<dyn Source>;
    Terms::open(sections.map(source), traces, Arc::new(Cache::new(1 << 20)), [1, 2])
}
