//! Segments whose area, directory, or compressed sections are wrong.

use crate::corrupt::Case;
use crate::corrupt::anatomy::{
    CONTEXTS, FOOTER, MODELS, OPERATIONS, PAGES, Parts, TERMS, frame, granule, lying_frame, u64_at,
};
use crate::recipe::one as golden;

/// Where the area of a file begins, and how long it is.
fn area(bytes: &[u8]) -> (usize, usize) {
    let footer = &bytes[bytes.len() - FOOTER..];
    (u64_at(footer, 24) as usize, u64_at(footer, 32) as usize)
}

/// A golden segment, whose bytes at places in the area, or behind it, are changed.
fn flipped(name: &str, places: impl FnOnce(usize) -> Vec<usize>) -> Vec<u8> {
    let mut bytes = golden(name);
    let (begin, len) = area(&bytes);
    for place in places(len) {
        bytes[begin + place] ^= 0x10;
    }
    bytes
}

/// An entry of the directory: kind, offset, length.
fn entry(entries: &mut [u8], number: usize) -> &mut [u8] {
    &mut entries[number * 20..number * 20 + 20]
}

fn directory(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    Parts::of("tiny.seg").seal_with(change, |_| {})
}

pub fn cases() -> Vec<Case> {
    let case = Case::new;
    let tiny = Parts::of("tiny.seg");
    let granules = |len: usize| len.div_ceil(granule(len));
    let mut cases = vec![
        case(
            "granule.seg",
            "models",
            "a byte of the area is another: rebuilt when read",
            flipped("tiny.seg", |_| vec![5]),
        ),
        case(
            "two-granules.seg",
            "models",
            "two granules of the area are damaged: beyond repair",
            flipped("lists.seg", |len| vec![5, granule(len) + 5]),
        ),
        case(
            "granule-and-parity.seg",
            "models",
            "a granule and the parity are damaged: beyond repair",
            flipped("lists.seg", |len| vec![5, len + 5]),
        ),
        case(
            "parity.seg",
            "parity",
            "a byte of the parity is another",
            flipped("lists.seg", |len| vec![len + 5]),
        ),
        case(
            "crc-table.seg",
            "crc table",
            "a byte of the first crc table is another",
            flipped("lists.seg", |len| vec![len + granule(len)]),
        ),
        case(
            "crc-tables.seg",
            "crc table",
            "a byte of each crc table is another",
            flipped("lists.seg", |len| {
                let table = len + granule(len);
                vec![table, table + 4 * (granules(len) + 2)]
            }),
        ),
        case(
            "section-outside.seg",
            "directory",
            "a section ends behind the area",
            directory(|d| entry(d, 9)[12..20].copy_from_slice(&(1u64 << 20).to_le_bytes())),
        ),
        case(
            "section-overflows.seg",
            "directory",
            "a section's offset and length exceed 64 bits",
            directory(|d| entry(d, 9)[4..12].fill(0xff)),
        ),
        case(
            "section-in-directory.seg",
            "directory",
            "the last section reaches into the directory",
            directory(|d| entry(d, 10)[12] += 1),
        ),
        case(
            "sections-overlap.seg",
            "directory",
            "two sections share bytes",
            directory(|d| entry(d, 9)[4] -= 1),
        ),
        case(
            "section-twice.seg",
            "directory",
            "one kind of section twice",
            directory(|d| d.extend_from_within(60..80)),
        ),
        case(
            "section-missing.seg",
            "directory",
            "no zone maps; an unknown section in their place",
            directory(|d| entry(d, 9)[0] = 99),
        ),
        case(
            "directory-half-entry.seg",
            "directory",
            "the directory ends in an entry",
            directory(|d| d.truncate(d.len() - 7)),
        ),
        case(
            "bomb-stated.seg",
            "models",
            "a zstd frame that states 2^40 bytes",
            tiny.with(MODELS, lying_frame(1 << 40)).seal(),
        ),
        case(
            "bomb-lying.seg",
            "models",
            "a zstd frame of 16 bytes that states 200 MiB",
            tiny.with(MODELS, lying_frame(200 << 20)).seal(),
        ),
        case(
            "bomb-understated.seg",
            "models",
            "a zstd frame that holds more than it states",
            tiny.with(MODELS, understated()).seal(),
        ),
        case(
            "frame-without-size.seg",
            "operations",
            "a zstd frame that states no size",
            tiny.with(OPERATIONS, unstated()).seal(),
        ),
        case(
            "frame-and-more.seg",
            "page directory",
            "bytes behind a zstd frame",
            tiny.changed(PAGES, |bytes| bytes.push(0)).seal(),
        ),
        case(
            "frame-twice.seg",
            "page directory",
            "two zstd frames in a section",
            tiny.with(PAGES, frame(&[0]).repeat(2)).seal(),
        ),
        case(
            "frame-none.seg",
            "operations",
            "no zstd frame in a section that is one",
            tiny.with(OPERATIONS, vec![0; 30]).seal(),
        ),
        case(
            "contexts-huge-count.seg",
            "resources and scopes",
            "2^60 resources",
            tiny.changed(CONTEXTS, |bytes| {
                bytes.splice(..1, crate::manifest::varint(1 << 60));
            })
            .seal(),
        ),
        case(
            "contexts-checksum.seg",
            "resources and scopes",
            "the page's checksum is wrong, its content right",
            tiny.changed(CONTEXTS, |bytes| bytes[6] ^= 1).seal(),
        ),
        case(
            "contexts-content.seg",
            "resources and scopes",
            "a resource that is no protobuf, its checksum right",
            tiny.changed(CONTEXTS, |bytes| {
                bytes[12] = 0xff;
                let crc = crc32fast::hash(&bytes[10..]);
                bytes[6..10].copy_from_slice(&crc.to_le_bytes());
            })
            .seal(),
        ),
        case(
            "contexts-lengths.seg",
            "resources and scopes",
            "lengths of records that exceed their page, its checksum right",
            tiny.changed(CONTEXTS, |bytes| {
                bytes[10] += 1;
                let crc = crc32fast::hash(&bytes[10..]);
                bytes[6..10].copy_from_slice(&crc.to_le_bytes());
            })
            .seal(),
        ),
        case(
            "sections-empty.seg",
            "tag index",
            "a section of no bytes",
            tiny.with(TERMS, Vec::new()).seal(),
        ),
    ];
    cases.extend(pages());
    cases
}

