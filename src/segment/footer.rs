//! The header and the footer of a segment file, and the summary that the footer carries.
//!
//! The footer stands at the end twice, and once before the area: there salvage finds it when the
//! end of the file is lost.

use std::path::Path;

use crate::base::checksum::crc32;
use crate::base::effort::Effort;
use crate::base::error::{Error, Result};
use crate::base::time::Timestamp;
use crate::segment::builder::MAX_SEGMENT_ROWS;

/// Bytes of the header.
pub const HEADER_BYTES: usize = 64;
/// Bytes of the footer, which stands before the area and at the end twice.
pub const FOOTER_BYTES: usize = 128;
/// The version that this build writes, and the only one it reads.
pub const VERSION: u32 = 5;

const HEADER_MAGIC: [u8; 8] = *b"TKEEPSEG";
pub(super) const FOOTER_MAGIC: [u8; 8] = *b"TKEEPEND";
const SUMMARY_BYTES: usize = 64;
/// Set beside the number of rows where nothing was spared: such a segment need not be written again
/// for the sake of its bytes alone.
const THOROUGH: u64 = 1 << 32;

/// What a segment holds, in a few numbers; the catalog keeps a copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Spans.
    pub rows: u64,
    /// What was spent on few bytes.
    pub effort: Effort,
    /// Traces, or parts of traces.
    pub traces: u64,
    /// The earliest start of a span; the epoch if there is none.
    pub first_start: Timestamp,
    /// The latest start of a span.
    pub last_start: Timestamp,
    /// The latest end of a span.
    pub last_end: Timestamp,
    /// The longest duration of a span, in nanoseconds.
    pub max_duration: u64,
    /// Spans with an error status.
    pub errors: u64,
    /// Length of the file.
    pub bytes: u64,
}

impl Summary {
    /// Eight numbers of eight bytes, little-endian: rows and effort together, then the others in
    /// the order of the fields.
    pub fn to_bytes(self) -> [u8; SUMMARY_BYTES] {
        let numbers = [
            self.rows | if self.effort == Effort::Thorough { THOROUGH } else { 0 },
            self.traces,
            self.first_start.nanos(),
            self.last_start.nanos(),
            self.last_end.nanos(),
            self.max_duration,
            self.errors,
            self.bytes,
        ];
        let mut out = [0; SUMMARY_BYTES];
        for (place, number) in out.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        out
    }

    /// Reads what [`Self::to_bytes`] gave.
    pub fn from_bytes(bytes: &[u8; SUMMARY_BYTES]) -> Self {
        let number = |index: usize| u64_at(bytes, index * 8);
        Self {
            rows: number(0) & u64::from(u32::MAX),
            effort: if number(0) & THOROUGH == 0 { Effort::Quick } else { Effort::Thorough },
            traces: number(1),
            first_start: Timestamp::from_nanos(number(2)),
            last_start: Timestamp::from_nanos(number(3)),
            last_end: Timestamp::from_nanos(number(4)),
            max_duration: number(5),
            errors: number(6),
            bytes: number(7),
        }
    }
}

/// The footer: where the parts of the file lie.
///
/// ```text
/// | magic 8 | version u32 | directory length u32 | pages offset u64 | area offset u64 |
/// | area length u64 | rows of a block u32 | crc32 of the area | summary 64 | 0 u64 | 0 u32 | crc32 |
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footer {
    /// Bytes of the directory of sections at the end of the area.
    pub directory_bytes: u32,
    /// Where the pages begin: the end of the blocks.
    pub pages_offset: u64,
    /// Where the area begins: behind the pages and the first footer.
    pub area_offset: u64,
    /// Bytes of the area.
    pub area_bytes: u64,
    /// Rows of every block but the last.
    pub block_rows: u32,
    /// The checksum of the area as a whole: vouches for it where its own checksums are lost.
    pub area_crc: u32,
    /// What the segment holds.
    pub summary: Summary,
}

