//! One frame: a payload behind a header that tells its length, its sequence and its file.

use crate::base::bytes::{u32_at, u64_at};
use crate::base::checksum::crc32_of_parts;
use crate::base::limits::MAX_REQUEST_BYTES;

/// Bytes in front of the payload.
pub const HEADER_BYTES: usize = 24;

/// How much of the header the checksum covers.
const CHECKED_BYTES: usize = 20;

/// The longest payload: what an append admits, a reader believes.
pub const MAX_PAYLOAD_BYTES: usize = MAX_REQUEST_BYTES;

/// The header of the frame that holds `payload`; `None` if that is too long.
pub fn header(file: u64, seq: u64, payload: &[u8]) -> Option<[u8; HEADER_BYTES]> {
    let len = u32::try_from(payload.len()).ok()?;
    if payload.len() > MAX_PAYLOAD_BYTES {
        return None;
    }
    let mut header = [0; HEADER_BYTES];
    let (checked, crc) = header.split_at_mut(CHECKED_BYTES);
    let fields = [len.to_le_bytes().as_slice(), &seq.to_le_bytes(), &file.to_le_bytes()].concat();
    checked.copy_from_slice(&fields);
    crc.copy_from_slice(&crc32_of_parts(&[checked, payload]).to_le_bytes());
    Some(header)
}

/// The payload length that `header` states if it can be the frame `seq` of file `file`, else what
/// is wrong. The length is not verified until [`check`] has seen the payload.
pub fn payload_len(header: &[u8], file: u64, seq: u64) -> Result<usize, &'static str> {
    let len = u32_at(header, 0).and_then(|len| usize::try_from(len).ok());
    let (Some(len), Some(found_seq), Some(found_file)) =
        (len, u64_at(header, 4), u64_at(header, 12))
    else {
        return Err("missing bytes");
    };
    if found_file != file {
        return Err("the frame is of another file");
    }
    if found_seq != seq {
        return Err("the frame's sequence is out of order");
    }
    if len > MAX_PAYLOAD_BYTES {
        return Err("the frame's length is out of bounds");
    }
    Ok(len)
}

/// Whether the checksum in `header` is that of the header and `payload`.
pub fn check(header: &[u8], payload: &[u8]) -> bool {
    let checked = header.get(..CHECKED_BYTES).unwrap_or_default();
    u32_at(header, CHECKED_BYTES) == Some(crc32_of_parts(&[checked, payload]))
}
