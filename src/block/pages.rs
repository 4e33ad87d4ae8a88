//! Pages of records: values that fit no model, compressed a few kilobytes at a time.
//!
//! ```text
//! stored page:  zstd frame of the raw page, or the raw page itself where that is not shorter; or a
//!               zstd frame of the records taken apart
//! raw page:     | lengths of the records, varints | the records' bytes |
//! directory:    | pages, varint | per page: [0 if taken apart], records, stored length, raw length (varints), crc32 of the stored page |
//! ```
//!
//! Pages lie one behind another; offsets follow from the lengths. A page closes once its records
//! exceed the page size, so one record never spans two pages and a large one has its own.

use std::cell::RefCell;
use std::io;

use crate::base::checksum::crc32;
use crate::base::limits::MAX_REQUEST_BYTES;
use crate::base::varint;
use crate::block::apart::{self, Kind};
use crate::block::whim;

/// The largest raw page: one record of the largest size accepted, and a page of others before it.
const MAX_PAGE_BYTES: usize = MAX_REQUEST_BYTES + (1 << 20);

/// Appends records to pages, writing each page as it fills up.
pub struct PageWriter {
    plan: PagePlan,
    /// Raw bytes at which the page at hand closes.
    limit: usize,
    compressor: zstd::bulk::Compressor<'static>,
    directory: PageDirectory,
    lengths: Vec<u8>,
    records: Vec<u8>,
    /// What each record is, and where it ends.
    kinds: Vec<(Kind, usize)>,
    count: u64,
}

/// How pages are made.
#[derive(Clone, Copy, Debug)]
pub struct PagePlan {
    /// Raw bytes of most, about.
    pub usual: usize,
    /// Those of pages of records taken apart that become less than the usual bytes stored.
    pub largest: usize,
    /// The zstd level.
    pub level: i32,
    /// Whether records of known kinds are taken apart where that is shorter.
    pub apart: bool,
}

impl PagePlan {
    /// How large the page behind one of this limit is to be, which took so many bytes stored.
    fn next(self, limit: usize, apart: bool, stored: usize) -> usize {
        match apart {
            true if stored <= self.usual / 2 => (limit * 2).min(self.largest),
            true if stored <= self.usual => limit,
            _ => (limit / 2).max(self.usual),
        }
    }
}

/// What is taken apart must save one byte in so many: putting it together costs time.
const LEAST_GAIN: usize = 16;

impl PageWriter {
    /// Pages made so, which may repeat what stands in `before` (a raw-content dictionary).
    pub fn after(before: &[u8], plan: PagePlan) -> io::Result<Self> {
        let usual = plan.usual.min(1 << 20);
        let plan = PagePlan { usual, largest: plan.largest.clamp(usual, 1 << 20), ..plan };
        Ok(Self {
            plan,
            limit: usual.max(plan.largest / 2),
            compressor: zstd::bulk::Compressor::with_dictionary(plan.level, before)?,
            directory: PageDirectory::default(),
            lengths: Vec::new(),
            records: Vec::new(),
            kinds: Vec::new(),
            count: 0,
        })
    }

    /// Appends a record and returns its number; writes the pages that are full to `out`.
    pub fn push(&mut self, kind: Kind, record: &[u8], out: &mut dyn io::Write) -> io::Result<u64> {
        if self.count > 0 && self.records.len() + record.len() > self.limit {
            self.close(out)?;
        }
        varint::write_u64(&mut self.lengths, record.len() as u64);
        self.records.extend_from_slice(record);
        self.kinds.push((kind, self.records.len()));
        self.count += 1;
        Ok(self.directory.records() + self.count - 1)
    }

    /// The records of the page taken apart, if some are of a known kind.
    fn take_apart(&mut self) -> Option<Vec<u8>> {
        let kinds = std::mem::take(&mut self.kinds);
        let is_known = |&(kind, _): &(Kind, usize)| self.plan.apart && kind != Kind::Other;
        if !kinds.iter().any(is_known) || self.lengths.len() + self.records.len() > apart::MAX_BYTES
        {
            return None;
        }
        let begins = [0].into_iter().chain(kinds.iter().map(|&(_, end)| end));
        let records = kinds
            .iter()
            .zip(begins)
            .map(|(&(kind, end), begin)| (kind, self.records.get(begin..end).unwrap_or_default()));
        // What cannot be taken apart, or compressed, stays whole.
        let taken = apart::take(records).filter(|taken| taken.len() <= self.records.len())?;
        self.compressor.compress(&taken).ok()
    }

