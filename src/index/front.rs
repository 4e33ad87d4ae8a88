//! Sorted lists of distinct texts, front-coded in small groups, each decoded alone.
//!
//! ```text
//! | texts | group starts: packed column | groups |   starts from the first group, one more than groups
//! group of up to 16 texts:
//! | length | text |                                    the first, whole
//! | shared << 4 | rest: u8 | [shared - 15] | [rest - 15] | rest bytes |   each other one:
//!   how many bytes it shares with the one before and how many follow; 15 says: a varint has more
//! ```

use std::ops::Range;

use crate::base::error::Result;
use crate::base::varint::{read_bytes, read_len, read_prefixed, write_prefixed, write_u64};
use crate::disk::bytes::ByteView;
use crate::index::packed::{Packed, pack};
use crate::index::source::{Cursor, Source, partition_point};

/// Texts of a group: finding one decodes half a group, and every group pays for one whole text.
const GROUP: u64 = 16;

/// Appends a list of strictly ascending texts.
pub fn write_texts<'a>(texts: impl ExactSizeIterator<Item = &'a str>, out: &mut Vec<u8>) {
    write_u64(out, texts.len() as u64);
    let mut starts = Vec::new();
    let mut groups = Vec::new();
    let mut before: &[u8] = &[];
    for (text, i) in texts.map(str::as_bytes).zip(0u64..) {
        if i % GROUP == 0 {
            starts.push(groups.len() as u64);
            write_prefixed(&mut groups, text);
        } else {
            let shared = before.iter().zip(text).take_while(|(a, b)| a == b).count();
            let rest = text.get(shared..).unwrap_or_default();
            groups.push((shared.min(15) << 4 | rest.len().min(15)) as u8);
            for len in [shared, rest.len()] {
                if let Some(more) = len.checked_sub(15) {
                    write_u64(&mut groups, more as u64);
                }
            }
            groups.extend_from_slice(rest);
        }
        before = text;
    }
    starts.push(groups.len() as u64);
    pack(&starts, out);
    out.extend_from_slice(&groups);
}

/// Reads a list of texts.
#[derive(Clone, Debug)]
pub struct Texts {
    count: u64,
    starts: Packed,
    /// Where the groups lie in the section.
    groups: Range<usize>,
}

impl Texts {
    /// Opens the list at the cursor and moves past it.
    pub fn open(cursor: &mut Cursor<'_>) -> Result<Self> {
        let count = cursor.varint()?;
        let starts = Packed::open(cursor)?;
        if starts.len() != count.div_ceil(GROUP) + 1 {
            return Err(cursor.corrupt("a wrong number of groups"));
        }
        let len = starts.get(cursor.source(), starts.len() - 1)?;
        let len = usize::try_from(len).map_err(|_| cursor.corrupt("groups beyond the section"))?;
        // Each text takes a byte, so that a count is bounded by bytes that are there.
        if count > len as u64 {
            return Err(cursor.corrupt("more texts than bytes"));
        }
        let groups = cursor.skip(len)?;
        Ok(Self { count, starts, groups })
    }

    /// How many texts there are.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// The text at `index`; `Corrupt` beyond the end.
    pub fn get(&self, source: &dyn Source, index: u64) -> Result<String> {
        let mut found = None;
        self.scan(source, index..index.saturating_add(1), &mut |_, text| {
            found = Some(text.to_owned());
            Ok(())
        })?;
        found.ok_or_else(|| source.corrupt(self.groups.start, "no text of this index"))
    }

    /// Hands out the texts of a range of indexes, in order.
    pub fn scan(
        &self,
        source: &dyn Source,
        range: Range<u64>,
        each: &mut dyn FnMut(u64, &str) -> Result<()>,
    ) -> Result<()> {
        let end = range.end.min(self.count);
        let mut group = range.start / GROUP;
        while group * GROUP < end {
            self.scan_group(source, group, &mut |index, text| {
                if index < range.start || index >= end {
                    return Ok(true);
                }
                let text = std::str::from_utf8(text);
                let text = text.map_err(|_| source.corrupt(self.groups.start, "no UTF-8"))?;
                each(index, text).map(|()| index + 1 < end)
            })?;
            group += 1;
        }
        Ok(())
    }

    /// How many texts come before `key`, or before and with it.
    pub fn rank(&self, source: &dyn Source, key: &[u8], with_equal: bool) -> Result<u64> {
        let before = |text: &[u8]| if with_equal { text <= key } else { text < key };
        let groups = self.starts.len() - 1;
        let after = self.groups_before(source, groups, before)?;
        let Some(group) = after.checked_sub(1) else { return Ok(0) };
        let mut rank = group * GROUP;
        self.scan_group(source, group, &mut |index, text| {
            let go_on = before(text);
            if go_on {
                rank = index + 1;
            }
            Ok(go_on)
        })?;
        Ok(rank)
    }

    /// The index of `text`, if it is in the list.
    pub fn find(&self, source: &dyn Source, text: &str) -> Result<Option<u64>> {
        let key = text.as_bytes();
        let groups = self.starts.len() - 1;
        let after = self.groups_before(source, groups, |first| first <= key)?;
        let Some(group) = after.checked_sub(1) else { return Ok(None) };
        let mut found = None;
        self.scan_group(source, group, &mut |index, text| {
            found = (text == key).then_some(index);
            Ok(text < key)
        })?;
        Ok(found)
    }