impl Footer {
    /// The footer's bytes.
    pub fn to_bytes(self) -> [u8; FOOTER_BYTES] {
        let mut bytes = Vec::with_capacity(FOOTER_BYTES);
        bytes.extend_from_slice(&FOOTER_MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.directory_bytes.to_le_bytes());
        bytes.extend_from_slice(&self.pages_offset.to_le_bytes());
        bytes.extend_from_slice(&self.area_offset.to_le_bytes());
        bytes.extend_from_slice(&self.area_bytes.to_le_bytes());
        bytes.extend_from_slice(&self.block_rows.to_le_bytes());
        bytes.extend_from_slice(&self.area_crc.to_le_bytes());
        bytes.extend_from_slice(&self.summary.to_bytes());
        sealed(&bytes)
    }

    /// Reads a footer: `None` if this is none, or damaged; the version if it is another one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Result<Self, u32>> {
        let bytes: &[u8; FOOTER_BYTES] = bytes.try_into().ok()?;
        if !is_sealed(bytes) || !bytes.starts_with(&FOOTER_MAGIC) {
            return None;
        }
        let version = u32_at(bytes, 8);
        if version != VERSION {
            return Some(Err(version));
        }
        let footer = Self {
            directory_bytes: u32_at(bytes, 12),
            pages_offset: u64_at(bytes, 16),
            area_offset: u64_at(bytes, 24),
            area_bytes: u64_at(bytes, 32),
            block_rows: u32_at(bytes, 40),
            area_crc: u32_at(bytes, 44),
            summary: Summary::from_bytes(bytes.get(48..48 + SUMMARY_BYTES)?.try_into().ok()?),
        };
        Some(Ok(footer))
    }

    /// Finds the footer in the last two footers' worth of bytes of a file, of `len` bytes.
    /// Either copy will do.
    pub fn find(path: &Path, header: &[u8], tail: &[u8], len: u64) -> Result<Self> {
        let copies = [tail.get(FOOTER_BYTES..), tail.get(..FOOTER_BYTES)];
        let mut detail = "neither copy is whole";
        for copy in copies.into_iter().flatten() {
            match Self::from_bytes(copy) {
                Some(Ok(footer)) if footer.is_sane(len) => return Ok(footer),
                Some(Ok(_)) => detail = "places and counts that cannot be this file's",
                Some(Err(found)) => return Err(newer(path, found)),
                None => {}
            }
        }
        // Nothing to go by but the header, which tells a file of another kind or version.
        check_header(path, header)?;
        Err(Error::corrupt(path, len.saturating_sub(2 * FOOTER_BYTES as u64), "footer", detail))
    }

    /// Whether both copies are the same and whole.
    pub fn copies_agree(tail: &[u8]) -> bool {
        let (first, second) = tail.split_at(tail.len() / 2);
        first == second && matches!(Self::from_bytes(first), Some(Ok(_)))
    }

    /// Where the first footer stands: the end of the pages.
    pub fn pages_end(&self) -> u64 {
        self.area_offset.saturating_sub(FOOTER_BYTES as u64)
    }

    /// Whether it can be that of a file of `len` bytes.
    pub fn is_sane(&self, len: u64) -> bool {
        let ordered = HEADER_BYTES as u64 <= self.pages_offset
            && self.pages_offset <= self.pages_end()
            && u64::from(self.directory_bytes) <= self.area_bytes
            && self.area_bytes > 0
            && (1..=u32::from(u16::MAX)).contains(&self.block_rows)
            && self.summary.rows <= MAX_SEGMENT_ROWS as u64
            && self.summary.traces <= self.summary.rows;
        let end = self.area_offset.checked_add(self.area_bytes);
        ordered && end.is_some_and(|end| end < len) && self.summary.bytes == len
    }
}

/// The header's bytes: magic, version, zeros, checksum.
pub fn header_bytes() -> [u8; HEADER_BYTES] {
    let mut bytes = HEADER_MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    sealed(&bytes)
}

