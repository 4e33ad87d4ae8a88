//! Little-endian numbers at a place in some bytes, and the 16 bytes that open a file.
//!
//! ```text
//! |  0  magic, 8 bytes  |  8  version u32  |  12  crc32 of bytes 0..12 u32  |
//! ```
//! This opening is the same in every version, so that a newer file is told from a damaged one.

use std::path::Path;

use crate::base::checksum::crc32;
use crate::base::error::{Error, Result};

/// The `u32` at `at`, if the bytes reach that far.
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|chunk| u32::from_le_bytes(*chunk))
}

/// The `u64` at `at`, if the bytes reach that far.
pub fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}

/// Whether both are the same; of a few words, where a call to compare them would take longer.
#[inline(always)]
pub fn is_same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    // The first and the last words, which may overlap.
    if let (Some(a_first), Some(b_first)) = (a.first_chunk::<32>(), b.first_chunk::<32>()) {
        return match a.len() {
            32..=64 => a_first == b_first && a.last_chunk::<32>() == b.last_chunk::<32>(),
            _ => a == b,
        };
    }
    if let (Some(a_first), Some(b_first)) = (a.first_chunk::<16>(), b.first_chunk::<16>()) {
        return a_first == b_first && a.last_chunk::<16>() == b.last_chunk::<16>();
    }
    if let (Some(a_first), Some(b_first)) = (a.first_chunk::<8>(), b.first_chunk::<8>()) {
        return a_first == b_first && a.last_chunk::<8>() == b.last_chunk::<8>();
    }
    if let (Some(a_first), Some(b_first)) = (a.first_chunk::<4>(), b.first_chunk::<4>()) {
        return a_first == b_first && a.last_chunk::<4>() == b.last_chunk::<4>();
    }
    a.iter().zip(b).all(|(a, b)| a == b)
}

/// How long a file's opening is.
pub const OPENING_BYTES: usize = 16;

/// Appends the opening of a file.
pub fn write_opening(out: &mut Vec<u8>, magic: [u8; 8], version: u32) {
    let start = out.len();
    out.extend_from_slice(&magic);
    out.extend_from_slice(&version.to_le_bytes());
    let crc = crc32(out.get(start..).unwrap_or_default());
    out.extend_from_slice(&crc.to_le_bytes());
}

/// Checks the opening of `file`: damage is `Corrupt`, another version is `Version`.
pub fn check_opening(
    file: &Path,
    bytes: &[u8],
    magic: [u8; 8],
    reads: u32,
    section: &'static str,
) -> Result<()> {
    let corrupt = |detail: &str| Error::corrupt(file, 0, section, detail);
    let crc = u32_at(bytes, 12).ok_or_else(|| corrupt("missing bytes"))?;
    if bytes.get(..8) != Some(magic.as_slice()) {
        return Err(corrupt("the first bytes are not those of such a file"));
    }
    if bytes.get(..12).map(crc32) != Some(crc) {
        return Err(corrupt("checksum mismatch"));
    }
    match u32_at(bytes, 8) {
        Some(version) if version == reads => Ok(()),
        found => Err(Error::Version {
            file: file.to_path_buf(),
            found: found.unwrap_or_default(),
            reads,
        }),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bytes_are_the_same_if_none_differs(
            a in prop::collection::vec(0u8..2, 0..80), at: prop::sample::Index, len in 0usize..80,
        ) {
            let mut b = a.clone();
            prop_assert!(is_same(&a, &b));
            if let Some(byte) = b.get_mut(at.index(a.len() + 1)) {
                *byte ^= 1;
                prop_assert!(!is_same(&a, &b));
            }
            b.resize(len, 0);
            prop_assert_eq!(is_same(&a, &b), a == b);
        }
    }

    const MAGIC: [u8; 8] = *b"TKTESTTT";

    #[test]
    fn p6_a_newer_version_is_told_from_damage() {
        let path = Path::new("f");
        let mut bytes = Vec::new();
        write_opening(&mut bytes, MAGIC, 1);
        assert_eq!(bytes.len(), OPENING_BYTES);
        check_opening(path, &bytes, MAGIC, 1, "header").unwrap();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            let found = check_opening(path, &damaged, MAGIC, 1, "header");
            assert!(matches!(found, Err(Error::Corrupt { .. })), "byte {at}");
            let found = check_opening(path, &bytes[..at], MAGIC, 1, "header");
            assert!(matches!(found, Err(Error::Corrupt { .. })), "length {at}");
        }
        let mut newer = Vec::new();
        write_opening(&mut newer, MAGIC, 7);
        let found = check_opening(path, &newer, MAGIC, 1, "header");
        assert!(matches!(found, Err(Error::Version { found: 7, reads: 1, .. })));
    }
}
