//! Making sure of what an earlier writer left.

use crate::base::error::{Error, Result};
use crate::disk::Disk;
use crate::ingest::log::files::LogFile;
use crate::ingest::log::header;
use crate::ingest::log::scan::Place;

/// How much is copied at once.
const COPY_BYTES: usize = 512 << 10;

/// Makes the frames of `last` beyond its mark durable. They are written again, not only synced:
/// after a sync that failed, the kernel may hold them in memory as clean while the disk lacks them.
pub fn rewrite_unsynced(disk: &dyn Disk, last: &LogFile, end: Place) -> Result<()> {
    let mut at = last.header.synced_end;
    if end.file != last.header.number || end.offset <= at {
        return Ok(());
    }
    let mut file = disk.open_write(&last.path)?;
    while at < end.offset {
        let len = usize::try_from(end.offset - at).unwrap_or(COPY_BYTES).min(COPY_BYTES);
        let bytes = disk.read_part(&last.path, at, len)?;
        if bytes.is_empty() {
            return Err(Error::corrupt(&last.path, at, "log frame", "missing bytes"));
        }
        file.write_at(at, &bytes)?;
        at += bytes.len() as u64;
    }
    file.sync()?;
    // As in `Log::sync`: the frames do not depend on the mark. Both slots, since which one holds
    // the older mark is not known here.
    for turn in 0..2 {
        let (at, mark) = header::mark(last.header.number, end.offset, turn);
        file.write_at(at, &mark).ok();
    }
    Ok(())
}
