//! What the benches share: the work, the yardsticks, the clocks and the table.
//!
//! A bench is a plain program. It builds its work from the deterministic workload, checks the
//! store's answers against the workload itself, and only then times them; each figure is printed beside
//! its yardstick, measured in the same run on the same work.
//!
//! `TRACEKEEP_BENCH_SPANS` scales the work (2,000,000); the rate stays that of DESIGN's section 10.

pub mod captures;
pub mod cpu;
pub mod memory;
pub mod otlp;
pub mod peer;
pub mod questions;
pub mod raw;
pub mod searches;
pub mod stores;
pub mod table;
pub mod times;
pub mod truth;
pub mod yardstick;

use std::error::Error;
use std::path::PathBuf;

use tracekeep_workload::Config;

/// What fails ends the bench with its message.
pub type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The work of DESIGN's section 10, or a part of it.
pub fn config() -> Outcome<Config> {
    let spans = match std::env::var("TRACEKEEP_BENCH_SPANS") {
        Ok(text) => text.replace('_', "").parse()?,
        Err(_) => 2_000_000,
    };
    Ok(config_of(spans))
}

/// The work of so many spans, at the same rate.
pub fn config_of(spans: u64) -> Config {
    Config::bench_store(spans, (spans * 24).div_ceil(2_000_000).max(1))
}

/// A directory for files that outlive the run, inside cargo's target directory.
pub fn cache_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

/// A directory for a store, gone with the value.
pub fn store_dir() -> Outcome<tempfile::TempDir> {
    Ok(tempfile::tempdir_in(cache_dir())?)
}

/// Fails with a message that says what differs.
pub fn check(what: &str, holds: bool) -> Outcome {
    if holds { Ok(()) } else { Err(format!("wrong answer: {what}").into()) }
}
