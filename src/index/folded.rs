//! Bytes kept compressed a page at a time, and read as if they were not.
//!
//! ```text
//! | pages | per page: raw length, stored length | pages, one behind another |   varints but for the last
//! stored page:  zstd frame that states the raw length, or the raw bytes where both lengths agree
//! ```
//! What lies on such pages has places in the *raw* bytes, pages not regarded. A page that hardly
//! shrinks is stored raw, and then read where it lies. The frames behind the first have its raw
//! bytes as their dictionary: small sections say the same on all of their pages.

use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::base::recent::Recent;
use crate::base::varint::write_u64;
use crate::block::cache::Cache;
use crate::block::pages::decompress;
use crate::disk::bytes::ByteView;
use crate::index::source::{Cursor, Source};

/// Raw bytes of a page: what the first look at a value decodes, in some ten microseconds. Half of
/// it makes a tenth more bytes of small indexes, twice as much saves nothing on large ones.
const PAGE_BYTES: usize = 16 << 10;

/// A page is closed early rather than cut a piece in two, unless it were smaller than this.
const LEAST_BYTES: usize = 8 << 10;

/// No page has more raw bytes: a reader allocates no more for one.
const MAX_PAGE_BYTES: u64 = 64 << 10;

/// A page that shrinks by less than one byte in so many stays raw.
const LEAST_GAIN: usize = 16;

/// Decoded pages each reader has at hand, beside those in the shared cache.
const AT_HAND: usize = 4;

/// Appends `bytes` on pages. Each of `ends` ends a piece that is best not cut; they ascend. Where the
/// first page ends.
pub fn fold(bytes: &[u8], ends: &[usize], level: i32, out: &mut Vec<u8>) -> usize {
    // Without a compressor pages stay raw, which is as good for readers.
    let mut compressor = zstd::bulk::Compressor::new(level).ok();
    let mut is_first = true;
    let (mut directory, mut stored) = (Vec::new(), Vec::new());
    let pages = pages_of(bytes.len(), ends);
    let mut begin = 0;
    for &end in &pages {
        let raw = bytes.get(begin..end).unwrap_or_default();
        let packed = compressor.as_mut().and_then(|c| c.compress(raw).ok());
        let packed = packed.filter(|packed| packed.len() < raw.len() - raw.len() / LEAST_GAIN);
        let page = packed.as_deref().unwrap_or(raw);
        write_u64(&mut directory, raw.len() as u64);
        write_u64(&mut directory, page.len() as u64);
        stored.extend_from_slice(page);
        begin = end;
        if std::mem::take(&mut is_first) {
            compressor = zstd::bulk::Compressor::with_dictionary(level, raw).ok();
        }
    }
    write_u64(out, pages.len() as u64);
    out.extend_from_slice(&directory);
    out.extend_from_slice(&stored);
    pages.first().copied().unwrap_or(0)
}

/// Where pages end.
fn pages_of(len: usize, ends: &[usize]) -> Vec<usize> {
    let mut pages = Vec::new();
    let (mut begin, mut last) = (0, 0);
    for &end in ends.iter().chain([&len]) {
        if end - begin > PAGE_BYTES && last - begin >= LEAST_BYTES {
            pages.push(last);
            begin = last;
        }
        while end - begin > PAGE_BYTES {
            begin += PAGE_BYTES;
            pages.push(begin);
        }
        last = end;
    }
    if begin < len {
        pages.push(len);
    }
    pages
}

/// Two sections as one: places in the second follow those of the first.
#[derive(Debug)]
pub struct Joined {
    first: Folded,
    second: Folded,
}

impl Joined {
    /// Joins them.
    pub fn new(first: Folded, second: Folded) -> Self {
        Self { first, second }
    }

    /// All of the first page of the second, raw.
    pub fn vocabulary(&self) -> Result<ByteView> {
        self.second.first_page()
    }

    /// Leaves decoded pages to the cache.
    pub fn put_away(&self) {
        self.first.at_hand.clear();
        self.second.at_hand.clear();
    }

    /// Where the second begins.
    pub fn seam(&self) -> usize {
        self.first.len()
    }

    /// The stored bytes that a range of raw ones takes, in proportion: for people.
    pub fn stored_bytes(&self, begin: u64, len: u64) -> f64 {
        match begin.checked_sub(self.seam() as u64) {
            Some(begin) => self.second.stored_bytes(begin, len),
            None => self.first.stored_bytes(begin, len),
        }
    }
}

impl Source for Joined {
    fn len(&self) -> usize {
        self.first.len().saturating_add(self.second.len())
    }

    fn bytes(&self, offset: usize, len: usize) -> Result<ByteView> {
        match offset.checked_sub(self.seam()) {
            Some(offset) => self.second.bytes(offset, len),
            None => self.first.bytes(offset, len),
        }
    }

