//! Segments whose tag index lies. All checksums hold.

use crate::corrupt::Case;
use crate::corrupt::anatomy::{Parts, TERMS};
use crate::corrupt::indexes::tiny;
use crate::corrupt::packed::column;
use crate::manifest::varint;

/// A tag index of one trace: directory of sorted texts and record offsets, records, parts, heap.
fn index(keys: &[&str], offsets: &[u64], records: &[u8], parts: &[u8], heap: &[u8]) -> Vec<u8> {
    tiny(TERMS, folded(&raw_index(keys, offsets, records, parts, heap)))
}

fn raw_index(keys: &[&str], offsets: &[u64], records: &[u8], parts: &[u8], heap: &[u8]) -> Vec<u8> {
    let directory = [texts(keys), column(offsets)].concat();
    let lengths = [directory.len(), records.len(), parts.len()].map(|len| varint(len as u64));
    let head = [varint(1), lengths.concat()].concat();
    [head.as_slice(), &directory, records, parts, heap].concat()
}

/// One page that is stored raw.
fn folded(raw: &[u8]) -> Vec<u8> {
    let len = varint(raw.len() as u64);
    [varint(1), len.clone(), len, raw.to_vec()].concat()
}

/// At most 16 sorted texts that share nothing, each shorter than 15 bytes.
pub fn texts(texts: &[&str]) -> Vec<u8> {
    let mut groups = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        groups.push(text.len() as u8);
        groups.extend(text.as_bytes());
        assert!(number == 0 || text.len() < 15, "a longer rest takes a varint");
    }
    let starts = if texts.is_empty() { vec![0] } else { vec![0, groups.len() as u64] };
    [varint(texts.len() as u64), column(&starts), groups].concat()
}

const STRINGS: u8 = 0;
const INTS: u8 = 1 << 4;
const VALUES: u8 = 0;
const HASHED: u8 = 2;
const BUCKETS: u8 = 3;
const COVERED: u8 = 4;
const SCARCE: u8 = 5;
const SCARCE_TEXTS: u8 = 6;

/// An index of one key with one part of this form and type, and a heap.
fn part(form: u8, part: &[u8], heap: &[u8]) -> Vec<u8> {
    let record = [vec![0, 0, 1, form], varint(part.len() as u64)].concat();
    index(&["\u{2}k"], &[0], &record, part, heap)
}

/// An index of one key with texts, whose dictionary is this and said to be there, and pointers.
fn strings(dictionary: &[u8], [at, len]: [u64; 2], pointers: &[u64]) -> Vec<u8> {
    let part = [varint(at), varint(len), column(pointers)].concat();
    let record = [vec![0, 0, 1, VALUES | STRINGS], varint(part.len() as u64)].concat();
    let raw = raw_index(&["\u{2}k"], &[0], &record, &part, &[]);
    let parts = Parts::of("tiny.seg").with(TERMS, folded(&raw));
    parts.with_dictionaries(folded(dictionary)).seal()
}

/// An index of one key that is in the traces of the first list of the heap.
fn list(heap: &[u8]) -> Vec<u8> {
    index(&["\u{2}k"], &[0], &[2, 0, 0], &[], heap)
}

/// An index of no keys but these scarce ones.
fn scarce(table: &[u8]) -> Vec<u8> {
    let record = [vec![0, 0, 1, SCARCE], varint(table.len() as u64)].concat();
    index(&["\u{0}scarce"], &[0], &record, table, &[])
}

/// A table of no hashes.
fn table() -> Vec<u8> {
    [vec![0, 0, 0], column(&[0, 0]), vec![0]].concat()
}

