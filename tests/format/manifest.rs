//! A manifest written by hand, with operations that no store of today asks for.

use crate::world::{HOUR, START};

const REMOVE: u64 = 1;
const DROP: u64 = 2;
const ADD: u64 = 3;
const FLUSHED: u64 = 4;
const STATE: u64 = 5;
const LOG_FLOOR: u64 = 6;
const NEXT_SEGMENT_ID: u64 = 7;

/// An hour, and a partition of another width that begins with a fraction of a second.
const HOUR_LONG: [u64; 2] = [START, HOUR];
const NARROW: [u64; 2] = [START + HOUR + 500_000_000, 900_000_000_000];

/// One record each of a whole version and of edits with every operation, and a torn one.
pub fn every_operation() -> Vec<u8> {
    let mut bytes = opening(b"TKEEPMAN", 2);
    let records: [(u64, u8, Vec<Vec<u8>>); 6] = [
        (41, 1, vec![op(LOG_FLOOR, &[3]), op(NEXT_SEGMENT_ID, &[2])]),
        (42, 0, vec![add(HOUR_LONG, 2), add(HOUR_LONG, 3), at(FLUSHED, HOUR_LONG, 8)]),
        (
            43,
            0,
            vec![op(REMOVE, &[2]), op(REMOVE, &[3]), add(HOUR_LONG, 4), at(STATE, HOUR_LONG, 4)],
        ),
        (44, 0, vec![add(NARROW, 5), at(FLUSHED, NARROW, 9), at(STATE, NARROW, 5)]),
        (45, 0, vec![at(DROP, HOUR_LONG, 10), at(STATE, NARROW, 0), op(NEXT_SEGMENT_ID, &[9])]),
        (46, 0, vec![at(FLUSHED, NARROW, 12), op(LOG_FLOOR, &[11])]),
    ];
    for (version, kind, operations) in records {
        bytes.extend(record(version, kind, &operations.concat()));
    }
    let torn = record(47, 0, &at(FLUSHED, NARROW, 13));
    bytes.extend(&torn[..torn.len() - 3]);
    bytes
}

/// Magic, version, checksum.
pub fn opening(magic: &[u8; 8], version: u32) -> Vec<u8> {
    let mut bytes = [magic.as_slice(), &version.to_le_bytes()].concat();
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

/// A record with its checksum.
pub fn record(version: u64, kind: u8, operations: &[u8]) -> Vec<u8> {
    let payload = [&[kind], operations].concat();
    let head = [&(payload.len() as u32).to_le_bytes()[..], &version.to_le_bytes()].concat();
    let crc = crc32fast::hash(&[head.as_slice(), &payload].concat());
    [head.as_slice(), &crc.to_le_bytes(), &payload].concat()
}

/// An operation: its code and its numbers.
pub fn op(code: u64, numbers: &[u64]) -> Vec<u8> {
    [&[code], numbers].concat().into_iter().flat_map(varint).collect()
}

fn at(code: u64, [start, width]: [u64; 2], number: u64) -> Vec<u8> {
    op(code, &[start, width, number])
}

/// Adds a segment whose summary is made up.
fn add([start, width]: [u64; 2], id: u64) -> Vec<u8> {
    let bytes = 4000 + id;
    let summary = [20 + id, 2, start + 1, start + 5, start + 90, 70, 1, bytes];
    let mut out = op(ADD, &[start, width, id, bytes, 64]);
    out.extend(summary.iter().flat_map(|number| number.to_le_bytes()));
    out
}

pub fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}