    fn corrupt(&self, offset: usize, detail: &str) -> Error {
        // A cursor that has read all of the first stands at the seam.
        match offset.checked_sub(self.seam()).filter(|&offset| offset > 0) {
            Some(offset) => self.second.corrupt(offset, detail),
            None => self.first.corrupt(offset, detail),
        }
    }
}

/// Reads folded bytes; offsets are those of the raw bytes.
#[derive(Debug)]
pub struct Folded {
    source: Arc<dyn Source>,
    /// Where each page begins, raw and stored; the last entry is the end.
    pages: Vec<(usize, usize)>,
    cache: Arc<Cache>,
    /// The number under which its pages are in the cache.
    number: u64,
    /// Pages decoded last, the latest first: a probe reads several places of one page.
    at_hand: Recent<(usize, ByteView)>,
}

impl Folded {
    /// Opens what makes up `source`. `number` tells its pages from all others in `cache`.
    pub fn open(source: Arc<dyn Source>, cache: Arc<Cache>, number: u64) -> Result<Self> {
        let mut cursor = Cursor::new(&*source, 0..source.len())?;
        let count = cursor.varint_len()?;
        let (mut pages, mut raw, mut stored) = (vec![(0, 0)], 0usize, 0usize);
        // Grows with what is read: a false count costs nothing.
        for _ in 0..count {
            let (raw_len, stored_len) = (cursor.varint()?, cursor.varint_len()?);
            if raw_len > MAX_PAGE_BYTES || stored_len as u64 > raw_len || stored_len == 0 {
                return Err(cursor.corrupt("a page of a false size"));
            }
            // Sums of lengths that were checked against the section, and of as many pages.
            raw = raw.saturating_add(raw_len as usize);
            stored = stored.saturating_add(stored_len);
            pages.push((raw, stored));
        }
        if stored != cursor.remaining() {
            return Err(cursor.corrupt("pages that do not fill the section"));
        }
        let begin = cursor.at();
        pages.iter_mut().for_each(|(_, stored)| *stored += begin);
        Ok(Self { source, pages, cache, number, at_hand: Recent::new(AT_HAND) })
    }

    /// All of the first page, raw; nothing where there is none.
    fn first_page(&self) -> Result<ByteView> {
        match self.pages.get(1) {
            Some(_) => self.piece(0, 0, usize::MAX),
            None => Ok(ByteView::default()),
        }
    }

    /// The stored bytes that a range of raw ones takes, in proportion: for people.
    pub fn stored_bytes(&self, begin: u64, len: u64) -> f64 {
        let pages = self.pages.iter().zip(self.pages.iter().skip(1));
        let shares = pages.map(|(from, to)| {
            let (first, last) = (begin.max(from.0 as u64), (begin + len).min(to.0 as u64));
            let raw = last.saturating_sub(first) as f64;
            raw * (to.1 - from.1) as f64 / (to.0 - from.0).max(1) as f64
        });
        shares.sum()
    }

    /// The number of the page that holds a raw byte, which is not beyond the last.
    fn page_at(&self, offset: usize) -> usize {
        self.pages.partition_point(|page| page.0 <= offset).saturating_sub(1)
    }

    /// The bytes of a page from its byte `from` on, as many as there are of `len`.
    fn piece(&self, page: usize, from: usize, len: usize) -> Result<ByteView> {
        let places = self.pages.get(page).zip(self.pages.get(page + 1));
        let (begin, end) = places.ok_or_else(|| self.corrupt(from, "missing bytes"))?;
        let (raw_len, stored_len) = (end.0 - begin.0, end.1 - begin.1);
        let len = len.min(raw_len.saturating_sub(from));
        if raw_len == stored_len {
            return self.source.bytes(begin.1 + from, len);
        }
        let slice = |view: &ByteView| {
            let piece = view.slice(from..from.saturating_add(len));
            piece.ok_or_else(|| self.corrupt(begin.0, "missing bytes"))
        };
        let known = |(number, view): &(usize, ByteView)| (*number == page).then(|| slice(view));
        if let Some(piece) = self.at_hand.find(known) {
            return piece;
        }
        let view = self.decoded(page, begin.1, stored_len, raw_len)?;
        let piece = slice(&view);
        self.at_hand.keep((page, view));
        piece
    }

    /// All of a compressed page.
    fn decoded(
        &self,
        page: usize,
        at: usize,
        stored_len: usize,
        raw_len: usize,
    ) -> Result<ByteView> {
        if let Some(view) = self.cache.get_bytes(self.number, at as u64) {
            return Ok(view);
        }
        let stored = self.source.bytes(at, stored_len)?;
        let before = if page == 0 { ByteView::default() } else { self.first_page()? };
        let raw = decompress(&before, &stored, raw_len);
        let raw = raw.ok_or_else(|| self.source.corrupt(at, "compression of a page"))?;
        let view = ByteView::from(raw);
        self.cache.insert_bytes(self.number, at as u64, view.clone());
        Ok(view)
    }
}

