//! Checksums and hashes, each in one place so that what is on disk has one definition.

/// CRC-32 (ISO-HDLC, the one of gzip) of `bytes`: guards every stored granule.
pub fn crc32(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// CRC-32 of several pieces as if they stood one behind another.
pub fn crc32_of_parts(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize()
}

/// XXH3-64 with seed 0: hashes terms and trace ids in indexes.
pub fn hash64(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}

/// XXH3-128 with seed 0: recognises repeated contents in memory; never trusted without a compare.
pub fn hash128(bytes: &[u8]) -> u128 {
    xxhash_rust::xxh3::xxh3_128(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// These values are on disk: a library that changed them would orphan every file.
    #[test]
    fn values_are_pinned() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32_of_parts(&[b"1234", b"56789"]), 0xcbf4_3926);
        assert_eq!(hash64(b""), 0x2d06_8005_38d3_94c2);
        assert_eq!(hash128(b""), 0x99aa_06d3_0147_98d8_6001_c324_468d_497f);
    }
}
