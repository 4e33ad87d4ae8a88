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
    assert_eq!(tiny.blocks[16..18], steps(0, of(ROOT), of(0)), "the steps of tiny.seg are others");
    let len = tiny.blocks.len() as u64;
    let case = |name, wrong, bytes| Case::new(name, "blocks", wrong, bytes);
    let listed = |name, wrong, bytes| Case::new(name, "block directory", wrong, bytes);
    let step = |[low, high]: [u8; 2]| block(|b| b[16..18].copy_from_slice(&[low, high]));
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
            "65,535 rows in the block's header",
            block(|b| b[..2].fill(0xff)),
        ),
        case("block-no-rows.seg", "no rows in the block's header", block(|b| b[..2].fill(0))),
        case("beginnings-lie.seg", "65,535 beginnings", block(|b| b[2..4].fill(0xff))),
        case("beginnings-more.seg", "two beginnings, both the same row", block(|b| b[2] = 2)),
        Case::new(
            "ordinal-outside.seg",
            "blocks",
            "a trace of no such ordinal",
            block(|b| b[4..8].fill(0xff)),
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
