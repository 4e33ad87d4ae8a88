//! Where a section's bytes come from, and a cursor over them.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::base::error::{Error, Result};
use crate::base::varint;
use crate::disk::bytes::ByteView;

/// One section of a segment, as a reader of this room sees it.
///
/// The implementation verifies checksums before it hands bytes out; readers still check all that
/// they use, so that a file damaged on purpose ends in an error too.
pub trait Source: Send + Sync + fmt::Debug {
    /// How many bytes the section has.
    fn len(&self) -> usize;

    /// The bytes `offset..offset + len`; `Corrupt` where they are damaged or missing.
    fn bytes(&self, offset: usize, len: usize) -> Result<ByteView>;

    /// A `Corrupt` error that names the file and this section; `offset` is within the section.
    fn corrupt(&self, offset: usize, detail: &str) -> Error;
}

/// A section that lies in memory: for segments being built, and for tests.
#[derive(Debug)]
pub struct MemSource {
    view: ByteView,
    file: PathBuf,
    section: &'static str,
}

impl MemSource {
    /// A section over `bytes`; `file` and `section` appear in errors.
    pub fn new(bytes: impl Into<ByteView>, file: &Path, section: &'static str) -> Self {
        Self { view: bytes.into(), file: file.to_path_buf(), section }
    }
}

impl Source for MemSource {
    fn len(&self) -> usize {
        self.view.len()
    }

    fn bytes(&self, offset: usize, len: usize) -> Result<ByteView> {
        let range = offset..offset.saturating_add(len);
        self.view.slice(range).ok_or_else(|| self.corrupt(offset, "missing bytes"))
    }

    fn corrupt(&self, offset: usize, detail: &str) -> Error {
        Error::corrupt(&self.file, offset as u64, self.section, detail)
    }
}

/// How many bytes a cursor fetches at a time: most headers fit, and few bytes are read in vain.
const WINDOW: usize = 64;

/// Reads small numbers one behind another.
#[derive(Debug)]
pub struct Cursor<'a> {
    source: &'a dyn Source,
    window: ByteView,
    /// Where the window begins, and where the cursor stands: never before the window.
    base: usize,
    at: usize,
    end: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor at the start of `range`, which it will not leave.
    pub fn new(source: &'a dyn Source, range: Range<usize>) -> Result<Self> {
        if range.start > range.end || range.end > source.len() {
            return Err(source.corrupt(range.start, "a range beyond the section"));
        }
        let window = source.bytes(range.start, WINDOW.min(range.end - range.start))?;
        Ok(Self { source, window, base: range.start, at: range.start, end: range.end })
    }

    /// The section read from.
    pub fn source(&self) -> &'a dyn Source {
        self.source
    }

    /// Where the cursor stands in the section.
    pub fn at(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.end - self.at
    }

    /// A `Corrupt` error for this place.
    pub fn corrupt(&self, detail: &str) -> Error {
        self.source.corrupt(self.at, detail)
    }

    /// Reads a varint.
    pub fn varint(&mut self) -> Result<u64> {
        self.fill(10)?;
        let window = self.window.get(self.at - self.base..).unwrap_or_default();
        let mut input = window;
        let value = varint::read_u64(&mut input).ok_or_else(|| self.corrupt("a bad varint"))?;
        self.at += window.len() - input.len();
        Ok(value)
    }

    /// Reads a varint that fits 32 bits.
    pub fn varint_u32(&mut self) -> Result<u32> {
        let value = self.varint()?;
        u32::try_from(value).map_err(|_| self.corrupt("a number beyond 32 bits"))
    }

    /// Reads a varint that counts bytes still ahead.
    pub fn varint_len(&mut self) -> Result<usize> {
        let value = self.varint()?;
        usize::try_from(value)
            .ok()
            .filter(|&len| len <= self.remaining())
            .ok_or_else(|| self.corrupt("a length beyond the section"))
    }

    /// Reads one byte.
    pub fn byte(&mut self) -> Result<u8> {
        self.fill(1)?;
        let byte = self.window.get(self.at - self.base).copied();
        let byte = byte.ok_or_else(|| self.corrupt("missing bytes"))?;
        self.at += 1;
        Ok(byte)
    }

    /// Moves over `len` bytes and says which they were.
    pub fn skip(&mut self, len: usize) -> Result<Range<usize>> {
        if len > self.remaining() {
            return Err(self.corrupt("a length beyond the section"));
        }
        let range = self.at..self.at + len;
        self.at = range.end;
        Ok(range)
    }

    /// Makes the window hold the next `len` bytes, or all that are left.
    fn fill(&mut self, len: usize) -> Result<()> {
        let held = (self.base + self.window.len()).saturating_sub(self.at);
        if held < len.min(self.remaining()) {
            self.window = self.source.bytes(self.at, WINDOW.min(self.remaining()))?;
            self.base = self.at;
        }
        Ok(())
    }
}

/// How many of the first items satisfy `holds`, where it holds for a prefix of `0..count`; a
/// wrong order ends in some number up to `count`.
pub fn partition_point(count: u64, mut holds: impl FnMut(u64) -> Result<bool>) -> Result<u64> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle)? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