/// Whether a header is whole and of this version.
pub fn check_header(path: &Path, header: &[u8]) -> Result<()> {
    if !header.starts_with(&HEADER_MAGIC) {
        return Err(Error::corrupt(path, 0, "header", "no segment begins like this"));
    }
    let bytes: Option<&[u8; HEADER_BYTES]> = header.try_into().ok();
    let Some(bytes) = bytes.filter(|bytes| is_sealed(*bytes)) else {
        return Err(Error::corrupt(path, 0, "header", "checksum"));
    };
    match u32_at(bytes, 8) {
        VERSION => Ok(()),
        found => Err(newer(path, found)),
    }
}

fn newer(path: &Path, found: u32) -> Error {
    Error::Version { file: path.to_path_buf(), found, reads: VERSION }
}

/// `contents`, zeros, and the checksum of both in the last four bytes.
fn sealed<const N: usize>(contents: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    for (place, byte) in out.iter_mut().zip(contents) {
        *place = *byte;
    }
    if let Some((rest, crc)) = out.split_last_chunk_mut::<4>() {
        *crc = crc32(rest).to_le_bytes();
    }
    out
}

fn is_sealed(bytes: &[u8]) -> bool {
    let Some((rest, crc)) = bytes.split_last_chunk::<4>() else { return false };
    crc32(rest) == u32::from_le_bytes(*crc)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let chunk = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>());
    chunk.map_or(0, |chunk| u32::from_le_bytes(*chunk))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let chunk = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>());
    chunk.map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn footer() -> Footer {
        let summary = Summary { rows: 3, traces: 2, bytes: 10_000, ..Summary::default() };
        Footer {
            directory_bytes: 200,
            pages_offset: 500,
            area_offset: 640,
            area_bytes: 700,
            block_rows: 512,
            area_crc: 77,
            summary,
        }
    }

    #[test]
    fn either_copy_of_the_footer_will_do() {
        let whole = [footer().to_bytes(), footer().to_bytes()].concat();
        for at in 0..whole.len() {
            let mut tail = whole.clone();
            tail[at] ^= 0x40;
            let found = Footer::find(Path::new("x"), &header_bytes(), &tail, 10_000).unwrap();
            assert_eq!(found, footer());
            assert!(!Footer::copies_agree(&tail));
        }
        assert!(Footer::copies_agree(&whole));
    }

    #[test]
    fn a_footer_that_does_not_fit_its_file_is_refused() {
        let tail = [footer().to_bytes(), footer().to_bytes()].concat();
        let found = Footer::find(Path::new("x"), &header_bytes(), &tail, 9_999);
        assert!(matches!(found, Err(Error::Corrupt { section: "footer", .. })));
    }

    #[test]
    fn p6_more_rows_than_can_be_numbered_or_traces_than_rows_are_refused() {
        let counts = [(u64::from(u32::MAX), 1), (u64::MAX, 1), (3, 4), (3, u64::MAX)];
        for (rows, traces) in counts {
            let summary = Summary { rows, traces, ..footer().summary };
            let bytes = Footer { summary, ..footer() }.to_bytes();
            let found = Footer::find(Path::new("x"), &header_bytes(), &bytes.repeat(2), 10_000);
            assert!(matches!(found, Err(Error::Corrupt { section: "footer", .. })), "{rows}");
        }
    }

    /// These numbers are on disk.
    #[test]
    fn places_are_pinned() {
        let bytes = footer().to_bytes();
        assert_eq!((&bytes[..8], u32_at(&bytes, 8)), (&b"TKEEPEND"[..], 5));
        assert_eq!((u32_at(&bytes, 12), u64_at(&bytes, 16), u64_at(&bytes, 24)), (200, 500, 640));
        assert_eq!((u64_at(&bytes, 32), u32_at(&bytes, 40), u32_at(&bytes, 44)), (700, 512, 77));
        let summary = Summary::from_bytes(bytes[48..112].try_into().unwrap());
        assert_eq!(summary, footer().summary);
        assert_eq!(&header_bytes()[..12], b"TKEEPSEG\x05\0\0\0");
    }
}
