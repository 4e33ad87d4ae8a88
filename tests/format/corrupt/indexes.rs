//! Segments whose indexes and statistics lie. All checksums hold.

use crate::corrupt::Case;
use crate::corrupt::anatomy::{BLOOM, IDS, Parts, TRACES, ZONES};
use crate::corrupt::packed::{Head, ascending, column};
use crate::manifest::varint;

pub fn cases() -> Vec<Case> {
    [columns(), traces(), ids()].into_iter().flatten().collect()
}

pub fn tiny(kind: u32, stored: Vec<u8>) -> Vec<u8> {
    Parts::of("tiny.seg").with(kind, stored).seal()
}

/// Five columns of one value each: zone maps whose first column is this.
pub fn zones(first: Vec<u8>) -> Vec<u8> {
    tiny(ZONES, [first, column(&[0]).repeat(4)].concat())
}

/// Packed columns that cannot be, as the first of the zone maps.
fn columns() -> Vec<Case> {
    let case = |name, wrong, head: Head| {
        Case::new(name, "zone maps", wrong, zones([head.bytes(), vec![0; 8]].concat()))
    };
    let one = Head::of(1, 0);
    vec![
        case(
            "column-huge-count.seg",
            "a column of 2^32 - 1 values of no bits",
            Head::of((1 << 32) - 1, 7),
        ),
        case("column-count-64-bits.seg", "a column of 2^63 values", Head::of(1 << 63, 7)),
        case(
            "column-long.seg",
            "a column of 2^31 values of 64 bits in a few bytes",
            Head { count: 1 << 31, width: 64, ..one },
        ),
        case("column-step.seg", "a column without a step", Head { step: 0, ..one }),
        case("column-width.seg", "a column of 65 bits", Head { width: 65, ..one }),
        case(
            "column-wide.seg",
            "a column whose exceptions have more than 64 bits",
            Head { width: 60, wide: 5, exceptions: 1, ..one },
        ),
        case(
            "column-exceptions.seg",
            "more exceptions than values",
            Head { wide: 3, exceptions: 9, ..one },
        ),
        case("column-none.seg", "a column of no values, where one block is", Head::of(0, 0)),
    ]
}

fn traces() -> Vec<Case> {
    let case = |name, wrong, bytes| Case::new(name, "trace table", wrong, bytes);
    let table = |a_page: u64, offsets: &[u64], page: &[&[u64]]| {
        let page: Vec<u8> = page.iter().flat_map(|values| ascending(values)).collect();
        tiny(TRACES, [varint(1), varint(a_page), column(offsets), page].concat())
    };
    let whole: u64 = 2_000;
    let page_of = |rows: Vec<u8>, start: u64, last: u64| -> Vec<u8> {
        // Zigzagged.
        let [high, low] = [0x0102_0304_0506_0708, 0x090a_0b0c_0d0e_0f10].map(|half: u64| half << 1);
        let columns: [&[u64]; 6] = [&[high], &[low], &[last], &[0], &[0], &[1]];
        let columns: Vec<u8> = columns.iter().flat_map(|values| column(values)).collect();
        let page = [rows, ascending(&[start]), columns].concat();
        let offsets = column(&[0, page.len() as u64]);
        tiny(TRACES, [varint(1), varint(256), offsets, page].concat())
    };
    let page = |rows: &[u64], start, last| page_of(ascending(rows), start, last);
    vec![
        case("traces-empty.seg", "no bytes", tiny(TRACES, Vec::new())),
        case("traces-no-page.seg", "pages of no traces", table(0, &[0, 9], &[])),
        case("traces-pages.seg", "two offsets of pages too many", table(256, &[0, 4, 8, 9], &[])),
        case("traces-page-outside.seg", "a page beyond the section", table(256, &[0, whole], &[])),
        case(
            "traces-page-backwards.seg",
            "a page that ends before it begins",
            table(256, &[9, 2], &[&[0, 2]]),
        ),
        case(
            "traces-page-overflows.seg",
            "a page whose offset exceeds 64 bits",
            table(256, &[u64::MAX, u64::MAX], &[]),
        ),
        case(
            "traces-rows-backwards.seg",
            "a trace whose rows end before they begin",
            page(&[2, 0], 0, 0),
        ),
        case("traces-rows-outside.seg", "a trace of more rows than there are", page(&[0, 9], 0, 0)),
        case("traces-rows-huge.seg", "a trace of 2^40 rows", page(&[0, 1 << 40], 0, 0)),
        case(
            "traces-high-missing.seg",
            "an ascending column of two values whose high part has one set bit",
            page_of(vec![2, 0, 1, 0, 1, 0b0000_0100], 0, 0),
        ),
        case(
            "traces-high-short.seg",
            "an ascending column of two values and no high part",
            page_of(vec![2, 0, 1, 0, 0], 0, 0),
        ),
        case("traces-rows-none.seg", "a trace without rows", page(&[0, 0], 0, 0)),
        Case::new(
            "traces-start.seg",
            "zone maps",
            "another start of a trace, which its rows are told against and zones are not",
            page(&[0, 2], 5, 1),
        ),
    ]
}

fn ids() -> Vec<Case> {
    let case = |name, wrong, bytes| Case::new(name, "trace-id index", wrong, bytes);
    let table = |[buckets, rest, ordinal]: [u8; 3], fences: &[u64], entries: &[u64]| {
        let head = vec![buckets, rest, ordinal];
        tiny(IDS, [head, column(fences), column(entries)].concat())
    };
    let bloom =
        |change: &dyn Fn(&mut Vec<u8>)| Parts::of("tiny.seg").changed(BLOOM, |b| change(b)).seal();
    let filter = |name, wrong, bytes| Case::new(name, "bloom filter", wrong, bytes);
    vec![
        case("ids-empty.seg", "no bytes", tiny(IDS, Vec::new())),
        case("ids-bucket-bits.seg", "33 bits of buckets", table([33, 8, 0], &[1, 1], &[0])),
        case("ids-bits.seg", "more than 64 bits of an entry", table([0, 60, 30], &[1, 1], &[0])),
        case("ids-fences.seg", "a fence too many", table([0, 8, 0], &[1, 1, 1], &[0])),
        case(
            "ids-fence-outside.seg",
            "a fence beyond the entries",
            table([0, 8, 0], &[1, 9], &[0xb3]),
        ),
        case("ids-another.seg", "the entry of another id", table([0, 8, 0], &[1, 1], &[1])),
        case(
            "ids-ordinal.seg",
            "an entry of a trace that is not there",
            table([0, 8, 4], &[1, 1], &[0xb37]),
        ),
        filter("bloom-empty.seg", "no bytes", tiny(BLOOM, Vec::new())),
        filter(
            "bloom-huge.seg",
            "2^60 bytes of bits",
            bloom(&|b| b[1..9].copy_from_slice(&(1u64 << 60).to_le_bytes())),
        ),
        filter("bloom-no-functions.seg", "no hash functions", bloom(&|b| b[9..13].fill(0))),
        filter(
            "bloom-many-functions.seg",
            "2^32 - 1 hash functions",
            bloom(&|b| b[9..13].fill(0xff)),
        ),
        Case::new(
            "bloom-excludes.seg",
            "trace-id index",
            "the filter excludes a trace that is there",
            bloom(&|b| b[45..].fill(0)),
        ),
    ]
}
