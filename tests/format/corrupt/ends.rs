//! Segments whose header or footers are wrong, and files of another kind or version.

use crate::corrupt::Case;
use crate::corrupt::anatomy::{FOOTER, HEADER, Parts, seal};
use crate::recipe::one as golden;

fn put(bytes: &mut [u8], at: usize, number: u64, len: usize) {
    bytes[at..at + len].copy_from_slice(&number.to_le_bytes()[..len]);
}

/// The golden segment, some of its bytes changed.
fn patched(patch: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = golden("tiny.seg");
    patch(&mut bytes);
    bytes
}

/// The same with one number of all footers changed; their checksums hold.
fn footer(at: usize, number: u64, len: usize) -> Vec<u8> {
    Parts::of("tiny.seg").seal_with(|_| {}, |footer| put(footer, at, number, len))
}

/// Changes header and footers, and makes their checksums fit.
fn each_end(change: impl Fn(&mut [u8])) -> Vec<u8> {
    patched(|bytes| {
        let len = bytes.len();
        for (at, size) in [(0, HEADER), (len - 2 * FOOTER, FOOTER), (len - FOOTER, FOOTER)] {
            change(&mut bytes[at..at + size]);
            seal(&mut bytes[at..at + size]);
        }
    })
}

pub fn cases() -> Vec<Case> {
    let case = Case::new;
    let len = golden("tiny.seg").len();
    vec![
        case("empty.seg", "footer", "a file without bytes", Vec::new()),
        case(
            "cut-in-header.seg",
            "footer",
            "the file ends in its header",
            patched(|b| b.truncate(40)),
        ),
        case(
            "cut-in-block.seg",
            "footer",
            "the file ends in its block",
            patched(|b| b.truncate(90)),
        ),
        case(
            "cut-before-footers.seg",
            "footer",
            "the last two footers are missing",
            patched(|b| b.truncate(len - 2 * FOOTER)),
        ),
        case(
            "cut-last-byte.seg",
            "footer",
            "the last byte is missing",
            patched(|b| b.truncate(len - 1)),
        ),
        case(
            "longer.seg",
            "footer",
            "a byte stands behind the last footer",
            patched(|b| b.push(0)),
        ),
        case(
            "other-magic.seg",
            "header",
            "magic bytes of another kind of file",
            each_end(|end| end[..8].copy_from_slice(b"SQLite f")),
        ),
        case(
            "newer.seg",
            "version",
            "version 9 in header and footers",
            each_end(|end| put(end, 8, 9, 4)),
        ),
        case(
            "older.seg",
            "version",
            "version 1 in header and footers",
            each_end(|end| put(end, 8, 1, 4)),
        ),
        case(
            "header-checksum.seg",
            "header",
            "the header's checksum is wrong, its content right",
            patched(|b| b[HEADER - 1] ^= 1),
        ),
        case(
            "header-content.seg",
            "header",
            "a reserved byte of the header is not what its checksum says",
            patched(|b| b[20] = 1),
        ),
        case(
            "footer-checksum.seg",
            "footer",
            "the last footer's checksum is wrong, its content right",
            patched(|b| b[len - 1] ^= 1),
        ),
        case(
            "footer-content.seg",
            "footer",
            "the last footer's content is wrong, its checksum that of the right one",
            patched(|b| b[len - FOOTER + 17] ^= 1),
        ),
        case(
            "footers-differ.seg",
            "footer",
            "the last footer says other rows a block than those before, its checksum right",
            patched(|b| {
                put(&mut b[len - FOOTER..], 40, 511, 4);
                seal(&mut b[len - FOOTER..]);
            }),
        ),
        case(
            "footers-lost.seg",
            "footer",
            "no footer has a right checksum",
            patched(|b| [1, FOOTER + 1].into_iter().for_each(|back| b[len - back] ^= 1)),
        ),
        case(
            "pages-in-header.seg",
            "footer",
            "the pages begin inside the header",
            footer(16, 10, 8),
        ),
        case(
            "pages-behind-area.seg",
            "footer",
            "the pages begin behind the area",
            footer(16, 900, 8),
        ),
        case(
            "area-outside.seg",
            "footer",
            "the area begins beyond the file",
            footer(24, 1 << 40, 8),
        ),
        case(
            "area-overflows.seg",
            "footer",
            "the area's offset and length exceed 64 bits",
            footer(24, u64::MAX - 9, 8),
        ),
        case(
            "area-longer.seg",
            "footer",
            "the area is a byte longer than it is",
            footer(32, 758, 8),
        ),
        case("area-empty.seg", "footer", "the area has no bytes", footer(32, 0, 8)),
        case(
            "directory-longer.seg",
            "footer",
            "the directory is longer than the area",
            footer(12, 5000, 4),
        ),
        case("block-rows-none.seg", "footer", "blocks of no rows", footer(40, 0, 4)),
        case(
            "block-rows-many.seg",
            "footer",
            "blocks of more rows than one can have",
            footer(40, 65_536, 4),
        ),
        case(
            "block-rows-fewer.seg",
            "block directory",
            "blocks of one row, where one block has two",
            footer(40, 1, 4),
        ),
        case(
            "area-checksum.seg",
            "footer",
            "the area's checksum in the footers is wrong, the area right",
            footer(44, 7, 4),
        ),
        case("rows-huge.seg", "footer", "2^40 rows", footer(48, 1 << 40, 8)),
        case(
            "rows-more.seg",
            "trace table",
            "three rows, of which the block has two",
            footer(48, 3, 8),
        ),
        case("traces-more-than-rows.seg", "footer", "three traces of two rows", footer(56, 3, 8)),
        case(
            "traces-more.seg",
            "tag index",
            "two traces, of which the table has one",
            footer(56, 2, 8),
        ),
        case(
            "summary-start.seg",
            "footer",
            "the summary's earliest start is no row's",
            footer(64, 5, 8),
        ),
        case(
            "summary-duration.seg",
            "footer",
            "the summary's longest duration is no row's",
            footer(88, 5, 8),
        ),
        case(
            "summary-errors.seg",
            "footer",
            "the summary counts errors that are not there",
            footer(96, 2, 8),
        ),
        case(
            "other-length.seg",
            "footer",
            "the file's length is another than it says",
            footer(104, 5, 8),
        ),
    ]
}
