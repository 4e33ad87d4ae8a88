//! Which byte of a log file is what, for people.

use crate::base::anatomy::{Anatomist, Field};
use crate::ingest::log::describe::LogInfo;
use crate::ingest::log::frame;
use crate::ingest::log::header::{MARK_AT, MARK_BYTES, PAGE_BYTES};

/// What the bytes of a described log file are.
pub fn anatomy(bytes: &[u8], info: &LogInfo) -> Vec<Field> {
    let mut log = Anatomist::new(bytes, 0, "header page");
    log.magic();
    log.bytes(4, "crc32");
    log.number(8, "file number");
    log.number(8, "first sequence");
    log.bytes(4, "crc32");
    for (slot, at) in MARK_AT.into_iter().enumerate() {
        log.bytes(at.saturating_sub(bytes.len() - log.left()), "zeros");
        log.part(format!("mark {slot}"));
        log.number(8, "file number");
        log.number(8, "synced end");
        log.bytes(MARK_BYTES - 16, "crc32");
        log.part("header page");
    }
    log.bytes(PAGE_BYTES.saturating_sub(bytes.len() - log.left()), "zeros");
    for found in &info.frames {
        log.part(format!("frame {}", found.sequence));
        log.number(4, "bytes of payload");
        log.number(8, "sequence");
        log.number(8, "file number");
        log.bytes(4, "crc32");
        let payload = usize::try_from(found.bytes).unwrap_or_default();
        let name = format!("a request of {} spans", found.spans);
        log.bytes(payload.saturating_sub(frame::HEADER_BYTES), name);
    }
    log.part("free");
    log.finish("torn, or of a former life of the file")
}
