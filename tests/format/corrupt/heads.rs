//! Manifests, logs and id filters.

use crate::corrupt::Case;
use crate::manifest::{self, op, opening, record};
use crate::recipe::one as golden;
use crate::world::{HOUR, START};

pub fn cases() -> Vec<Case> {
    [manifests(), logs(), filters()].into_iter().flatten().collect()
}

/// A sound beginning and these records.
fn manifest_of(records: &[Vec<u8>]) -> Vec<u8> {
    [opening(b"TKEEPMAN", 2), record(1, 1, &op(6, &[0])), records.concat()].concat()
}

fn manifests() -> Vec<Case> {
    let case = Case::new;
    let (header, body) = ("manifest header", "manifest record");
    let sound = manifest::every_operation();
    let patched = |at: usize, with: &[u8]| {
        let mut bytes = sound.clone();
        bytes[at..at + with.len()].copy_from_slice(with);
        bytes
    };
    let second = 16 + record(41, 1, &[op(6, &[3]), op(7, &[2])].concat()).len();
    let edit = |operations: &[u8]| manifest_of(&[record(2, 0, operations)]);
    let add =
        |summary: u64| [op(3, &[START, HOUR, 1, 9, summary]), vec![0; summary as usize]].concat();
    vec![
        case("empty.manifest", header, "a file without bytes", Vec::new()),
        case(
            "cut-in-opening.manifest",
            header,
            "the file ends in its opening",
            sound[..9].to_vec(),
        ),
        case(
            "other-magic.manifest",
            header,
            "magic bytes of another kind of file",
            patched(0, b"TKEEPMEN"),
        ),
        case(
            "newer.manifest",
            "version",
            "version 9",
            [opening(b"TKEEPMAN", 9), sound[16..].to_vec()].concat(),
        ),
        case(
            "older.manifest",
            "version",
            "version 1",
            [opening(b"TKEEPMAN", 1), sound[16..].to_vec()].concat(),
        ),
        case(
            "opening-checksum.manifest",
            header,
            "the opening's checksum is wrong, its content right",
            patched(12, &[0; 4]),
        ),
        case("no-record.manifest", body, "nothing behind the opening", sound[..16].to_vec()),
        case("first-torn.manifest", body, "the first record is cut off", sound[..20].to_vec()),
        case(
            "first-is-edit.manifest",
            body,
            "the first record is an edit, not a whole version",
            [opening(b"TKEEPMAN", 2), record(1, 0, &op(6, &[0]))].concat(),
        ),
        case(
            "later-is-whole.manifest",
            body,
            "the second record is a whole version",
            manifest_of(&[record(2, 1, &op(6, &[0]))]),
        ),
        case(
            "record-checksum.manifest",
            body,
            "the second record's checksum is wrong, its content right",
            patched(second + 12, &[0; 4]),
        ),
        case(
            "record-content.manifest",
            body,
            "the second record's content is wrong, its checksum that of the right one",
            patched(second + 20, &[9]),
        ),
        case(
            "record-length.manifest",
            body,
            "the second record's length lies, by 4 GiB",
            patched(second, &[0xff; 4]),
        ),
        case(
            "versions-skip.manifest",
            body,
            "version 3 follows version 1",
            manifest_of(&[record(3, 0, &op(6, &[0]))]),
        ),
        case(
            "versions-repeat.manifest",
            body,
            "version 1 follows version 1",
            manifest_of(&[record(1, 0, &op(6, &[0]))]),
        ),
        case(
            "operation-unknown.manifest",
            body,
            "an operation of no known code",
            edit(&op(8, &[1])),
        ),
        case("operation-cut.manifest", body, "the payload ends in an operation", edit(&[2, 1])),
        case(
            "varint-endless.manifest",
            body,
            "a varint of more than ten bytes",
            edit(&[&[6], [0x80; 11].as_slice()].concat()),
        ),
        case(
            "width-none.manifest",
            body,
            "a partition without width",
            edit(&op(4, &[START, 0, 1])),
        ),
        case("summary-short.manifest", body, "a summary of 63 bytes", edit(&add(63))),
        case(
            "summary-huge.manifest",
            body,
            "a summary of 2^60 bytes",
            edit(&op(3, &[START, HOUR, 1, 9, 1 << 60])),
        ),
        case("payload-empty.manifest", body, "a record without even its kind", {
            let head = [&0u32.to_le_bytes()[..], &2u64.to_le_bytes()].concat();
            manifest_of(&[[head.as_slice(), &crc32fast::hash(&head).to_le_bytes()].concat()])
        }),
    ]
}

