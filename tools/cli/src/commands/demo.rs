//! `demo`: what the store does, shown on traces made up for it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tracekeep::{Commit, Options, Page, Query, Store, TraceHit, TraceReader};
use tracekeep_workload::{Config, Workload, count};

use crate::args::DemoArgs;
use crate::commands::{Place, search, stats};
use crate::failure::{Exit, Failure, Result, note};
use crate::measure::{Measured, Meter};
use crate::output::{Output, bytes, grouped};
use crate::progress::Progress;
use crate::times::show_duration;
use crate::waterfall::Waterfall;

/// What is searched for: a slow operation of one service, and a tag in any.
const SEARCHES: [&str; 2] = [
    r#"{ resource.service.name = "checkout" && duration > 200ms }"#,
    r#"{ span.http.response.status_code >= 500 && kind = server }"#,
];

/// Batches under way at once; they share syncs of the log.
const PENDING: usize = 16;

pub fn run(args: &DemoArgs, place: &Place, output: &mut Output) -> Result {
    let folder = Folder::of(place)?;
    let meter = Meter::start();
    let store = Store::open(folder.path(), Options::default())?;
    let spans = fill(&store, args.spans, output.json)?;
    let measured = meter.stop();
    let shown = show(&store, &folder, spans, &measured, output);
    // The store is closed and a temporary folder removed whatever happened.
    let closed = store.close();
    folder.remove()?;
    shown?;
    closed?;
    Ok(Exit::Done)
}

/// Where the demo's store lies.
enum Folder {
    /// Where it was told to.
    Kept(PathBuf),
    /// In a folder that goes when the demo ends.
    Temporary(TempDir),
}

impl Folder {
    fn of(place: &Place) -> Result<Self> {
        if place.0.is_some() {
            return Ok(Self::Kept(place.directory()?.to_path_buf()));
        }
        let made = tempfile::Builder::new().prefix("tracekeep-demo").tempdir();
        made.map(Self::Temporary)
            .map_err(|error| Failure::Io("cannot make a temporary folder".into(), error))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }

    fn remove(self) -> Result<()> {
        match self {
            Self::Kept(_) => Ok(()),
            Self::Temporary(folder) => folder
                .close()
                .map_err(|error| Failure::Io("cannot remove the temporary folder".into(), error)),
        }
    }
}

/// Makes and stores spans; returns how many.
fn fill(store: &Store, spans: u64, quiet: bool) -> Result<u64> {
    let progress = Progress::spans(spans, quiet);
    if !quiet && !progress.is_visible() {
        note(&format!("making and storing {} spans", grouped(spans)));
    }
    let mut pending: Vec<Commit> = Vec::new();
    let mut stored = 0;
    for batch in Workload::new(&Config::default().spans(spans)) {
        pending.push(store.submit(&batch)?);
        progress.advance(count(&batch));
        if pending.len() >= PENDING {
            stored += wait(&mut pending)?;
        }
    }
    stored += wait(&mut pending)?;
    progress.message("flushing".into());
    store.flush()?;
    progress.finish();
    Ok(stored)
}

fn wait(pending: &mut Vec<Commit>) -> Result<u64> {
    pending.drain(..).map(|commit| Ok(commit.wait()?.accepted)).sum()
}

fn show(
    store: &Store,
    folder: &Folder,
    spans: u64,
    measured: &Measured,
    output: &mut Output,
) -> Result<()> {
    let example = example(store)?;
    let searches = SEARCHES.map(|query| timed(store, query));
    if output.json {
        return json(store, spans, measured, example.as_ref(), searches, output);
    }
    output.line(&format!(
        "{} spans stored in {}, {} of processor time, {} of memory at most",
        grouped(spans),
        show_duration(measured.elapsed),
        show_duration(measured.cpu),
        bytes(measured.peak_memory_bytes),
    ))?;
    if let Some(hit) = &example {
        output.line("")?;
        waterfall(store, hit, output)?;
    }
    for (query, found) in SEARCHES.iter().zip(searches) {
        let (page, took) = found?;
        output.line("")?;
        output.heading(&format!("search '{query}'"))?;
        search::table(&page, output)?;
        output.line(&format!("the newest {} in {}", page.traces.len(), show_duration(took)))?;
    }
    output.line("")?;
    output.heading("where the bytes went")?;
    stats::print(&store.stats()?, output)?;
    output.line("")?;
    try_next(folder, example.as_ref(), output)
}

/// The newest trace that shows something: several services, an error, a page's height.
fn example(store: &Store) -> Result<Option<TraceHit>> {
    let query = Query::parse("{ status = error }")?.limit(500).spans_per_set(0);
    let mut traces = store.search(&query)?.traces;
    if traces.is_empty() {
        traces = store.search(&Query::spans().limit(100))?.traces;
    }
    let small = |hit: &&TraceHit| (8..=30).contains(&hit.span_count);
    let best = traces.iter().filter(small).max_by_key(|hit| (hit.services.len(), hit.start));
    Ok(best.or_else(|| traces.first()).cloned())
}

fn timed(store: &Store, query: &str) -> Result<(Page, Duration)> {
    let query = Query::parse(query)?.limit(5);
    let started = Instant::now();
    let page = store.search(&query)?;
    Ok((page, started.elapsed()))
}

fn waterfall(store: &Store, hit: &TraceHit, output: &mut Output) -> Result<()> {
    let mut waterfall = Waterfall::new(hit.trace_id);
    for chunk in store.trace_chunks(hit.trace_id)?.into_iter().flatten() {
        waterfall.add(&chunk?);
    }
    Ok(waterfall.draw(output)?)
}

fn try_next(folder: &Folder, example: Option<&TraceHit>, output: &mut Output) -> Result<()> {
    output.heading("what to try next")?;
    let path = match folder {
        Folder::Kept(path) => path.display().to_string(),
        Folder::Temporary(_) => {
            output.line("tracekeep demo --store traces     # the same, and the store stays")?;
            "traces".to_owned()
        }
    };
    // The demo makes the same traces each time, so this one is there, too.
    let id = example.map(|hit| hit.trace_id.to_string()).unwrap_or_default();
    output.line(&format!("tracekeep trace --store {path} {id}"))?;
    output.line(&format!(
        "tracekeep search --store {path} '{{ status = error && duration > 100ms }}'"
    ))?;
    output.line(&format!("tracekeep stats --store {path}"))?;
    output.line(&format!("tracekeep import --store {path} spans.jsonl.zst     # your own"))?;
    Ok(())
}

fn json(
    store: &Store,
    spans: u64,
    measured: &Measured,
    example: Option<&TraceHit>,
    searches: [Result<(Page, Duration)>; 2],
    output: &mut Output,
) -> Result<()> {
    let mut found: Vec<Json> = Vec::new();
    for (query, search) in SEARCHES.iter().zip(searches) {
        let (page, took) = search?;
        let seconds = took.as_secs_f64();
        found
            .push(json!({ "query": query, "seconds": seconds, "page": search::page_json(&page)? }));
    }
    output.value(&json!({
        "spans": spans,
        "seconds": measured.elapsed.as_secs_f64(),
        "cpuSeconds": measured.cpu.as_secs_f64(),
        "peakMemoryBytes": measured.peak_memory_bytes,
        "traceID": example.map(|hit| hit.trace_id.to_string()),
        "searches": found,
        "stats": stats::json(&store.stats()?),
    }))?;
    Ok(output.flush()?)
}