    /// The number of the next record.
    pub fn records(&self) -> u64 {
        self.directory.records() + self.count
    }

    /// Writes the last page to `out`; where all pages lie.
    pub fn finish(&mut self, out: &mut dyn io::Write) -> io::Result<PageDirectory> {
        if self.count > 0 {
            self.close(out)?;
        }
        Ok(std::mem::take(&mut self.directory))
    }

    fn close(&mut self, out: &mut dyn io::Write) -> io::Result<()> {
        let apart = self.take_apart();
        let mut raw = std::mem::take(&mut self.lengths);
        raw.append(&mut self.records);
        let packed = self.compressor.compress(&raw)?;
        let whole = if packed.len() < raw.len() { &packed } else { &raw };
        let pays =
            |apart: &Vec<u8>| whim::take(apart.len() < whole.len() - whole.len() / LEAST_GAIN);
        let apart = apart.filter(|apart| apart.len() < raw.len()).filter(pays);
        let stored = apart.as_ref().unwrap_or(whole);
        let lengths = (stored.len() as u64, raw.len() as u64);
        let added = self.directory.push(apart.is_some(), self.count, lengths, crc32(stored));
        added.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "a record beyond all limits")
        })?;
        out.write_all(stored)?;
        self.limit = self.plan.next(self.limit, apart.is_some(), stored.len());
        self.count = 0;
        raw.clear();
        self.lengths = raw;
        Ok(())
    }
}

/// Where pages lie, and which records they hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageDirectory {
    pages: Vec<PageEntry>,
}

/// One page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageEntry {
    /// Where the stored page begins, from the beginning of the first.
    pub offset: u64,
    /// How many bytes are stored.
    pub stored_len: usize,
    /// How many bytes the raw page has.
    pub raw_len: usize,
    /// Whether its records are taken apart.
    pub apart: bool,
    /// CRC-32 of the stored bytes.
    pub crc: u32,
    /// The number of its first record.
    pub first: u64,
    /// How many records it holds.
    pub count: usize,
}

impl PageDirectory {
    /// The memory it takes.
    pub fn memory_bytes(&self) -> usize {
        size_of_val(&*self.pages)
    }

    /// The pages in order.
    pub fn pages(&self) -> &[PageEntry] {
        &self.pages
    }

    /// The number of records in all pages.
    pub fn records(&self) -> u64 {
        self.pages.last().map_or(0, |page| page.first.saturating_add(page.count as u64))
    }

    /// The number of bytes stored in all pages.
    pub fn bytes(&self) -> u64 {
        self.pages.last().map_or(0, |page| page.offset.saturating_add(page.stored_len as u64))
    }

    /// The page that holds a record.
    pub fn page_of(&self, record: u64) -> Option<&PageEntry> {
        let after = self.pages.partition_point(|page| page.first <= record);
        let page = self.pages.get(after.checked_sub(1)?)?;
        (record - page.first < page.count as u64).then_some(page)
    }

    /// Appends a page; `None` if no sound page has these sizes.
    fn push(
        &mut self,
        apart: bool,
        count: u64,
        (stored_len, raw_len): (u64, u64),
        crc: u32,
    ) -> Option<()> {
        let (first, offset) = (self.records(), self.bytes());
        first.checked_add(count)?;
        offset.checked_add(stored_len)?;
        // Each record takes at least the byte of its length.
        if raw_len > MAX_PAGE_BYTES as u64 || stored_len > raw_len || count > raw_len || count == 0
        {
            return None;
        }
        let (stored_len, raw_len, count) = (stored_len as usize, raw_len as usize, count as usize);
        self.pages.push(PageEntry { offset, stored_len, raw_len, apart, crc, first, count });
        Some(())
    }

    /// Appends the directory.
    pub fn write(&self, out: &mut Vec<u8>) {
        varint::write_u64(out, self.pages.len() as u64);
        for page in &self.pages {
            if page.apart {
                out.push(0);
            }
            varint::write_u64(out, page.count as u64);
            varint::write_u64(out, page.stored_len as u64);
            varint::write_u64(out, page.raw_len as u64);
            out.extend_from_slice(&page.crc.to_le_bytes());
        }
    }