/// Where the frames of a log begin.
const FRAMES: usize = 4096;

/// A frame with its checksum.
fn frame(sequence: u64, file: u64, payload: &[u8]) -> Vec<u8> {
    let numbers = [sequence.to_le_bytes(), file.to_le_bytes()].concat();
    let head = [&(payload.len() as u32).to_le_bytes()[..], &numbers].concat();
    let crc = crc32fast::hash(&[head.as_slice(), payload].concat());
    [head.as_slice(), &crc.to_le_bytes(), payload].concat()
}

/// A log whose frames from the first on are these, all of them marked as synced.
fn log_of(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = golden("store/log/00000000000000000003.log")[..FRAMES].to_vec();
    bytes.extend(frames.concat());
    let end = bytes.len() as u64;
    mark(&mut bytes, 1024, end);
    bytes
}

/// Writes a mark of file 3.
fn mark(bytes: &mut [u8], at: usize, synced: u64) {
    let numbers = [3u64.to_le_bytes(), synced.to_le_bytes()].concat();
    let crc = crc32fast::hash(&numbers);
    bytes[at..at + 20].copy_from_slice(&[numbers.as_slice(), &crc.to_le_bytes()].concat());
}

fn logs() -> Vec<Case> {
    let case = Case::new;
    let (header, body) = ("log header", "log frame");
    // Without the frames of its former life.
    let mut sound = golden("store/log/00000000000000000003.log");
    sound.truncate(FRAMES + 2 * 166);
    let payload = |at: usize| {
        let len = u32::from_le_bytes(sound[at..at + 4].try_into().unwrap()) as usize;
        sound[at + 24..at + 24 + len].to_vec()
    };
    let first = payload(FRAMES);
    let patched = |at: usize, with: &[u8]| {
        let mut bytes = sound.clone();
        bytes[at..at + with.len()].copy_from_slice(with);
        bytes
    };
    let mut identity = sound.clone();
    identity[24..32].fill(0xff);
    vec![
        case("empty.log", header, "a file without bytes", Vec::new()),
        case(
            "cut-in-header.log",
            header,
            "the file ends in its header page",
            sound[..600].to_vec(),
        ),
        case(
            "other-magic.log",
            header,
            "magic bytes of another kind of file",
            patched(0, b"TKEEPLAG"),
        ),
        case(
            "newer.log",
            "version",
            "version 9",
            [opening(b"TKEEPLOG", 9), sound[16..].to_vec()].concat(),
        ),
        case(
            "opening-checksum.log",
            header,
            "the opening's checksum is wrong, its content right",
            patched(12, &[0; 4]),
        ),
        case(
            "identity-checksum.log",
            header,
            "the checksum of number and sequence is wrong, they are right",
            patched(32, &[0; 4]),
        ),
        case(
            "identity-content.log",
            header,
            "the first sequence is not what its checksum says",
            identity,
        ),
        case(
            "frame-checksum.log",
            body,
            "a synced frame's checksum is wrong, its content right",
            patched(FRAMES + 20, &[0; 4]),
        ),
        case(
            "frame-content.log",
            body,
            "a byte of a synced frame is another",
            patched(FRAMES + 40, &[0xee]),
        ),
        case(
            "frame-length.log",
            body,
            "a synced frame's length lies, by 4 GiB",
            patched(FRAMES, &[0xff; 4]),
        ),
        case(
            "frame-longer.log",
            body,
            "a synced frame of 255 MiB in a file of 8 KiB",
            patched(FRAMES, &(255u32 << 20).to_le_bytes()),
        ),
        case(
            "frame-sequence.log",
            body,
            "a sequence is left out, the checksum right",
            log_of(&[frame(5, 3, &first), frame(7, 3, &first)]),
        ),
        case(
            "frame-of-another-file.log",
            body,
            "a frame of another file below the mark, the checksum right",
            log_of(&[frame(5, 2, &first)]),
        ),
        case(
            "frame-no-request.log",
            body,
            "a payload that is no protobuf, the checksum right",
            log_of(&[frame(5, 3, &[0xff; 9])]),
        ),
        case(
            "frame-empty.log",
            body,
            "a payload without a span, the checksum right",
            log_of(&[frame(5, 3, &[])]),
        ),
        case("mark-beyond-end.log", body, "the mark says that more is synced than is there", {
            let mut bytes = sound[..FRAMES + 24 + first.len()].to_vec();
            mark(&mut bytes, 512, 1 << 40);
            bytes
        }),
    ]
}

