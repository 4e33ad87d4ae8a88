//! `raw`: the workload as one file of framed protobuf requests, kept between runs.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use tracekeep_workload::{Config, Workload, write_protobuf};

use crate::common::{Outcome, cache_dir};

/// The file, and what names it.
pub struct Raw {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The spans in it.
    pub spans: u64,
}

impl Raw {
    /// The raw file of this work; written if it is not there.
    pub fn of(config: &Config) -> Outcome<Self> {
        let path = cache_dir().join(format!("{}.pb", key(config)));
        let count = path.with_extension("spans");
        if !count.exists() {
            let unfinished = path.with_extension("tmp");
            let mut out = BufWriter::with_capacity(1 << 20, File::create(&unfinished)?);
            let written = write_protobuf(Workload::new(config), &mut out)?;
            out.flush()?;
            fs::rename(&unfinished, &path)?;
            fs::write(&count, written.spans.to_string())?;
        }
        let spans = fs::read_to_string(&count)?.parse()?;
        Ok(Self { bytes: fs::metadata(&path)?.len(), path, spans })
    }

    /// Calls `each` with one request after the other. Requests are large: they are read to where they
    /// stay, without a buffer between.
    pub fn requests(&self, mut each: impl FnMut(&[u8]) -> Outcome) -> Outcome {
        let mut file = File::open(&self.path)?;
        let mut left = self.bytes;
        let mut request = Vec::new();
        while left > 0 {
            let mut len = [0; 4];
            file.read_exact(&mut len)?;
            request.resize(u32::from_be_bytes(len) as usize, 0);
            file.read_exact(&mut request)?;
            each(&request)?;
            left -= 4 + request.len() as u64;
        }
        Ok(())
    }
}

/// Names the work: changes with the configuration and with what the generator makes of it.
fn key(config: &Config) -> String {
    let first = Workload::new(config).requests().next().unwrap_or_default();
    let fnv = |h: u64, &b: &u8| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
    let hash = first.iter().fold(0xcbf2_9ce4_8422_2325, fnv);
    format!("raw-{}-{}h-{hash:016x}", config.spans, config.length.as_secs() / 3600)
}

/// All files below `dir` whose names end so, with their sizes.
pub fn files(dir: &Path, suffix: &str) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        // Files come and go while a store works: what is gone is not counted.
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_dir() {
                open.push(entry.path());
            } else if entry.path().to_string_lossy().ends_with(suffix) {
                found.push((entry.path(), meta.len()));
            }
        }
    }
    found
}

/// The bytes of all segments of a store, and of the id filters beside them.
pub fn segment_bytes(dir: &Path) -> u64 {
    [".seg", ".ids"].iter().flat_map(|end| files(dir, end)).map(|(_, bytes)| bytes).sum()
}
