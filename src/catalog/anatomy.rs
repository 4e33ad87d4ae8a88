//! Which byte of a manifest is what, for people.

use crate::base::anatomy::{Anatomist, Field};
use crate::catalog::edit::{ADD, DROP, FLUSHED, LOG_FLOOR, NEXT_SEGMENT_ID, REMOVE, STATE};
use crate::catalog::manifest;

/// What the bytes of a manifest are; what is behind the last whole record stays together.
pub fn anatomy(bytes: &[u8]) -> Vec<Field> {
    let versions: Vec<u64> = manifest::records(bytes).map(|(_, version, ..)| version).collect();
    let mut manifest = Anatomist::new(bytes, 0, "header");
    manifest.magic();
    manifest.bytes(4, "crc32");
    // Sound records stand one behind another.
    for version in versions {
        manifest.part(format!("record of version {version}"));
        let payload = manifest.number(4, "bytes of payload");
        manifest.number(8, "catalog version");
        manifest.bytes(4, "crc32");
        let end = manifest.left().saturating_sub(payload as usize);
        manifest.number(1, "kind (0 edit, 1 whole version)");
        while manifest.left() > end {
            operation(&mut manifest);
        }
    }
    manifest.part("torn");
    manifest.finish("no whole record")
}

fn operation(manifest: &mut Anatomist<'_>) {
    let (name, fields): (_, &[&str]) = match manifest.varint("operation") {
        REMOVE => ("remove a segment", &["id"]),
        DROP => ("drop a partition", &["start", "width", "sequence"]),
        ADD => ("add a segment", &["start", "width", "id", "file bytes"]),
        FLUSHED => ("flushed", &["start", "width", "sequence"]),
        STATE => ("state (0 open, 1 sealed)", &["start", "width", "state"]),
        LOG_FLOOR => ("log floor", &["sequence"]),
        NEXT_SEGMENT_ID => ("next segment id", &["id"]),
        _ => ("unknown", &[]),
    };
    for field in fields {
        manifest.varint(&format!("{name}: {field}"));
    }
    if name == "add a segment" {
        manifest.prefixed("summary");
    }
}