impl Source for Folded {
    fn len(&self) -> usize {
        self.pages.last().map_or(0, |end| end.0)
    }

    fn bytes(&self, offset: usize, len: usize) -> Result<ByteView> {
        let end = offset.checked_add(len).filter(|&end| end <= self.len());
        let end = end.ok_or_else(|| self.corrupt(offset, "missing bytes"))?;
        if len == 0 {
            return Ok(ByteView::default());
        }
        let mut page = self.page_at(offset);
        let begin = self.pages.get(page).map_or(0, |page| page.0);
        let first = self.piece(page, offset - begin, len)?;
        if first.len() == len {
            return Ok(first);
        }
        // Pages on the way count for real bytes each, so that `len` is bounded by what is there.
        let mut whole = first.to_vec();
        while offset + whole.len() < end {
            page += 1;
            let piece = self.piece(page, 0, len - whole.len())?;
            if piece.is_empty() {
                return Err(self.corrupt(offset, "missing bytes"));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.into())
    }

    fn corrupt(&self, offset: usize, detail: &str) -> Error {
        let page = self.page_at(offset);
        let at = match (self.pages.get(page), self.pages.get(page + 1)) {
            // On a raw page the very byte is known.
            (Some(begin), Some(end)) if end.0 - begin.0 == end.1 - begin.1 => {
                begin.1 + (offset - begin.0)
            }
            (begin, _) => begin.map_or(0, |begin| begin.1),
        };
        self.source.corrupt(at, detail)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::index::source::MemSource;
    use proptest::prelude::*;
    use std::path::Path;

    fn open(bytes: Vec<u8>, cache: u64) -> Result<Folded> {
        let source = MemSource::new(bytes, Path::new("x"), "test");
        Folded::open(Arc::new(source), Arc::new(Cache::new(cache)), 1)
    }

    fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let same = (any::<u8>(), 0usize..20_000).prop_map(|(byte, len)| vec![byte; len]);
        let random = (any::<u64>(), 0usize..20_000).prop_map(|(mut seed, len)| {
            let mut next = || {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (seed >> 56) as u8
            };
            (0..len).map(|_| next()).collect::<Vec<u8>>()
        });
        prop::collection::vec(prop_oneof![same, random], 0..6)
    }

    fn folded(pieces: &[Vec<u8>]) -> (Vec<u8>, Vec<u8>) {
        let raw = pieces.concat();
        let ends: Vec<usize> = pieces
            .iter()
            .scan(0, |end, piece| {
                *end += piece.len();
                Some(*end)
            })
            .collect();
        let mut out = Vec::new();
        fold(&raw, &ends, 3, &mut out);
        (raw, out)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn every_range_comes_back(
            pieces in pieces(), cache in prop_oneof![Just(0u64), Just(1 << 20)],
            places in prop::collection::vec((any::<prop::sample::Index>(), 0usize..40_000), 12),
        ) {
            let (raw, out) = folded(&pieces);
            let folded = open(out, cache).unwrap();
            prop_assert_eq!(folded.len(), raw.len());
            for (at, len) in places {
                let at = at.index(raw.len() + 1);
                let expected = raw.get(at..at + len);
                let found = folded.bytes(at, len).ok();
                prop_assert_eq!(found.as_deref(), expected);
            }
            let stored = folded.stored_bytes(0, raw.len() as u64);
            prop_assert!(stored <= raw.len() as f64 + 1.0);
        }

        #[test]
        fn p6_changed_bytes_end_in_an_error_or_other_bytes(
            pieces in pieces(), early: bool, at: prop::sample::Index, byte: u8,
        ) {
            let (raw, mut out) = folded(&pieces);
            let at = at.index(if early { out.len().min(20) } else { out.len() });
            out[at] = byte;
            if let Ok(folded) = open(out, 0) {
                for at in (0..folded.len().min(raw.len())).step_by(5000) {
                    let _ = folded.bytes(at, 9000);
                }
            }
        }
    }

    #[test]
    fn p7_a_page_that_pretends_to_be_large_is_refused() {
        let frame = zstd::bulk::compress(&vec![0; 1 << 20], 3).unwrap();
        let mut out = Vec::new();
        for number in [1, 1 << 20, frame.len() as u64] {
            write_u64(&mut out, number);
        }
        out.extend(&frame);
        assert!(open(out, 0).is_err());
        let mut out = Vec::new();
        for number in [1, 1 << 16, frame.len() as u64] {
            write_u64(&mut out, number);
        }
        out.extend(&frame);
        assert!(open(out, 0).unwrap().bytes(0, 1).is_err());
    }
}
