//! Segments whose blocks lie. All checksums hold but where it says otherwise.

use crate::corrupt::Case;
use crate::corrupt::anatomy::{BLOCKS, Parts, seal};
use crate::manifest::varint;

/// The block of `tiny.seg`, which has all of it, changed.
fn block(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut parts = Parts::of("tiny.seg");
    change(&mut parts.blocks);
    seal(&mut parts.blocks);
    let end = varint(parts.blocks.len() as u64);
    parts.with_packed(BLOCKS, &end).seal()
}

/// The block, under a checksum that does not fit.
fn unsealed(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut parts = Parts::of("tiny.seg");
    change(&mut parts.blocks);
    parts.seal()
}

/// The bytes of durations: a byte for how many there are, one count, one byte of runs, a checksum.
const DURATIONS: usize = 3;
/// Where the beginnings are counted, and where they and the steps stand.
const BEGINNINGS: usize = DURATIONS + 4;
const STEPS: usize = BEGINNINGS + 3;

/// The block with other durations, under checksums that fit.
fn durations(counts_and_runs: &[u8]) -> Vec<u8> {
    block(|b| {
        let mut front = varint(counts_and_runs.len() as u64);
        front.extend(counts_and_runs);
        front.extend(crc32fast::hash(&front).to_le_bytes());
        b.splice(..BEGINNINGS, front);
    })
}

/// Another block directory.
fn directory(ends: &[u64]) -> Vec<u8> {
    let content = ends.iter().flat_map(|end| varint(*end)).collect::<Vec<u8>>();
    Parts::of("tiny.seg").with_packed(BLOCKS, &content).seal()
}

/// Rewrites the two bytes of beginnings (1 bit) and steps (7 bits each).
fn steps(begin: u16, first: u16, second: u16) -> [u8; 2] {
    (begin | first << 1 | second << 8).to_le_bytes()
}

const ROOT: u16 = 62;
const EXPLICIT: u16 = 63;

/// A step of template 1.
fn of(parent: u16) -> u16 {
    64 + parent
}

pub fn cases() -> Vec<Case> {
    let tiny = Parts::of("tiny.seg");
    assert_eq!(tiny.blocks[..2], [2, 2], "the durations of tiny.seg are others");
    let run = tiny.blocks[2];
    let sound = steps(0, of(ROOT), of(0));
    assert_eq!(tiny.blocks[STEPS..STEPS + 2], sound, "the steps of tiny.seg are others");
    let len = tiny.blocks.len() as u64;
    let case = |name, wrong, bytes| Case::new(name, "blocks", wrong, bytes);
    let listed = |name, wrong, bytes| Case::new(name, "block directory", wrong, bytes);
    let step = |[low, high]: [u8; 2]| block(|b| b[STEPS..STEPS + 2].copy_from_slice(&[low, high]));
    vec![
        listed("blocks-none.seg", "no blocks", directory(&[])),
        listed("blocks-more.seg", "two blocks of rows for one", directory(&[20, len])),
        listed("block-outside.seg", "a block beyond the pages", directory(&[1 << 40])),
        listed("block-overflows.seg", "a block whose end exceeds 64 bits", directory(&[u64::MAX])),
        listed("block-of-no-bytes.seg", "a block that ends where it begins", directory(&[0])),
        listed(
            "block-ends-early.seg",
            "bytes between the last block and the pages",
            directory(&[len - 1]),
        ),
        case(
            "block-checksum.seg",
            "the block's checksum is wrong, its content right",
            unsealed(|b| *b.last_mut().unwrap() ^= 1),
        ),
        case("block-content.seg", "a byte of the block is another", unsealed(|b| b[20] ^= 1)),
        case("block-empty.seg", "a block of a checksum alone", block(|b| b.truncate(4))),
        case(
            "block-rows-lie.seg",
            "65,535 rows by the durations' count",
            durations(&[&varint(65_535)[..], &[run]].concat()),
        ),
        case("block-no-rows.seg", "no durations, and so no rows", durations(&[0])),
        case(
            "durations-huge.seg",
            "2^60 bytes of durations",
            block(|b| drop(b.splice(..1, varint(1 << 60)))),
        ),
        case(
            "durations-checksum.seg",
            "the durations' checksum is wrong, the block's right",
            block(|b| b[DURATIONS] ^= 1),
        ),
        case(
            "durations-content.seg",
            "a bit of a duration is another, the block's checksum right, the durations' wrong",
            block(|b| b[DURATIONS - 1] ^= 1),
        ),
        case(
            "durations-fewer.seg",
            "one duration, where the directory has two rows",
            durations(&[1, run & 1]),
        ),
        case(
            "durations-more.seg",
            "2^60 durations",
            durations(&[&varint(1 << 60)[..], &[0]].concat()),
        ),
        case(
            "durations-longer.seg",
            "a byte behind the runs of durations",
            durations(&[2, run, 0]),
        ),
        case("durations-shorter.seg", "durations without their runs", durations(&[2])),
        case(
            "beginnings-lie.seg",
            "65,535 beginnings",
            block(|b| drop(b.splice(BEGINNINGS..=BEGINNINGS, varint(65_535)))),
        ),
        case(
            "beginnings-more.seg",
            "two beginnings, both the same row",
            block(|b| b[BEGINNINGS] = 2),
        ),
        Case::new(
            "ordinal-outside.seg",
            "blocks",
            "a trace of no such ordinal",
            block(|b| drop(b.splice(BEGINNINGS + 1..BEGINNINGS + 2, varint(u32::MAX.into())))),
        ),
        case(
            "ordinal-wide.seg",
            "an ordinal of 33 bits",
            block(|b| drop(b.splice(BEGINNINGS + 1..BEGINNINGS + 2, varint(1 << 32)))),
        ),
        case(
            "steps-template.seg",
            "a step of a template that is not there",
            step(steps(0, 127, 127)),
        ),
        case(
            "steps-up.seg",
            "a parent above the first row of the trace",
            step(steps(0, of(3), of(0))),
        ),
        case(
            "steps-explicit.seg",
            "an explicit parent that is not there",
            step(steps(0, of(EXPLICIT), of(0))),
        ),
        case(
            "block-longer.seg",
            "a byte between the runs and the checksum",
            block(|b| b.insert(len as usize - 4, 0)),
        ),
        case(
            "block-shorter.seg",
            "the runs are cut off",
            block(|b| {
                b.remove(len as usize - 5);
            }),
        ),
    ]
}
