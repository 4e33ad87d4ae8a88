#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;
use crate::base::varint::{write_prefixed, write_u64};
use crate::base::wire::arbitrary::span;
use crate::base::wire::encode_span;

fn raw_len(records: &[(Kind, Vec<u8>)]) -> usize {
    records.iter().map(|(_, record)| raw_bytes(record.len())).sum()
}

fn taken(records: &[(Kind, Vec<u8>)]) -> Option<Vec<u8>> {
    take(records.iter().map(|(kind, record)| (*kind, record.as_slice())))
}

/// Canonical spans, resources that hold a key with numbers, and any bytes under any name.
fn records() -> impl Strategy<Value = Vec<(Kind, Vec<u8>)>> {
    let span = span().prop_map(|span| {
        let mut bytes = Vec::new();
        encode_span(&span.view().unwrap(), &mut bytes);
        (Kind::Span, bytes)
    });
    let resource = "[a-c]{0,3}[0-9]{0,22}[.]?[0-9]{0,4}".prop_map(|key| {
        let mut pair = vec![0x0a];
        write_prefixed(&mut pair, key.as_bytes());
        let mut resource = vec![0x0a];
        write_prefixed(&mut resource, &pair);
        let mut bytes = vec![0x0a];
        write_prefixed(&mut bytes, &resource);
        (Kind::Resource, bytes)
    });
    let other = prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| (Kind::Other, bytes));
    prop::collection::vec(prop_oneof![4 => span, 2 => resource, 1 => other], 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn p3_what_is_taken_apart_comes_together(records in records()) {
        let Some(taken) = taken(&records) else {
            // Unknown fields may say a number in more bytes than it takes.
            return Ok(());
        };
        let (joined, ends) = join(&taken, records.len(), raw_len(&records)).unwrap();
        let mut begin = 0;
        for ((_, record), end) in records.iter().zip(&ends) {
            prop_assert_eq!(&joined[begin..*end as usize], record.as_slice());
            begin = *end as usize;
        }
        prop_assert!(join(&taken, records.len(), raw_len(&records) + 1).is_none());
        prop_assert!(join(&taken, records.len() + 1, raw_len(&records) + 1).is_none());
    }

    #[test]
    fn p3_any_bytes_are_taken_apart_or_left(
        kind in 0u8..4, bytes in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let records = [(Kind::of(kind).unwrap(), bytes)];
        if let Some(taken) = taken(&records) {
            let joined = join(&taken, 1, raw_len(&records)).unwrap().0;
            prop_assert_eq!(&joined, &records[0].1);
        }
    }

    #[test]
    fn p6_changed_bytes_end_in_nothing_or_as_many_bytes(
        records in records(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let Some(mut taken) = taken(&records) else { return Ok(()) };
        for (at, byte) in changes {
            let at = at.index(taken.len());
            taken[at] = byte;
        }
        if let Some((joined, _)) = join(&taken, records.len(), raw_len(&records)) {
            prop_assert!(joined.len() <= raw_len(&records));
        }
    }
}

#[test]
fn a_number_is_told_once_and_ends_are_those_of_digits() {
    let texts = ["item 123 of 123", "0456", "99", "1234567890123456789012", "", "007"];
    let mut record = Vec::new();
    for text in texts {
        record.push(0x2a);
        write_prefixed(&mut record, text.as_bytes());
    }
    let records = [(Kind::Span, record)];
    let taken = taken(&records).unwrap();
    let numbers = [0x7b, 0xc8, 0x03];
    assert!(taken.windows(3).any(|window| window == numbers), "{taken:x?}");
    let (joined, _) = join(&taken, 1, raw_len(&records)).unwrap();
    assert_eq!(joined, records[0].1);
}

#[test]
fn a_field_can_be_a_number_of_a_text() {
    // name "item 4711", kind 4711, flags aside.
    let mut record = vec![0x2a];
    write_prefixed(&mut record, b"item 4711");
    record.push(0x30);
    write_u64(&mut record, 4711);
    let records = [(Kind::Span, record)];
    let taken = taken(&records).unwrap();
    assert!(taken.windows(2).any(|window| window == [0x36, 0]), "{taken:x?}");
    assert_eq!(join(&taken, 1, raw_len(&records)).unwrap().0, records[0].1);
}

#[test]
fn p7_messages_nest_only_so_deep() {
    let mut structure = vec![Kind::Span as u8, 0x4a, 0x12];
    structure.extend([0x2a, 0x0a].repeat(MAX_DEPTH));
    let mut bytes = vec![1, 0];
    write_u64(&mut bytes, structure.len() as u64);
    bytes.extend(&structure);
    assert!(join(&bytes, 1, 100_000).is_none());
    assert!(join(&[1, 0, 1, 0], 1, MAX_BYTES + 1).is_none());
}
