//! Which log files there are, and what their headers say.

use std::path::{Path, PathBuf};

use crate::base::error::Result;
use crate::disk::{Disk, names};
use crate::ingest::log::header::{self, Header};

/// What the log's folder holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Numbers and lengths of log files, in order.
    pub logs: Vec<(u64, u64)>,
    /// Numbers and lengths of spares, in order.
    pub spares: Vec<(u64, u64)>,
}

/// Lists `dir`; a folder that is not there holds nothing.
pub fn list(disk: &dyn Disk, dir: &Path) -> Result<Listing> {
    let mut listing = Listing::default();
    if !disk.exists(dir)? {
        return Ok(listing);
    }
    for entry in disk.list(dir)? {
        if let Some(number) = names::parse_log(&entry.name) {
            listing.logs.push((number, entry.len));
        } else if let Some(number) = names::parse_spare(&entry.name) {
            listing.spares.push((number, entry.len));
        }
    }
    Ok(listing)
}

/// A log file whose header has been read.
#[derive(Clone, Debug)]
pub struct LogFile {
    /// Where it lies.
    pub path: PathBuf,
    /// What its header says.
    pub header: Header,
    /// Its length, as listed.
    pub len: u64,
}

/// Reads the headers of the listed log files.
pub fn headers(disk: &dyn Disk, dir: &Path, listing: &Listing) -> Result<Vec<LogFile>> {
    let read = |&(number, len): &(u64, u64)| {
        let path = dir.join(names::log_file(number));
        let page = disk.read_part(&path, 0, header::PAGE_BYTES)?;
        Ok(LogFile { header: header::read(&path, &page, number)?, path, len })
    };
    listing.logs.iter().map(read).collect()
}
