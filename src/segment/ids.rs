//! The id filter: which traces a segment may hold, in a small file beside it.
//!
//! ```text
//! 0  magic "TKEEPIDS"
//! 8  version  u32
//! 12 crc32    u32   of bytes 0..12 and the filter
//! 16 a bloom filter over its traces ([`crate::index::bloom`]), smaller than the segment's own
//! ```
//!
//! It is read only when the segment itself cannot be opened: then a trace that it excludes is
//! still answered for, however much of the segment's own file is gone (P6).

use std::path::Path;

use serde::Serialize;

use crate::base::anatomy::{Anatomist, Field};
use crate::base::checksum::crc32_of_parts;
use crate::base::error::{Error, Result};
use crate::index::bloom::{self, BloomReader, HashedId, Strength, bloom_bytes, write_bloom};
use crate::index::source::MemSource;
use crate::segment::reader::Segment;

const MAGIC: [u8; 8] = *b"TKEEPIDS";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 16;
const CHECKED_BYTES: usize = 12;

/// An id filter, described.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IdsInfo {
    /// The file.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Bits of the filter.
    pub bits: u64,
    /// Its hash functions.
    pub hash_functions: u32,
}

/// The filter of a segment that is lost.
#[derive(Debug)]
pub struct IdFilter {
    bloom: BloomReader,
}

impl IdFilter {
    /// The file's bytes for a segment.
    pub fn write(segment: &Segment) -> Result<Vec<u8>> {
        let traces = segment.traces()?;
        let lows = (0..traces.len()).map(|ordinal| Ok(traces.id(ordinal)?.low()));
        let lows = lows.collect::<Result<Vec<u64>>>()?;
        Ok(encode(&write_bloom(&lows, Strength::BESIDE)))
    }

    /// Reads a filter; `path` appears in errors.
    pub fn read(path: &Path, bytes: &[u8]) -> Result<Self> {
        let corrupt = |offset, detail: &str| Error::corrupt(path, offset, "id filter", detail);
        if !bytes.starts_with(&MAGIC) {
            return Err(corrupt(0, "no id filter begins like this"));
        }
        let (header, filter) = bytes
            .split_at_checked(HEADER_BYTES)
            .ok_or_else(|| corrupt(bytes.len() as u64, "missing bytes"))?;
        let (checked, crc) = header.split_at(CHECKED_BYTES);
        if crc32_of_parts(&[checked, filter]).to_le_bytes() != crc {
            return Err(corrupt(0, "checksum"));
        }
        let version = checked.last_chunk::<4>().map_or(0, |chunk| u32::from_le_bytes(*chunk));
        if version != VERSION {
            let file = path.to_path_buf();
            return Err(Error::Version { file, found: version, reads: VERSION });
        }
        let source = MemSource::new(filter.to_vec(), path, "id filter");
        let bloom = BloomReader::open(&source).map_err(|error| match error {
            Error::Corrupt { detail, .. } => corrupt(HEADER_BYTES as u64, &detail),
            error => error,
        })?;
        Ok(Self { bloom })
    }

    /// Describes the filter `bytes` of `path`.
    pub fn describe(path: &Path, bytes: &[u8]) -> Result<IdsInfo> {
        let shape = Self::read(path, bytes)?.bloom.shape();
        let (bits, hash_functions) = (shape.bits(), shape.numbers().end);
        let (path, bytes) = (path.display().to_string(), bytes.len() as u64);
        Ok(IdsInfo { path, bytes, bits, hash_functions })
    }

    /// What the bytes of a filter are.
    pub fn anatomy(bytes: &[u8]) -> Vec<Field> {
        let mut ids = Anatomist::new(bytes, 0, "header");
        ids.magic();
        ids.bytes(4, "crc32");
        ids.part("bloom filter");
        bloom::anatomy(&mut ids);
        ids.finish("bits")
    }

    /// How long the file of a segment of so many traces is.
    pub fn bytes(traces: u64) -> u64 {
        HEADER_BYTES as u64 + bloom_bytes(traces, Strength::BESIDE)
    }

    /// Whether a trace with this low half of the id may be in the segment; `false` is certain.
    pub fn may_contain(&self, id: &HashedId) -> bool {
        self.bloom.contains(id)
    }
}

/// The file's bytes around a filter.
fn encode(filter: &[u8]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    let crc = crc32_of_parts(&[&bytes, filter]);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes.extend_from_slice(filter);
    bytes
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn written(lows: &[u64]) -> Vec<u8> {
        encode(&write_bloom(lows, Strength::BESIDE))
    }

    #[test]
    fn p5_no_id_of_the_segment_is_excluded() {
        let filter = IdFilter::read(Path::new("x"), &written(&[1, 2, 3])).unwrap();
        assert!((1..=3).all(|low| filter.may_contain(&HashedId::new(low))));
        assert!(!filter.may_contain(&HashedId::new(4)));
    }

    #[test]
    fn p6_a_changed_or_missing_byte_is_corrupt() {
        let bytes = written(&[7, 8]);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 4;
            for damaged in [&changed, &bytes[..at]] {
                let read = IdFilter::read(Path::new("x"), damaged);
                assert!(matches!(read, Err(Error::Corrupt { .. })), "byte {at}");
            }
        }
    }
}
