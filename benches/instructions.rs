//! Instructions a span of decoding, building, flushing and merging, counted by callgrind: on a shared
//! machine times wander, counts repeat to the thousandth. Needs `valgrind`; says so where there is none.
//!
//! The bench runs itself under callgrind: once up to the append, once to the flush, once to the merge,
//! and twice to count what one function takes with all that it calls.
#[allow(dead_code, reason = "every bench uses a part of it")]
mod common;

use std::path::Path;
use std::process::Command;

use common::raw::Raw;
use common::table::Table;
use common::{Outcome, cache_dir, check, config, store_dir, stores};
use tracekeep::Store;
use tracekeep_workload::Config;

/// Names the last step of a run under callgrind.
const STEP: &str = "TRACEKEEP_BENCH_STEP";
/// Of the bench store's spans these are enough: callgrind takes fifty times as long.
const PART: u64 = 20;

fn main() -> Outcome {
    let spans = config()?.spans / PART;
    let raw = Raw::of(&Config::bench_store(spans, (spans * 24).div_ceil(2_000_000).max(1)))?;
    if let Ok(step) = std::env::var(STEP) {
        return run(&raw, &step);
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("instructions: valgrind is not installed");
        return Ok(());
    }
    let table = Table::new("instructions, on one thread", raw.spans);
    let each = |instructions: u64| format!("{:.0} a span", instructions as f64 / raw.spans as f64);
    let (none, append) = (count("open", None)?, count("append", None)?);
    let (flush, merge) = (count("flush", None)?, count("merge", None)?);
    let decode = count("append", Some("*ingest::otlp::prepare*"))?;
    let build = count("flush", Some("*ingest::rows::build_segment*"))?;
    table.note("append_otlp", each(append.saturating_sub(none)));
    table.note("of that, decode: request bytes to a checked batch", each(decode));
    table.note("flush", each(flush.saturating_sub(append)));
    table.note("of that, build: rows in order, taken apart into columns", each(build));
    table.note("merge of what was flushed", each(merge.saturating_sub(flush)));
    check("parts are less than the whole", none + decode < append && append + build < flush)
}

/// Runs up to a step, and checks what the store then holds.
fn run(raw: &Raw, step: &str) -> Outcome {
    let dir = store_dir()?;
    let store = Store::open(dir.path(), stores::options().threads(0).merge_fan_in(usize::MAX))?;
    if step != "open" {
        stores::append(&store, raw)?;
    }
    if ["flush", "merge"].contains(&step) {
        store.flush()?;
    }
    if step == "merge" {
        store.merge()?;
    }
    let spans = if step == "open" { 0 } else { raw.spans };
    check("spans of the store", store.stats()?.spans == spans)
}

/// Instructions of a run up to `step`, or of one function in it with all that it calls.
fn count(step: &str, function: Option<&str>) -> Outcome<u64> {
    let dir = tempfile::tempdir_in(cache_dir())?;
    let mut valgrind = Command::new("valgrind");
    valgrind.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", out(dir.path())));
    valgrind.args(function.map(|function| format!("--toggle-collect={function}")));
    let ran = valgrind.arg(std::env::current_exe()?).env(STEP, step).output()?;
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    check(&format!("a run up to {step}: {said}"), ran.status.success())?;
    let counted = said.lines().filter_map(|line| line.split_once("Collected :")).next_back();
    let counted = counted.ok_or("callgrind counted nothing")?.1.trim().parse()?;
    check(&format!("{function:?} is a function of its own"), counted > 0)?;
    Ok(counted)
}

fn out(dir: &Path) -> String {
    dir.join("callgrind.out").display().to_string()
}
