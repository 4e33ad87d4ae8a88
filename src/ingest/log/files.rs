//! Which log files there are, and what their headers say.

use std::path::{Path, PathBuf};

use crate::base::error::{Error, Result};
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

/// Reads the headers of the listed log files. A file that is gone meanwhile was released by the
/// writer beside us: if it is needed after all, the walk will find the gap.
pub fn headers(disk: &dyn Disk, dir: &Path, listing: &Listing) -> Result<Vec<LogFile>> {
    let mut files = Vec::new();
    for &(number, len) in &listing.logs {
        let path = dir.join(names::log_file(number));
        match disk.read_part(&path, 0, header::PAGE_BYTES) {
            Ok(page) => {
                files.push(LogFile { header: header::read(&path, &page, number)?, path, len });
            }
            Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(files)
}
