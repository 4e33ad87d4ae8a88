//! Segments whose statistics lie. All checksums hold.

use crate::corrupt::Case;
use crate::corrupt::anatomy::{OPERATIONS, PEAKS, Parts, SKETCHES, STATISTICS};
use crate::corrupt::indexes::zones;
use crate::corrupt::packed::column;
use crate::corrupt::terms::texts;
use crate::manifest::varint;

pub fn cases() -> Vec<Case> {
    [operations_and_peaks(), minutes()].into_iter().flatten().collect()
}

/// Counts by the minute, and sketches.
fn minutes() -> Vec<Case> {
    let mut segment = Parts::of("tiny.seg");
    let (counts, sketches) = (segment.unpacked(STATISTICS), segment.unpacked(SKETCHES));
    // One minute: its number, and the lowest ordinal.
    let minute = 1 + counts[1..].iter().position(|byte| *byte < 0x80).unwrap() + 1 + 1;
    let with = |content: &[u8]| segment.with_packed(STATISTICS, content).seal();
    let case = |name, wrong, bytes| Case::new(name, "statistics", wrong, bytes);
    let sketch = |name, wrong, content: &[u8]| {
        Case::new(name, "sketches", wrong, segment.with_packed(SKETCHES, content).seal())
    };
    vec![
        case("statistics-empty.seg", "no content", with(&[])),
        case("statistics-huge-minutes.seg", "2^60 minutes", with(&varint(1 << 60))),
        case(
            "statistics-huge-groups.seg",
            "2^60 groups",
            with(&[&counts[..minute], &varint(1 << 60)].concat()),
        ),
        case(
            "statistics-longer.seg",
            "a byte behind the last row",
            with(&[&counts[..], &[0]].concat()),
        ),
        case(
            "statistics-minute.seg",
            "spans of another minute",
            with(&[&counts[..1], &[counts[1] ^ 1], &counts[2..]].concat()),
        ),
        sketch("sketches-empty.seg", "no content", &[]),
        sketch(
            "sketches-longer.seg",
            "a run behind the last cell",
            &[&sketches[..], &[0]].concat(),
        ),
        sketch("sketches-beyond.seg", "a run of a bucket beyond the last", &{
            [&[192][..], &varint(600), &sketches].concat()
        }),
        sketch("sketches-many.seg", "a run of more spans than the cell has", &{
            [&[255, 0][..], &varint(1 << 40)].concat()
        }),
    ]
}

fn operations_and_peaks() -> Vec<Case> {
    let case = |name, section, wrong, bytes| Case::new(name, section, wrong, bytes);
    let segment = Parts::of("tiny.seg");
    let operations = |rows: [&[u64]; 5]| {
        let columns: Vec<u8> = rows.iter().flat_map(|values| column(values)).collect();
        segment
            .with_packed(
                OPERATIONS,
                &[vec![1], texts(&["cart"]), texts(&["GET"]), columns].concat(),
            )
            .seal()
    };
    let peaks = |content: &[u8]| segment.with_packed(PEAKS, content).seal();
    vec![
        case(
            "zones-start.seg",
            "zone maps",
            "a zone that is not that of its block",
            zones(column(&[77])),
        ),
        case(
            "operations-empty.seg",
            "operations",
            "no content",
            segment.with_packed(OPERATIONS, &[]).seal(),
        ),
        case(
            "operations-columns.seg",
            "operations",
            "columns of different lengths",
            operations([&[1], &[0], &[4], &[2], &[0, 0]]),
        ),
        case(
            "operations-service.seg",
            "operations",
            "an operation of a service that is not there",
            operations([&[9], &[0], &[4], &[2], &[0]]),
        ),
        case(
            "operations-order.seg",
            "operations",
            "one operation twice",
            operations([&[1, 1], &[0, 0], &[4, 4], &[1, 1], &[0, 0]]),
        ),
        case(
            "operations-spans.seg",
            "operations",
            "an operation of more spans than there are",
            operations([&[1], &[0], &[4], &[3], &[0]]),
        ),
        case("peaks-empty.seg", "peaks", "no content", peaks(&[])),
        case("peaks-huge-services.seg", "peaks", "2^60 services", peaks(&varint(1 << 60))),
        case(
            "peaks-huge-sorts.seg",
            "peaks",
            "2^60 sorts",
            peaks(&[&[0][..], &varint(1 << 60)].concat()),
        ),
        case(
            "peaks-service.seg",
            "peaks",
            "a sort of a service that is not there",
            peaks(&[1, 0, 2, 1, 9, 0, 0, 1]),
        ),
        case(
            "peaks-listed.seg",
            "peaks",
            "more peaks than bytes",
            peaks(&[1, 0, 2, 1, 0, 0, 1, 40, 99]),
        ),
        case(
            "peaks-blocks.seg",
            "peaks",
            "two peaks of one block",
            peaks(&[1, 0, 2, 1, 0, 0, 1, 40, 2, 40, 40]),
        ),
    ]
}
