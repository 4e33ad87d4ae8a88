//! A log file's header page: who the file is, and how far it is surely on disk.

use std::path::Path;

use crate::base::bytes::{check_opening, u32_at, u64_at, write_opening};
use crate::base::checksum::crc32;
use crate::base::error::{Error, Result};

/// A whole page, so that frames never share one with the header.
pub const PAGE_BYTES: usize = 4096;

/// Where the first frame begins.
pub const FIRST_FRAME: u64 = PAGE_BYTES as u64;

/// Marks stand in sectors of their own, so that writing one cannot tear the other or the identity.
pub(super) const MARK_AT: [usize; 2] = [512, 1024];
pub(super) const MARK_BYTES: usize = 20;

const MAGIC: [u8; 8] = *b"TKEEPLOG";
const VERSION: u32 = 1;
const SECTION: &str = "log header";

/// What a header page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The file's number, as in its name.
    pub number: u64,
    /// The sequence of the first frame.
    pub first_seq: u64,
    /// Everything before this offset has been synced.
    pub synced_end: u64,
}

/// The header page of a file without frames.
pub fn page(number: u64, first_seq: u64) -> Vec<u8> {
    let mut page = Vec::with_capacity(PAGE_BYTES);
    write_opening(&mut page, MAGIC, VERSION);
    let identity = [number.to_le_bytes(), first_seq.to_le_bytes()].concat();
    page.extend_from_slice(&identity);
    page.extend_from_slice(&crc32(&identity).to_le_bytes());
    page.resize(PAGE_BYTES, 0);
    page
}

/// The mark that file `number` is synced up to `end`, and where to write it, the `turn`th time.
pub fn mark(number: u64, end: u64, turn: u64) -> (u64, Vec<u8>) {
    let mut bytes = [number.to_le_bytes(), end.to_le_bytes()].concat();
    bytes.extend_from_slice(&crc32(&bytes).to_le_bytes());
    let [even, odd] = MARK_AT;
    (if turn.is_multiple_of(2) { even } else { odd } as u64, bytes)
}

/// Reads the header page of `file`, which by its name is number `number`.
pub fn read(file: &Path, page: &[u8], number: u64) -> Result<Header> {
    let corrupt = |at, detail: &str| Error::corrupt(file, at, SECTION, detail);
    check_opening(file, page, MAGIC, VERSION, SECTION)?;
    if page.len() < PAGE_BYTES {
        return Err(corrupt(page.len() as u64, "missing bytes"));
    }
    let missing = || corrupt(16, "missing bytes");
    let found = u64_at(page, 16).ok_or_else(missing)?;
    let first_seq = u64_at(page, 24).ok_or_else(missing)?;
    if page.get(16..32).map(crc32) != u32_at(page, 32) {
        return Err(corrupt(32, "checksum mismatch"));
    }
    if found != number {
        return Err(corrupt(16, "the file bears the number of another"));
    }
    // A torn mark is no damage: it was not synced, and the frames do not depend on it.
    let marks = MARK_AT.into_iter().filter_map(|at| read_mark(page.get(at..)?, number));
    let synced_end = marks.max().unwrap_or(FIRST_FRAME).max(FIRST_FRAME);
    Ok(Header { number, first_seq, synced_end })
}

fn read_mark(bytes: &[u8], number: u64) -> Option<u64> {
    let bytes = bytes.get(..MARK_BYTES)?;
    let sound = bytes.get(..16).map(crc32) == u32_at(bytes, 16);
    (sound && u64_at(bytes, 0)? == number).then(|| u64_at(bytes, 8)).flatten()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marked(ends: &[u64]) -> Vec<u8> {
        let mut page = page(7, 100);
        for (turn, &end) in ends.iter().enumerate() {
            let (at, bytes) = mark(7, end, turn as u64);
            page[at as usize..][..bytes.len()].copy_from_slice(&bytes);
        }
        page
    }

    #[test]
    fn the_furthest_sound_mark_counts() {
        let file = Path::new("f");
        assert_eq!(read(file, &marked(&[]), 7).unwrap().synced_end, FIRST_FRAME);
        let mut page = marked(&[5000, 6000, 7000]);
        let header = Header { number: 7, first_seq: 100, synced_end: 7000 };
        assert_eq!(read(file, &page, 7).unwrap(), header);
        page[MARK_AT[0] + 3] ^= 1;
        assert_eq!(read(file, &page, 7).unwrap().synced_end, 6000);
        let stale = mark(6, 9999, 0).1;
        page[MARK_AT[0]..][..stale.len()].copy_from_slice(&stale);
        assert_eq!(read(file, &page, 7).unwrap().synced_end, 6000);
    }

    #[test]
    fn p6_a_flipped_or_missing_byte_of_the_header_is_corrupt() {
        let (file, page) = (Path::new("f"), marked(&[5000, 6000]));
        for at in 0..36 {
            let mut damaged = page.clone();
            damaged[at] ^= 0x40;
            assert!(matches!(read(file, &damaged, 7), Err(Error::Corrupt { .. })), "byte {at}");
        }
        for len in 0..page.len() {
            assert!(matches!(read(file, &page[..len], 7), Err(Error::Corrupt { .. })));
        }
        assert!(matches!(read(file, &page, 8), Err(Error::Corrupt { .. })));
    }

    proptest! {
        #[test]
        fn any_page_is_read_or_refused(bytes: Vec<u8>, number: u64) {
            prop_assert!(read(Path::new("f"), &bytes, number).is_err());
        }
    }
}
