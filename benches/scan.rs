//! Scanning one plain column, how long each span lasted, on one thread: of the merged work, of every
//! shared capture, and of a busy store.
#[allow(dead_code, reason = "every bench uses a part of it")]
mod common;

use std::collections::HashSet;
use std::hint::black_box;
use std::time::Duration;

use common::captures::{self, CAPTURES};
use common::peer;
use common::raw::Raw;
use common::table::{Figure, Table};
use common::{Outcome, check, config, cpu, store_dir, stores};
use prost::Message;
use tracekeep::{Store, TimeRange, TraceReader};
use xxhash_rust::xxh3::xxh3_128;

/// Nanoseconds a span.
const TARGET: f64 = 3.0;
/// A busy store may take so many times as long as a merged one.
const BUSY: f64 = 3.0;

/// Scans that are timed at least.
const ROUNDS: usize = 25;
/// So long they are repeated: a scan of few spans is over before the machine has its full pace.
const LEAST: Duration = Duration::from_millis(500);

fn main() -> Outcome {
    let config = config()?;
    let shop = Raw::of(&config)?;
    let table = Table::new("durations", shop.spans);
    let merged = measure(&table, "bench store", &shop)?;
    for capture in CAPTURES {
        if let Some(raw) = captures::raw(capture)? {
            measure(&table, capture, &raw)?;
        }
    }
    let dir = store_dir()?;
    let busy = stores::Busy::new(dir.path(), &config)?;
    // The writer's spans are older than these.
    let range = TimeRange::from(config.start..);
    check("durations of the busy store", scan(&busy.store, range)? == Durations::of(&shop)?)?;
    let each = time(&busy.store, range, shop.spans)?;
    table.figure("busy, ns a span", Figure::Times(each), Figure::Times(BUSY * merged), NO_GOAL);
    busy.finish()?;
    Ok(())
}

const NO_GOAL: Figure = Figure::Times(TARGET);

/// Prints the row of one data set: the nanoseconds that a span takes.
fn measure(table: &Table, what: &str, raw: &Raw) -> Outcome<f64> {
    let dir = store_dir()?;
    let store = Store::open(dir.path(), stores::options())?;
    stores::append(&store, raw)?;
    store.merge()?;
    store.close()?;
    let store = Store::open(dir.path(), stores::options())?;
    let truth = Durations::of(raw)?;
    check("durations", scan(&store, TimeRange::ALL)? == truth)?;
    let each = time(&store, TimeRange::ALL, truth.spans)?;
    let what = format!("{what}, {} spans, ns a span", truth.spans);
    table.figure(&what, Figure::Times(each), Figure::Times(TARGET), NO_GOAL);
    store.close()?;
    Ok(each)
}

/// CPU time of the median scan: of a wall clock's time the neighbours of this machine take their share.
fn time(store: &Store, range: TimeRange, spans: u64) -> Outcome<f64> {
    let mut times = Vec::with_capacity(ROUNDS);
    let mut spent = Duration::ZERO;
    while times.len() < ROUNDS || spent < LEAST {
        let (found, cpu) = cpu::of_this_thread(|| scan(store, range));
        found?;
        times.push(cpu);
        spent += cpu;
    }
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    Ok(median.as_secs_f64() * 1e9 / spans as f64)
}

/// What durations add up to.
#[derive(Debug, Default, PartialEq)]
struct Durations {
    spans: u64,
    nanos: u64,
}

impl Durations {
    fn add(&mut self, durations: &[u64]) {
        self.spans += durations.len() as u64;
        self.nanos += durations.iter().sum::<u64>();
    }

    /// Those of the spans of a raw file; spans that came twice count once.
    fn of(raw: &Raw) -> Outcome<Self> {
        let mut truth = Self::default();
        let mut seen = HashSet::new();
        raw.requests(|request| {
            for resource in peer::decode(request)?.resource_spans {
                for span in resource.scope_spans.iter().flat_map(|scope| &scope.spans) {
                    if raw.spans > 0 || seen.insert(xxh3_128(&span.encode_to_vec())) {
                        let (start, end) = (span.start_time_unix_nano, span.end_time_unix_nano);
                        truth.add(&[end.saturating_sub(start)]);
                    }
                }
            }
            Ok(())
        })?;
        Ok(truth)
    }
}

fn scan(store: &Store, range: TimeRange) -> tracekeep::Result<Durations> {
    let mut found = Durations::default();
    store.scan_durations(range, |durations| found.add(durations))?;
    Ok(black_box(found))
}
