//! `import`: files of other programs into a store.

use std::path::Path;

use serde_json::json;
use tracekeep::{Options, Store};

use crate::args::ImportArgs;
use crate::commands::Place;
use crate::failure::{Exit, Result, note};
use crate::import::{self, Intake, Totals};
use crate::measure::{Measured, Meter};
use crate::output::{Column, Output, grouped};
use crate::progress::Progress;

pub fn run(args: &ImportArgs, place: &Place, output: &mut Output) -> Result {
    let meter = Meter::start();
    let store = Store::open(place.directory()?, Options::default())?;
    let progress = Progress::bytes(size(args), output.json);
    let mut intake = Intake::new(store, args.keep_going, progress.clone());
    let read = args.files.iter().try_for_each(|path| import::file(path, &mut intake));
    // What came before a failure is stored, and is to be counted.
    let (store, totals, stored) = intake.finish();
    let closed = store.close();
    progress.finish();
    if let Err(failure) = read.and(stored) {
        if totals.spans > 0 && !output.json {
            note(&format!("tracekeep: {} spans before this are stored", grouped(totals.spans)));
        }
        return Err(failure);
    }
    closed?;
    report(&totals, &meter.stop(), output)?;
    Ok(if totals.rejected + totals.malformed > 0 { Exit::Partly } else { Exit::Done })
}

/// The bytes of all files, unless one is a pipe.
fn size(args: &ImportArgs) -> Option<u64> {
    let size = |path: &Path| {
        let meta = std::fs::metadata(path).ok()?;
        meta.is_file().then_some(meta.len())
    };
    args.files.iter().map(|path| size(path)).sum()
}

fn report(totals: &Totals, measured: &Measured, output: &mut Output) -> Result<()> {
    let (seconds, cpu) = (measured.elapsed.as_secs_f64(), measured.cpu.as_secs_f64());
    let rate = totals.spans as f64 / cpu.max(1e-9);
    if output.json {
        output.value(&json!({
            "spans": totals.spans,
            "rejected": totals.rejected,
            "malformed": totals.malformed,
            "seconds": seconds,
            "cpuSeconds": cpu,
            "spansPerCpuSecond": rate,
            "peakMemoryBytes": measured.peak_memory_bytes,
        }))?;
        return Ok(());
    }
    let memory = measured.peak_memory_bytes;
    let rows = [
        ("spans", output.count(totals.spans)),
        ("spans rejected", output.count(totals.rejected)),
        ("malformed parts left out", output.count(totals.malformed)),
        ("seconds", format!("{seconds:.3}")),
        ("CPU seconds", format!("{cpu:.3}")),
        ("spans per CPU second", output.count(rate as u64)),
        ("peak memory", output.size(memory)),
    ];
    let columns = [Column::text("import"), Column::number("")];
    output.table(&columns, rows.map(|(name, value)| vec![name.to_owned(), value]))?;
    Ok(())
}