    /// Reads what [`Self::write`] wrote.
    pub fn read(input: &mut &[u8]) -> Option<Self> {
        let len = varint::read_len(input)?;
        let mut directory = Self::default();
        // Grows with what is read: a false length costs nothing.
        for _ in 0..len {
            let first = varint::read_u64(input)?;
            // No page is empty.
            let apart = first == 0;
            let count = if apart { varint::read_u64(input)? } else { first };
            let stored_len = varint::read_u64(input)?;
            let raw_len = varint::read_u64(input)?;
            let (crc, rest) = input.split_first_chunk::<4>()?;
            *input = rest;
            directory.push(apart, count, (stored_len, raw_len), u32::from_le_bytes(*crc))?;
        }
        Some(directory)
    }
}

/// A decoded page.
#[derive(Debug)]
pub struct Page {
    raw: Vec<u8>,
    /// Where each record ends; the first begins at `start`.
    ends: Vec<u32>,
    start: u32,
}

thread_local! {
    /// A decompressor holds some 150 KB, which take longer to set up than a page to decode.
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

impl Page {
    /// Decodes a stored page, which was written after `before`; the error says what does not hold.
    pub fn decode(before: &[u8], entry: &PageEntry, stored: &[u8]) -> Result<Self, &'static str> {
        if stored.len() != entry.stored_len || crc32(stored) != entry.crc {
            return Err("checksum of a page");
        }
        if entry.apart {
            return Self::join(before, entry, stored).ok_or("records of a page taken apart");
        }
        let raw = if entry.stored_len == entry.raw_len {
            stored.to_vec()
        } else {
            decompress(before, stored, entry.raw_len).ok_or("compression of a page")?
        };
        Self::split(raw, entry.count).ok_or("lengths of a page's records")
    }

    /// Puts the records of a page together.
    fn join(before: &[u8], entry: &PageEntry, stored: &[u8]) -> Option<Self> {
        let len = stated_size(stored).filter(|&len| len <= entry.raw_len)?;
        let taken = decompress(before, stored, len)?;
        let (raw, ends) = apart::join(&taken, entry.count, entry.raw_len)?;
        Some(Self { raw, ends, start: 0 })
    }

    fn split(raw: Vec<u8>, count: usize) -> Option<Self> {
        let mut rest = raw.as_slice();
        let mut ends = Vec::with_capacity(count.min(raw.len()));
        let mut end = 0u32;
        for _ in 0..count {
            end = end.checked_add(u32::try_from(varint::read_u64(&mut rest)?).ok()?)?;
            ends.push(end);
        }
        let start = u32::try_from(raw.len() - rest.len()).ok()?;
        (rest.len() == end as usize).then_some(Self { raw, ends, start })
    }

    /// The record at `index` in this page.
    pub fn record(&self, index: usize) -> Option<&[u8]> {
        let begin = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        let place = self.start as usize + begin as usize
            ..self.start as usize + *self.ends.get(index)? as usize;
        self.raw.get(place)
    }

    /// How many records it holds.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The memory it takes.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.raw.capacity() + self.ends.capacity() * size_of::<u32>()
    }
}

/// What a zstd frame can hold for each of its bytes: a block of 128 KiB takes four at least.
const MAX_RATIO: usize = 32 << 10;

/// The size of its content that a zstd frame states, if so few bytes can hold that: a size is not
/// to be allocated because a frame without content states it.
pub fn stated_size(frame: &[u8]) -> Option<usize> {
    let stated = zstd::zstd_safe::get_frame_content_size(frame).ok()??;
    let stated = usize::try_from(stated).ok()?;
    (stated <= frame.len().saturating_mul(MAX_RATIO)).then_some(stated)
}

/// Exactly `raw_len` bytes, or nothing: the frame must state that length before it is believed. The
/// frame may repeat what stands in `before` (a raw-content dictionary).
pub fn decompress(before: &[u8], stored: &[u8], raw_len: usize) -> Option<Vec<u8>> {
    if stated_size(stored) != Some(raw_len) {
        return None;
    }
    DECOMPRESSOR.with_borrow_mut(|slot| {
        let decompressor = match slot {
            Some(decompressor) => decompressor,
            None => slot.insert(zstd::bulk::Decompressor::new().ok()?),
        };
        if !before.is_empty() {
            decompressor.set_dictionary(before).ok()?;
        }
        let raw = decompressor.decompress(stored, raw_len).ok();
        if !before.is_empty() {
            decompressor.set_dictionary(&[]).ok()?;
        }
        raw.filter(|raw| raw.len() == raw_len)
    })
}

#[cfg(test)]
mod tests;
