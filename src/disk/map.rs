//! The one place with `unsafe`: a published file mapped into memory.

use std::fs::File;
use std::path::Path;

use crate::base::error::{Error, Result};
use crate::disk::missing_bytes;

/// The whole of a published file, mapped for reading.
#[derive(Debug)]
pub struct Map(memmap2::Mmap);

impl Map {
    /// Maps `file`, which had `len` bytes when it was opened.
    ///
    /// A file that has been cut since is `Corrupt`: behind its new end the map would have pages
    /// without bytes, and touching one raises SIGBUS.
    #[expect(unsafe_code, reason = "a map is unsafe by nature; see the note")]
    pub fn of(file: &File, path: &Path, len: u64) -> Result<Self> {
        let io = |source| Error::io("map", path, source);
        let now = file.metadata().map_err(io)?.len();
        if now < len {
            return Err(missing_bytes(path, now));
        }
        let bytes = usize::try_from(len).map_err(|_| Error::Limit {
            what: format!("{}: {len} bytes do not fit the address space", path.display()),
        })?;
        // SAFETY: a map is sound as long as no one changes or cuts the file beneath it. Only
        // published files are mapped, and those are immutable: this crate writes them under
        // another name, renames them, and from then on only unlinks them, which leaves a map
        // whole. The length was checked just now, so every mapped page has bytes behind it. What
        // remains is another program that writes into the store's files in place; that breaks
        // every engine that maps, `Options::io` avoids it, and the documentation says so.
        let map = unsafe { memmap2::MmapOptions::new().len(bytes).map(file) }.map_err(io)?;
        Ok(Self(map))
    }

    /// All of its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}
