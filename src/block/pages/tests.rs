#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::base::error::Error;
use crate::block::cache::Cache;
use crate::block::page_reader::PageReader;

fn build(records: &[Vec<u8>], page_bytes: usize) -> (Vec<u8>, PageDirectory) {
    let mut writer = PageWriter::after(
        &[],
        PagePlan { usual: page_bytes, largest: page_bytes, level: 3, apart: true },
    )
    .unwrap();
    let mut out = Vec::new();
    for (number, record) in (0..).zip(records) {
        assert_eq!(writer.records(), number);
        assert_eq!(writer.push(Kind::Other, record, &mut out).unwrap(), number);
    }
    let directory = writer.finish(&mut out).unwrap();
    assert_eq!(directory.bytes(), out.len() as u64);
    (out, directory)
}

/// A reader of pages that begin at byte 10 of a file.
fn reader(directory: PageDirectory, cache_bytes: u64) -> PageReader {
    let cache = Arc::new(Cache::new(cache_bytes));
    PageReader::new(directory, Default::default(), 10, "a.seg".into(), 7, cache)
}

fn fetch(stored: &[u8]) -> impl Fn(u64, usize) -> crate::base::error::Result<Vec<u8>> {
    move |offset, len| {
        let from = offset as usize - 10;
        stored.get(from..from + len).map(<[u8]>::to_vec).ok_or(Error::Closed)
    }
}

fn records() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let plain = prop::collection::vec(97u8..100, 0..60);
    let random = prop::collection::vec(any::<u8>(), 0..60);
    let long = prop::collection::vec(97u8..100, 200..900);
    prop::collection::vec(prop_oneof![6 => plain, 2 => random, 1 => long], 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn p3_records_come_back(records in records(), page_bytes in 0usize..400, cache in 0u64..5000) {
        let (stored, directory) = build(&records, page_bytes);
        let mut bytes = Vec::new();
        directory.write(&mut bytes);
        prop_assert_eq!(PageDirectory::read(&mut bytes.as_slice()), Some(directory.clone()));
        let reader = reader(directory, cache);
        for (number, record) in (0..).zip(&records) {
            prop_assert_eq!(&*reader.get(number, fetch(&stored)).unwrap(), record.as_slice());
        }
        let beyond = reader.get(records.len() as u64, fetch(&stored));
        prop_assert!(matches!(beyond, Err(Error::Corrupt { .. })), "beyond the last");
    }

    #[test]
    fn p6_flipped_byte_is_corrupt_and_the_other_pages_are_read(
        records in records(), at: prop::sample::Index, bit in 0u32..8,
    ) {
        let (mut stored, directory) = build(&records, 100);
        prop_assume!(!stored.is_empty());
        let at = at.index(stored.len());
        stored[at] ^= 1 << bit;
        let reader = reader(directory.clone(), 1 << 20);
        for (number, record) in (0..).zip(&records) {
            let page = directory.page_of(number).unwrap();
            let begin = page.offset as usize;
            let read = reader.get(number, fetch(&stored));
            if (begin..begin + page.stored_len).contains(&at) {
                let corrupt = matches!(&read, Err(Error::Corrupt { file, offset, .. })
                    if file == Path::new("a.seg") && *offset == 10 + page.offset);
                prop_assert!(corrupt, "{:?}", read);
            } else {
                prop_assert_eq!(&*read.unwrap(), record.as_slice());
            }
        }
    }

    #[test]
    fn p6_any_directory_and_any_page_are_read_or_refused(
        bytes: Vec<u8>, raw: Vec<u8>, count in 0usize..300, raw_len in 0usize..300, packed: bool,
        apart: bool,
    ) {
        PageDirectory::read(&mut bytes.as_slice());
        let stored = if packed { zstd::bulk::compress(&raw, 1).unwrap() } else { bytes };
        let crc = crc32(&stored);
        for raw_len in [raw_len, raw.len(), stored.len()] {
            let entry = PageEntry { offset: 0, stored_len: stored.len(), raw_len, apart, crc, first: 0, count };
            if let Ok(page) = Page::decode(&[], &entry, &stored) {
                let total: usize = (0..count).map(|i| page.record(i).unwrap().len()).sum();
                prop_assert!(total <= raw_len && page.record(count).is_none());
            }
        }
    }
}

#[test]
fn p6_bombs_are_refused() {
    let bomb = zstd::bulk::compress(&vec![0; 1 << 20], 19).unwrap();
    let entry = |raw_len| PageEntry {
        offset: 0,
        stored_len: bomb.len(),
        raw_len,
        apart: false,
        crc: crc32(&bomb),
        first: 0,
        count: 1 << 20,
    };
    assert!(Page::decode(&[], &entry(100), &bomb).is_err());
    assert!(Page::decode(&[], &entry(1 << 30), &bomb).is_err());
    assert_eq!(Page::decode(&[], &entry(1 << 20), &bomb).unwrap().len(), 1 << 20);
    // A directory that states a page beyond the limit, or more records than bytes.
    for (count, raw_len) in [(1, MAX_PAGE_BYTES as u64 + 1), (3, 2), (0, 2)] {
        let mut bytes = vec![1];
        [count, 2, raw_len].iter().for_each(|&n| varint::write_u64(&mut bytes, n));
        bytes.extend([0; 4]);
        assert_eq!(PageDirectory::read(&mut bytes.as_slice()), None);
    }
    let mut bytes = Vec::new();
    varint::write_u64(&mut bytes, u64::MAX);
    assert_eq!(PageDirectory::read(&mut bytes.as_slice()), None);
}

#[test]
fn p7_the_cache_stays_within_its_bytes() {
    let records: Vec<Vec<u8>> = (0..2000u32).map(|i| i.to_le_bytes().repeat(40)).collect();
    let (stored, directory) = build(&records, 1000);
    let cache = Arc::new(Cache::new(20_000));
    let reader =
        PageReader::new(directory, Default::default(), 10, "a.seg".into(), 7, cache.clone());
    for number in 0..records.len() as u64 {
        reader.get(number, fetch(&stored)).unwrap();
        assert!(cache.memory_bytes() <= 20_000);
    }
    assert!(cache.memory_bytes() > 2_000);
    let last = records.len() as u64 - 1;
    let cached = reader.get::<Vec<u8>>(last, |_, _| Err(Error::Closed));
    assert_eq!(&*cached.unwrap(), records[last as usize].as_slice());
}
