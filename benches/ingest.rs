//! CPU and memory of an import until the store is closed, beside the `zstd -1` command.
#[allow(dead_code, reason = "every bench uses a part of it")]
mod common;

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::time::{Duration, Instant};

use common::memory::{Sampler, resident};
use common::raw::Raw;
use common::table::{Figure, Table};
use common::{Outcome, check, config, cpu, store_dir, stores, yardstick};
use tracekeep::{Options, Store};
use tracekeep_workload::{Workload, write_json};

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
    json_lines(&table)
}

/// JSON lines beside protobuf of the same spans, a tenth of the work.
fn json_lines(table: &Table) -> Outcome {
    let config = common::config_of(config()?.spans / 10);
    let raw = Raw::of(&config)?;
    let lines = tempfile::NamedTempFile::new_in(common::cache_dir())?;
    let mut out = BufWriter::with_capacity(1 << 20, lines.as_file());
    write_json(Workload::new(&config), &mut out)?;
    out.flush()?;
    let (mut protobuf, mut json) = (Duration::MAX, Duration::MAX);
    for _ in 0..2 {
        protobuf = protobuf.min(import(raw.spans, |store| stores::append(store, &raw))?);
        json = json.min(import(raw.spans, |store| {
            let mut file = BufReader::with_capacity(1 << 20, lines.reopen()?);
            let mut line = Vec::new();
            while file.read_until(b'\n', &mut line)? > 0 {
                let done = store.append_otlp_json(&line)?;
                check("none rejected", done.rejected == 0)?;
                line.clear();
            }
            Ok(())
        })?);
    }
    table.ratio(
        "import CPU, JSON lines / protobuf",
        Figure::Time(json),
        Figure::Time(protobuf),
        (2.0, 1.5),
    );
    Ok(())
}

/// The CPU time of an import until the store is closed.
fn import(spans: u64, append: impl FnOnce(&Store) -> Outcome) -> Outcome<Duration> {
    let dir = store_dir()?;
    let (done, used) = cpu::of(|| -> Outcome {
        let store = Store::open(dir.path(), Options::default())?;
        append(&store)?;
        Ok(store.close()?)
    });
    done?;
    let store = Store::open(dir.path(), stores::options())?;
    check("spans", store.stats()?.spans == spans)?;
    store.close()?;
    Ok(used)
}