/// A frame that states one byte and holds a mebibyte: a single segment, one byte of size, eight
/// blocks of a repeated byte.
fn understated() -> Vec<u8> {
    let mut bytes = vec![0x28, 0xb5, 0x2f, 0xfd, 0b0010_0000, 1];
    for block in 0..8u32 {
        // last block, type 1 (a repeated byte), 128 KiB
        let head = u32::from(block == 7) | 1 << 1 | (1 << 17) << 3;
        bytes.extend(&head.to_le_bytes()[..3]);
        bytes.push(b'x');
    }
    bytes
}

/// A frame with a window instead of a size.
fn unstated() -> Vec<u8> {
    vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0x40, 0b1001, 0, 0, b'x']
}

/// Page directories and pages.
fn pages() -> Vec<Case> {
    let case = Case::new;
    let columns = Parts::of("columns.seg");
    let tiny = Parts::of("tiny.seg");
    let one = |count: u64, stored: u64, raw: u64| {
        let mut bytes = [1, count, stored, raw].map(crate::manifest::varint).concat();
        bytes.extend([0; 4]);
        bytes
    };
    let section = "page directory";
    // pages varint, then the first page: records, stored length, raw length (varints), crc32
    let first_crc = |directory: &[u8]| {
        let mut at = 0;
        for _ in 0..4 {
            at += directory[at..].iter().position(|byte| *byte < 0x80).unwrap() + 1;
        }
        at
    };
    let mut lying = columns.clone();
    let mut bomb = lying_frame(200 << 20);
    std::mem::swap(&mut lying.pages, &mut bomb);
    let mut entry = [1, 3, 16, 200 << 20].map(crate::manifest::varint).concat();
    entry.extend(crc32fast::hash(&lying.pages).to_le_bytes());
    // One page of one record, of two raw bytes, whose structure is this.
    let apart = |name, wrong, structure: &[u8]| {
        let streams = [1, 0, structure.len() as u64].map(crate::manifest::varint).concat();
        let mut segment = Parts::of("hostile.seg");
        segment.pages = frame(&[streams.as_slice(), structure].concat());
        let numbers = [1, 0, 1, segment.pages.len() as u64, 1 << 20];
        let mut directory = numbers.map(crate::manifest::varint).concat();
        directory.extend(crc32fast::hash(&segment.pages).to_le_bytes());
        case(name, "pages", wrong, segment.with_packed(PAGES, &directory).seal())
    };
    let deep = [&[3, 0x4a, 0x12][..], &[0x2a, 0x0a].repeat(500), &[0; 1003]].concat();
    vec![
        case(
            "pages-huge-count.seg",
            section,
            "2^60 pages",
            tiny.with_packed(PAGES, &crate::manifest::varint(1 << 60)).seal(),
        ),
        case(
            "page-without-records.seg",
            section,
            "a page of no records",
            tiny.with_packed(PAGES, &one(0, 0, 0)).seal(),
        ),
        case(
            "page-bomb-stated.seg",
            section,
            "a page of 2^40 raw bytes",
            tiny.with_packed(PAGES, &one(1, 9, 1 << 40)).seal(),
        ),
        case(
            "page-stored-longer.seg",
            section,
            "a page that is longer stored than raw",
            tiny.with_packed(PAGES, &one(1, 9, 8)).seal(),
        ),
        case(
            "page-more-records.seg",
            section,
            "a page of more records than raw bytes",
            tiny.with_packed(PAGES, &one(9, 4, 8)).seal(),
        ),
        case(
            "pages-overflow.seg",
            section,
            "pages beyond their range",
            tiny.with_packed(PAGES, &one(1, 9, 9)).seal(),
        ),
        case(
            "page-bomb-lying.seg",
            "pages",
            "a page of 16 bytes that states 200 MiB, its checksum right",
            lying.with_packed(PAGES, &entry).seal(),
        ),
        apart("apart-kind.seg", "a record taken apart that is of no known kind", &[4, 0]),
        apart("apart-cut.seg", "a record taken apart that does not end", &[3, 0x2a]),
        apart("apart-left.seg", "more records taken apart than are stated", &[3, 0, 3, 0]),
        apart("apart-number.seg", "a number told before, of which none was", &[3, 0x36, 0, 0]),
        apart("apart-deep.seg", "1,000 messages inside each other in a record taken apart", &deep),
        case(
            "page-checksum.seg",
            "pages",
            "the first page's checksum is wrong, its content right",
            columns
                .changed_packed(PAGES, |directory| {
                    let at = first_crc(directory);
                    directory[at] ^= 1;
                })
                .seal(),
        ),
        case("page-content.seg", "pages", "a byte of the first page is another", {
            let mut damaged = columns.clone();
            damaged.pages[9] ^= 1;
            damaged.seal()
        }),
    ]
}
