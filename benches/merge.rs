//! CPU of an import with a full merge, beside `zstd -1`; how often bytes were written; opening.
#[allow(dead_code, reason = "every bench uses a part of it")]
mod common;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use common::raw::{Raw, files, segment_bytes};
use common::stores::Busy;
use common::table::{Figure, Table};
use common::{Outcome, check, config, cpu, store_dir, stores, yardstick};
use tracekeep::{Options, Store};

fn main() -> Outcome {
    yardstick::be_child_if_asked()?;
    let config = config()?;
    let raw = Raw::of(&config)?;
    let peer = yardstick::zstd_1(&raw)?;
    let table = Table::new("merge", raw.spans);

    let dir = store_dir()?;
    let watch = Watch::start(dir.path());
    let (done, used) = cpu::of(|| -> Outcome {
        let store = Store::open(dir.path(), Options::default())?;
        stores::append(&store, &raw)?;
        store.merge()?;
        store.close()?;
        Ok(())
    });
    done?;
    let written = watch.written()?;
    let store = Store::open(dir.path(), stores::options())?;
    check("spans when merged", store.stats()?.spans == raw.spans)?;
    store.close()?;
    let kept = segment_bytes(dir.path());

    let (measured, yardstick) = (Figure::Time(used), Figure::Time(peer.cpu));
    table.ratio(
        &format!("import and merge CPU / {} CPU", peer.by),
        measured,
        yardstick,
        (8.0, 3.0),
    );
    table.figure(
        "write amplification, log excluded",
        Figure::Times(written as f64 / kept as f64),
        Figure::Times(4.0),
        Figure::Times(3.0),
    );

    let dir = store_dir()?;
    Busy::new(dir.path(), &config)?.finish()?;
    let segments = files(dir.path(), ".seg").len();
    let begin = Instant::now();
    let store = Store::open(dir.path(), stores::options().merge_fan_in(100_000))?;
    let opened = begin.elapsed();
    check("segments when opened", store.stats()?.segments == segments as u64)?;
    store.close()?;
    table.figure(
        &format!("opening a store of {segments} segments"),
        Figure::Time(opened),
        Figure::Time(Duration::from_millis(100)),
        Figure::Time(Duration::from_millis(20)),
    );
    Ok(())
}

/// Sees every segment that is ever published, also those that a merge removes again.
struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<HashMap<PathBuf, u64>>,
    dir: PathBuf,
}

impl Watch {
    fn start(dir: &Path) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, watched) = (Arc::clone(&stop), dir.to_owned());
        let thread = std::thread::spawn(move || {
            let mut seen = HashMap::new();
            while !stopped.load(Ordering::Relaxed) {
                seen.extend(files(&watched, ".seg"));
                std::thread::sleep(Duration::from_millis(20));
            }
            seen
        });
        Self { stop, thread, dir: dir.to_owned() }
    }

    /// Bytes of all segments that were seen.
    fn written(self) -> Outcome<u64> {
        self.stop.store(true, Ordering::Relaxed);
        let mut seen = self.thread.join().map_err(|_| "the watcher panicked")?;
        seen.extend(files(&self.dir, ".seg"));
        Ok(seen.values().sum())
    }
}