pub fn cases() -> Vec<Case> {
    let case = |name, wrong, bytes| Case::new(name, "tag index", wrong, bytes);
    let lengths = |lengths: [u64; 4]| tiny(TERMS, folded(&lengths.map(varint).concat()));
    let whole = |dictionary: &[u8], pointers: &[u64]| {
        strings(dictionary, [0, dictionary.len() as u64], pointers)
    };
    let words = |name, wrong, bytes| Case::new(name, "dictionaries", wrong, bytes);
    vec![
        case("terms-traces.seg", "an index of two traces", lengths([2, 0, 0, 0])),
        case("terms-lengths.seg", "a directory of 2^60 bytes", lengths([1, 1 << 60, 0, 0])),
        case(
            "terms-lengths-overflow.seg",
            "lengths that exceed 64 bits together",
            lengths([1, u64::MAX, u64::MAX, u64::MAX]),
        ),
        case("keys-huge-count.seg", "2^60 keys", {
            let directory = [varint(1 << 60), column(&[0]), column(&[0])].concat();
            let head = [1, directory.len() as u64, 0, 0].map(varint).concat();
            tiny(TERMS, folded(&[head, directory].concat()))
        }),
        case(
            "keys-descend.seg",
            "keys that do not ascend",
            index(&["\u{2}k", "\u{2}a"], &[0, 3], &[0, 0, 0, 0, 0, 0], &[], &[]),
        ),
        case(
            "key-scope.seg",
            "a key of no known scope",
            index(&["\u{9}k"], &[0], &[0, 0, 0], &[], &[]),
        ),
        case(
            "record-outside.seg",
            "a record beyond the records",
            index(&["\u{2}k"], &[77], &[0, 0, 0], &[], &[]),
        ),
        case(
            "parts-many.seg",
            "25 parts of a key",
            index(&["\u{2}k"], &[0], &[&[0, 0, 25][..], &[0; 50]].concat(), &[], &[]),
        ),
        case(
            "part-outside.seg",
            "a part beyond the parts",
            index(&["\u{2}k"], &[0], &[0, 0, 1, 0, 99], &[], &[]),
        ),
        case(
            "part-backwards.seg",
            "a part whose offset exceeds 64 bits",
            index(
                &["\u{2}k"],
                &[0],
                &[&[0][..], &varint(u64::MAX), &[1, 0, 9]].concat(),
                &[0; 9],
                &[],
            ),
        ),
        case("part-form.seg", "a part of no known form", part(9, &[0; 9], &[])),
        case("part-type.seg", "a part of no known type", part(VALUES | 7 << 4, &[0; 9], &[])),
        case(
            "texts-outside.seg",
            "a dictionary beyond its section",
            strings(&texts(&["a"]), [1, 99], &[0]),
        ),
        case(
            "texts-overflow.seg",
            "a dictionary whose end exceeds 64 bits",
            strings(&texts(&["a"]), [9, u64::MAX], &[0]),
        ),
        words(
            "texts-huge-count.seg",
            "a dictionary of 2^60 texts",
            whole(&[varint(1 << 60), column(&[0])].concat(), &[]),
        ),
        case(
            "texts-descend.seg",
            "a dictionary whose texts do not ascend",
            whole(&texts(&["b", "a"]), &[0, 0]),
        ),
        words("texts-share.seg", "a text that shares more than the one before has", {
            let groups = [1, b'a', 0x71, b'b'];
            whole(&[varint(2), column(&[0, 4]), groups.to_vec()].concat(), &[0, 0])
        }),
        words("texts-no-utf8.seg", "a text that is not UTF-8", {
            whole(&[varint(1), column(&[0, 2]), vec![1, 0xff]].concat(), &[0])
        }),
        words("texts-groups.seg", "groups of texts that end beyond the dictionary", {
            whole(&[varint(1), column(&[0, 900]), vec![1, b'a']].concat(), &[0])
        }),
        case(
            "ints-descend.seg",
            "a dictionary whose integers do not ascend",
            part(VALUES | INTS, &[column(&[9, 3]), column(&[0, 0])].concat(), &[]),
        ),
        case(
            "values-without-lists.seg",
            "two values and the pointer of one",
            whole(&texts(&["a", "b"]), &[0]),
        ),
        case(
            "hashed-bits.seg",
            "a table of hashes with 33 bits of buckets",
            part(HASHED, &[33, 8, 1], &[]),
        ),
        case(
            "hashed-ordinal.seg",
            "a table of hashes with a trace that is not there",
            part(HASHED, &[vec![0, 8, 4], column(&[1, 1]), column(&[0x37])].concat(), &[]),
        ),
        case(
            "covered-homes.seg",
            "texts with five homes",
            part(COVERED, &[&[5][..], &[0; 10], &table()].concat(), &[]),
        ),
        case(
            "covered-home-outside.seg",
            "texts whose home is a key that is not there",
            part(COVERED, &[&[1, 9, 1][..], &table()].concat(), &[]),
        ),
        case(
            "covered-ints.seg",
            "covered integers",
            part(COVERED | INTS, &[&[1, 0, 1][..], &table()].concat(), &[]),
        ),
        case(
            "scarce-shift.seg",
            "scarce keys in groups of 2^64 traces",
            scarce(&[&[64, 0][..], &table()].concat()),
        ),
        case(
            "scarce-left.seg",
            "bytes behind the table of scarce keys",
            scarce(&[&[0, 0][..], &table(), &[0]].concat()),
        ),
        case(
            "scarce-group.seg",
            "a scarce key of a group of traces that is not there",
            scarce(&[vec![1, 0, 0, 8, 4], column(&[1, 1]), column(&[0x37])].concat()),
        ),
        case(
            "scarce-tokens.seg",
            "scarce keys found by tokens of an unknown kind",
            scarce(&[&[0, 3][..], &table()].concat()),
        ),
        case(
            "scarce-texts-alone.seg",
            "scarce texts without the table that finds them",
            part(SCARCE_TEXTS, &[1], &[]),
        ),
        case("scarce-texts-ints.seg", "scarce integers", part(SCARCE_TEXTS | INTS, &[1], &[])),
        case(
            "folded-huge.seg",
            "a page of 2^30 raw bytes",
            tiny(TERMS, [varint(1), varint(1 << 30), varint(9), vec![0; 9]].concat()),
        ),
        case(
            "folded-empty.seg",
            "a page without stored bytes",
            tiny(TERMS, [varint(1), varint(9), varint(0)].concat()),
        ),
        case(
            "folded-grows.seg",
            "a page with more stored bytes than raw ones",
            tiny(TERMS, [varint(1), varint(8), varint(9), vec![0; 9]].concat()),
        ),
        case(
            "folded-no-frame.seg",
            "a page that is no zstd frame",
            tiny(TERMS, [varint(1), varint(99), varint(9), vec![0; 9]].concat()),
        ),
        case(
            "folded-left.seg",
            "bytes behind the last page",
            tiny(TERMS, [varint(1), varint(4), varint(4), vec![0; 5]].concat()),
        ),
        case("folded-huge-count.seg", "2^60 pages", tiny(TERMS, varint(1 << 60))),
        case(
            "buckets-shift.seg",
            "buckets of a shift of 64",
            part(BUCKETS | 2 << 4, &[vec![64], column(&[1]), column(&[0])].concat(), &[]),
        ),
        case(
            "buckets-descend.seg",
            "buckets that do not ascend",
            part(BUCKETS | 2 << 4, &[vec![9], column(&[5, 5]), column(&[0, 0])].concat(), &[]),
        ),
        case("list-outside.seg", "a list beyond the heap", list(&[])),
        case("union-of-unions.seg", "a union of itself", list(&[3, 1, 0, 0])),
        case("union-many.seg", "a union of 65 lists", list(&[3, 65, 0, 0])),
        case("union-outside.seg", "a union of a list beyond the heap", list(&[3, 1, 99, 0])),
        case("union-rest.seg", "a union and two traces of one", list(&[3, 0, 2, 0])),
        case(
            "list-huge-count.seg",
            "a list of 2^60 ordinals",
            list(&[&[0][..], &varint(1 << 60)].concat()),
        ),
        case("list-cut.seg", "a list that ends in a gap of ones", list(&[0, 1, 0xff])),
        case("list-beyond.seg", "a list with a trace that is not there", list(&[0, 1, 0b0111])),
        case("list-bitset-cut.seg", "a bitset without its bytes", list(&[1, 0])),
        case(
            "list-bitset-beyond.seg",
            "a bitset with a trace that is not there",
            list(&[1, 0, 0xff]),
        ),
        case(
            "list-roaring-huge.seg",
            "a roaring bitmap of 2^60 bytes",
            list(&[&[2][..], &varint(1 << 60)].concat()),
        ),
        case(
            "list-roaring-lies.seg",
            "a roaring bitmap of 2^32 - 1 containers in 8 bytes",
            list(&[2, 8, 0x3a, 0x30, 0, 0, 0xff, 0xff, 0xff, 0xff]),
        ),
    ]
}