    /// How many groups begin with a text of which `before` holds, as of all before it.
    fn groups_before(
        &self,
        source: &dyn Source,
        groups: u64,
        before: impl Fn(&[u8]) -> bool,
    ) -> Result<u64> {
        partition_point(groups, |group| {
            // A group's first text stands whole: it is compared where it lies.
            let bytes = self.group(source, group)?;
            let first = read_prefixed(&mut &*bytes).map(&before);
            first.ok_or_else(|| source.corrupt(self.groups.start, "a cut-off text"))
        })
    }

    /// The bytes of a group.
    fn group(&self, source: &dyn Source, group: u64) -> Result<ByteView> {
        let (from, to) = (self.starts.get(source, group)?, self.starts.get(source, group + 1)?);
        if from > to || to > self.groups.len() as u64 {
            return Err(source.corrupt(self.groups.start, "groups in disorder"));
        }
        source.bytes(self.groups.start + from as usize, (to - from) as usize)
    }

    /// Hands out a group's texts until `each` says false.
    fn scan_group(
        &self,
        source: &dyn Source,
        group: u64,
        each: &mut dyn FnMut(u64, &[u8]) -> Result<bool>,
    ) -> Result<()> {
        let corrupt = |detail| source.corrupt(self.groups.start, detail);
        let bytes = self.group(source, group)?;
        let mut input: &[u8] = &bytes;
        let mut text = Vec::new();
        let first = group * GROUP;
        for index in first..(first + GROUP).min(self.count) {
            let read = if index == first {
                read_prefixed(&mut input).map(|whole| text.extend_from_slice(whole))
            } else {
                read_rest(&mut input, &mut text)
            };
            read.ok_or_else(|| corrupt("a cut-off text"))?;
            if !each(index, &text)? {
                break;
            }
        }
        Ok(())
    }
}

/// Turns the text before into the next one.
fn read_rest(input: &mut &[u8], text: &mut Vec<u8>) -> Option<()> {
    let lengths = usize::from(*read_bytes(input, 1)?.first()?);
    let mut length = |low: usize| match low {
        15 => read_len(input)?.checked_add(15),
        low => Some(low),
    };
    let (shared, rest) = (length(lengths >> 4)?, length(lengths & 15)?);
    if shared > text.len() {
        return None;
    }
    text.truncate(shared);
    text.extend_from_slice(read_bytes(input, rest)?);
    Some(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::index::source::MemSource;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn texts() -> impl Strategy<Value = BTreeSet<String>> {
        let text =
            prop_oneof!["[ab]{0,5}", "/api/v[12]/user/[0-9]{1,3}", "\\PC{0,40}", "x{14,40}y?"];
        prop::collection::btree_set(text, 0..90)
    }

    fn open(bytes: Vec<u8>) -> (MemSource, Result<Texts>) {
        let source = MemSource::new(bytes, Path::new("x"), "test");
        let mut cursor = Cursor::new(&source, 0..source.len()).unwrap();
        let texts = Texts::open(&mut cursor);
        (source, texts)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn texts_are_found_by_index_and_content(
            texts in texts(), other in "[ab/x]{0,4}", from in 0u64..90, len in 0u64..40,
        ) {
            let mut bytes = Vec::new();
            write_texts(texts.iter().map(String::as_str), &mut bytes);
            let (source, list) = open(bytes);
            let list = list.unwrap();
            let naive: Vec<&String> = texts.iter().collect();
            prop_assert_eq!(list.len(), naive.len() as u64);
            for (i, text) in naive.iter().enumerate() {
                prop_assert_eq!(&&list.get(&source, i as u64).unwrap(), text);
                prop_assert_eq!(list.find(&source, text).unwrap(), Some(i as u64));
            }
            prop_assert!(list.get(&source, list.len()).is_err());
            let below = texts.iter().filter(|t| **t < other).count() as u64;
            let with = texts.iter().filter(|t| **t <= other).count() as u64;
            prop_assert_eq!(list.rank(&source, other.as_bytes(), false).unwrap(), below);
            prop_assert_eq!(list.rank(&source, other.as_bytes(), true).unwrap(), with);
            let mut scanned = Vec::new();
            list.scan(&source, from..from + len, &mut |i, text| {
                scanned.push((i, text.to_owned()));
                Ok(())
            }).unwrap();
            let range = from.min(list.len())..(from + len).min(list.len());
            let naive: Vec<_> = range.map(|i| (i, naive[i as usize].clone())).collect();
            prop_assert_eq!(scanned, naive);
        }

        #[test]
        fn p6_a_changed_byte_ends_in_an_error_or_a_value(
            texts in texts(), at: prop::sample::Index, byte: u8,
        ) {
            let mut bytes = Vec::new();
            write_texts(texts.iter().map(String::as_str), &mut bytes);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let (source, Ok(list)) = open(bytes) {
                let _ = list.find(&source, "b");
                let _ = list.scan(&source, 0..u64::MAX, &mut |_, _| Ok(()));
            }
        }
    }
}
