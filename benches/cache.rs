//! What the cache of decoded blocks and pages buys on a skewed stream of lookups: most for traces of
//! the last minutes, some for any.
#[allow(dead_code, reason = "every bench uses a part of it")]
mod common;

use std::path::Path;
use std::time::Duration;

use common::stores::{merged, options};
use common::table::{Figure, Table};
use common::times::Times;
use common::truth::Truth;
use common::{Outcome, check, config, cpu, store_dir};
use tracekeep::{Query, Store, TraceId, TraceReader};

/// Lookups before the first that is timed, and those that are.
const WARM: usize = 20_000;
const TIMED: usize = 20_000;

/// Of five lookups four are for traces so old at most, on average; one is for any.
const RECENT: Duration = Duration::from_secs(10 * 60);

/// Sizes of the cache, in MiB; by default a store has 32.
const SIZES: [usize; 4] = [0, 8, 32, 128];

/// Every so-manieth answer is compared with that of a store without caches.
const CHECKED: usize = 500;

fn main() -> Outcome {
    let config = config()?;
    let mut truth = Truth::new(config.spans / 36 / 100, Vec::new());
    let dir = store_dir()?;
    merged(dir.path(), &config, &mut truth)?.close()?;
    let table = Table::new("caches", truth.spans);
    let stream = stream(&Store::open(dir.path(), options())?)?;
    let mut without = None;
    for mib in SIZES {
        let mean = measure(&table, dir.path(), mib, &stream)?;
        let without = *without.get_or_insert(mean);
        let ratio = Figure::Times(mean / without);
        table.note(&format!("cache of {mib} MiB: mean / that without"), ratio);
    }
    Ok(())
}

/// Ids to look up, in turn.
fn stream(store: &Store) -> Outcome<Vec<TraceId>> {
    let all = store.search_ids(&Query::spans().limit(usize::MAX))?;
    let newest = all.first().ok_or("an empty store")?.start;
    let recent = all.partition_point(|times| newest.since(times.start) <= RECENT).max(1);
    println!("{} traces, {recent} of them of the last ten minutes", all.len());
    let mut random = Random(1);
    let mut pick = || {
        let rank = match random.share() < 0.8 {
            // Exponential: half of these are for the newest two thirds of the last ten minutes.
            true => (-(1.0 - random.share()).ln() * recent as f64) as usize,
            false => (random.share() * all.len() as f64) as usize,
        };
        all.get(rank.min(all.len() - 1)).map(|times| times.trace_id)
    };
    Ok((0..WARM + TIMED).filter_map(|_| pick()).collect())
}

/// The mean time of a lookup, in seconds.
fn measure(table: &Table, dir: &Path, mib: usize, stream: &[TraceId]) -> Outcome<f64> {
    let open = |bytes| Store::open(dir, options().cache_bytes(bytes));
    let sample = || stream.iter().step_by(CHECKED);
    let plain = open(0)?;
    let wanted: Result<Vec<_>, _> = sample().map(|&id| plain.trace(id)).collect();
    plain.close()?;
    let store = open(mib << 20)?;
    for (&id, wanted) in sample().zip(wanted?) {
        for _ in 0..2 {
            check("a trace through the cache", store.trace(id)? == wanted)?;
        }
    }
    let (warm, timed) = stream.split_at(WARM);
    for &id in warm {
        check("a trace", store.trace(id)?.is_some())?;
    }
    let what = format!("cache of {mib} MiB");
    let memory = |store: &Store| -> Outcome<_> { store.stats()?.memory.ok_or("no figures".into()) };
    let before = memory(&store)?;
    let mut times = Vec::with_capacity(timed.len());
    for &id in timed {
        // Of the thread: others on the machine do not count.
        let (trace, took) = cpu::of_this_thread(|| store.trace(id));
        times.push(took);
        check("a trace", trace?.is_some())?;
    }
    let after = memory(&store)?;
    let mean = times.iter().sum::<Duration>().as_secs_f64() / times.len() as f64;
    let times = Times::from(times);
    let time = |share| Figure::Time(times.at(share));
    let mean_time = Figure::Time(Duration::from_secs_f64(mean));
    table.note(&format!("{what}: mean CPU time"), mean_time);
    table.note(&format!("{what}: p50, p99"), format!("{}, {}", time(0.5), time(0.99)));
    let hits = after.cache_hits - before.cache_hits;
    let misses = after.cache_misses - before.cache_misses;
    let rate = 100.0 * hits as f64 / (hits + misses).max(1) as f64;
    table.note(&format!("{what}: hits"), format!("{rate:.0} %"));
    store.close()?;
    Ok(mean)
}

/// Steele, Lea and Flood's SplitMix.
struct Random(u64);

impl Random {
    /// From 0 to 1.
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) >> 11) as f64 / (1u64 << 53) as f64
    }
}
