//! How far recovery has come, told to the observer.

use std::path::Path;

use crate::base::error::Result;
use crate::base::observer::StoreEvent;
use crate::disk::{Disk, names};
use crate::store::watch::Watch;

/// How many bytes of frames pass between two reports: some hundredths of a second's work.
const REPORT_BYTES: u64 = 4 << 20;

/// Counts the frames that opening replays.
pub(crate) struct Progress<'a> {
    watch: &'a Watch,
    frames: u64,
    spans: u64,
    bytes: u64,
    bytes_max: u64,
    report_at: u64,
}

impl<'a> Progress<'a> {
    /// Of the log in `dir`, which need not be there yet.
    pub(crate) fn new(watch: &'a Watch, disk: &dyn Disk, dir: &Path) -> Result<Self> {
        let mut bytes_max = 0;
        if watch.observer().is_some() && disk.exists(dir)? {
            let logs = disk.list(dir)?;
            let logs = logs.iter().filter(|entry| names::parse_log(&entry.name).is_some());
            bytes_max = logs.map(|entry| entry.len).sum();
        }
        Ok(Self { watch, frames: 0, spans: 0, bytes: 0, bytes_max, report_at: REPORT_BYTES })
    }

    /// A frame was replayed, of so many bytes; so many of its spans were in no segment.
    pub(crate) fn frame(&mut self, bytes: usize, spans: u64) {
        self.frames += 1;
        self.spans += spans;
        self.bytes += bytes as u64;
        if self.bytes >= self.report_at {
            self.report_at = self.bytes + REPORT_BYTES;
            self.report(false);
        }
    }

    /// That was all.
    pub(crate) fn done(self) {
        self.report(true);
    }

    fn report(&self, done: bool) {
        let &Self { frames, spans, bytes, bytes_max, .. } = self;
        self.watch.tell(&StoreEvent::Recovering { frames, spans, bytes, bytes_max, done });
    }
}
