//! Group commit: appends from many threads under `Sync`, beside one fsync an append.
#[allow(dead_code, reason = "every bench uses a part of it")]
mod common;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::table::{Figure, Table};
use common::times::Times;
use common::{Outcome, check, config, store_dir};
use tracekeep::{Options, Store};
use tracekeep_workload::{Workload, count, encode_protobuf};

/// Appends in flight at a time.
const THREADS: [usize; 4] = [1, 4, 16, 64];

/// Appends of each run: enough that a hundredth of them is some.
const APPENDS: usize = 2000;

fn main() -> Outcome {
    let config = config()?;
    // A resource an append: as small as exporters send them, so that the sync is what counts.
    let resources = Workload::new(&config).flatten().map(|resource| vec![resource]);
    let batches: Vec<_> = resources.take(APPENDS).collect();
    let spans: u64 = batches.iter().map(|batch| count(batch)).sum();
    let requests: Vec<Vec<u8>> = batches.iter().map(|batch| encode_protobuf(batch)).collect();
    let table = Table::new("commit", spans);
    table.note("appends of each run", requests.len());

    let dir = store_dir()?;
    let alone = one_fsync_each(&dir.path().join("file"), &requests)?;
    row(&table, "write and fsync, one thread", &alone);
    for threads in THREADS {
        let dir = store_dir()?;
        let store = Store::open(dir.path(), Options::default())?;
        let run = appends(&store, &requests, threads)?;
        let counters = store.stats()?.counters.ok_or("a store without counters")?;
        check("spans", store.stats()?.spans == spans)?;
        check("appends", counters.appends == requests.len() as u64)?;
        store.close()?;
        row(&table, &format!("append, {threads} threads"), &run);
        let shared = counters.appends as f64 / counters.commits as f64;
        table.note(
            &format!("appends that share an fsync, {threads} threads"),
            format!("{shared:.2}"),
        );
        // One thread pays its fsync; many must not pay one each.
        table.ratio(
            &format!("time of an append, {threads} threads / write and fsync"),
            Figure::Time(run.each()),
            Figure::Time(alone.each()),
            if threads == 1 { (2.0, 1.3) } else { (1.0, 2.0 / threads as f64) },
        );
    }
    Ok(())
}

/// How long each call took, and all together.
struct Run {
    times: Times,
    elapsed: Duration,
    calls: usize,
}

impl Run {
    fn each(&self) -> Duration {
        self.elapsed / self.calls.max(1) as u32
    }
}

fn row(table: &Table, what: &str, run: &Run) {
    let rate = run.calls as f64 / run.elapsed.as_secs_f64();
    let (p50, p99) = (Figure::Time(run.times.at(0.5)), Figure::Time(run.times.at(0.99)));
    table.note(&format!("{what}: a second, p50, p99"), format!("{rate:.0}, {p50}, {p99}"));
}

/// What a log without group commit does, into a file that is there already.
fn one_fsync_each(path: &Path, requests: &[Vec<u8>]) -> Outcome<Run> {
    let file = File::create(path)?;
    let bytes: usize = requests.iter().map(Vec::len).sum();
    file.write_all_at(&vec![1; bytes], 0)?;
    file.sync_all()?;
    let (mut times, mut at) = (Vec::new(), 0);
    let begin = Instant::now();
    for request in requests {
        let begin = Instant::now();
        file.write_all_at(request, at)?;
        file.sync_data()?;
        times.push(begin.elapsed());
        at += request.len() as u64;
    }
    Ok(Run { elapsed: begin.elapsed(), calls: times.len(), times: Times::from(times) })
}

fn appends(store: &Store, requests: &[Vec<u8>], threads: usize) -> Outcome<Run> {
    let next = AtomicUsize::new(0);
    let begin = Instant::now();
    let times = std::thread::scope(|scope| {
        let work = || -> tracekeep::Result<Vec<Duration>> {
            let mut times = Vec::new();
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                let begin = Instant::now();
                store.append_otlp(request)?;
                times.push(begin.elapsed());
            }
            Ok(times)
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut times = Vec::new();
        for thread in running {
            times.extend(thread.join().map_err(|_| "an appending thread panicked")??);
        }
        Outcome::Ok(times)
    })?;
    Ok(Run { elapsed: begin.elapsed(), calls: times.len(), times: Times::from(times) })
}