/// An id filter whose checksum fits.
fn ids(version: u32, filter: &[u8]) -> Vec<u8> {
    let head = [b"TKEEPIDS".as_slice(), &version.to_le_bytes()].concat();
    let crc = crc32fast::hash(&[head.as_slice(), filter].concat());
    [head.as_slice(), &crc.to_le_bytes(), filter].concat()
}

fn filters() -> Vec<Case> {
    let case = Case::new;
    let section = "id filter";
    let sound = golden("tiny.ids");
    let filter = |at: usize, with: &[u8]| {
        let mut filter = sound[16..].to_vec();
        filter[at..at + with.len()].copy_from_slice(with);
        ids(1, &filter)
    };
    vec![
        case("empty.ids", section, "a file without bytes", Vec::new()),
        case("cut-in-header.ids", section, "the file ends in its header", sound[..14].to_vec()),
        case(
            "cut-in-bits.ids",
            section,
            "the last byte is missing",
            sound[..sound.len() - 1].to_vec(),
        ),
        case(
            "other-magic.ids",
            section,
            "magic bytes of another kind of file",
            [b"TKEEPADS", &sound[8..]].concat(),
        ),
        case("newer.ids", "version", "version 9", ids(9, &sound[16..])),
        case(
            "checksum.ids",
            section,
            "the checksum is wrong, the content right",
            [&sound[..12], &[0; 4], &sound[16..]].concat(),
        ),
        case("content.ids", section, "a bit is another, the checksum that of the right ones", {
            let mut bytes = sound.clone();
            *bytes.last_mut().unwrap() ^= 1;
            bytes
        }),
        case(
            "filter-version.ids",
            section,
            "a filter of version 9, the checksum right",
            filter(0, &[9]),
        ),
        case(
            "filter-huge.ids",
            section,
            "2^60 bytes of bits, the checksum right",
            filter(1, &(1u64 << 60).to_le_bytes()),
        ),
        case(
            "filter-no-functions.ids",
            section,
            "no hash functions, the checksum right",
            filter(9, &0u32.to_le_bytes()),
        ),
        case(
            "filter-many-functions.ids",
            section,
            "2^32 - 1 hash functions, the checksum right",
            filter(9, &[0xff; 4]),
        ),
        case(
            "filter-seed.ids",
            section,
            "another seed, the checksum right",
            filter(13, b"another seed"),
        ),
        case("filter-no-bits.ids", section, "no bits, the checksum right", {
            let mut filter = sound[16..61].to_vec();
            filter[1..9].fill(0);
            ids(1, &filter)
        }),
    ]
}
