//! CPU and memory of an import until the store is closed, beside the `zstd -1` command.
#[allow(dead_code, reason = "every bench uses a part of it")]
mod common;

use std::time::Instant;

use common::memory::{Sampler, resident};
use common::raw::Raw;
use common::table::{Figure, Table};
use common::{Outcome, check, config, cpu, store_dir, stores, yardstick};
use tracekeep::{Options, Store};

fn main() -> Outcome {
    yardstick::be_child_if_asked()?;
    let raw = Raw::of(&config()?)?;
    let peer = yardstick::zstd_1(&raw)?;
    let table = Table::new("ingest", raw.spans);

    let dir = store_dir()?;
    let before = resident().unwrap_or(0);
    let sampler = Sampler::start();
    let begin = Instant::now();
    let (done, used) = cpu::of(|| -> Outcome {
        let store = Store::open(dir.path(), Options::default())?;
        raw.requests(|request| {
            let done = store.append_otlp(request)?;
            check("none rejected", done.rejected == 0)
        })?;
        store.close()?;
        Ok(())
    });
    done?;
    let elapsed = begin.elapsed();
    let peak = sampler.peak();

    let store = Store::open(dir.path(), stores::options())?;
    check("spans", store.stats()?.spans == raw.spans)?;
    store.close()?;

    let (measured, yardstick) = (Figure::Time(used), Figure::Time(peer.cpu));
    table.ratio(&format!("import CPU / {} CPU", peer.by), measured, yardstick, (4.0, 1.5));
    match peak {
        Some(peak) => table.figure(
            "peak memory",
            Figure::Bytes(peak.saturating_sub(before)),
            Figure::Bytes(512 << 20),
            Figure::Bytes(256 << 20),
        ),
        None => table.note("peak memory", "not told by this system"),
    }
    table.note("spans a CPU second", (raw.spans as f64 / used.as_secs_f64()) as u64);
    table.note("seconds", format!("{:.2}", elapsed.as_secs_f64()));
    Ok(())
}
