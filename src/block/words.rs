//! The words of a segment: what texts of different columns say again and again.
//!
//! ```text
//! | words, varint | lengths, varints | their texts, one behind another |
//! ```
//! A word's code is its place in the list. The most frequent stand first, so that codes that fit
//! small classes are common whatever the column.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::OnceLock;

use crate::base::text::Str;
use crate::base::varint::{read_bytes, read_len, write_u64};
use crate::block::whim;

/// More words than these, or longer ones in all, are no vocabulary but data.
pub const MAX_WORDS: usize = 1 << 16;
const MAX_WORD_BYTES: usize = 1 << 20;

/// The words of a segment, by code.
#[derive(Debug, Default)]
pub struct Words {
    texts: String,
    ends: Vec<usize>,
    /// Words that were asked for as whole values.
    shared: OnceLock<Box<[OnceLock<Str>]>>,
}

impl Words {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The word with this code.
    #[inline]
    pub fn get(&self, code: i64) -> Option<&str> {
        let index = usize::try_from(code).ok()?;
        let begin = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.texts.get(begin..*self.ends.get(index)?)
    }

    /// The same, so that many may hold it.
    pub fn shared(&self, code: i64) -> Option<&Str> {
        let cells = self.shared.get_or_init(|| (0..self.len()).map(|_| OnceLock::new()).collect());
        let cell = cells.get(usize::try_from(code).ok()?)?;
        let text = self.get(code)?;
        Some(cell.get_or_init(|| Str::from(text)))
    }

    /// Appends the words.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_u64(out, self.ends.len() as u64);
        let mut before = 0;
        for &end in &self.ends {
            write_u64(out, (end - before) as u64);
            before = end;
        }
        out.extend_from_slice(self.texts.as_bytes());
    }

    /// Reads what [`Self::write`] wrote.
    pub fn read(input: &mut &[u8]) -> Option<Self> {
        let count = read_len(input).filter(|&count| count <= MAX_WORDS.min(input.len()))?;
        let mut ends = Vec::with_capacity(count);
        let mut end = 0usize;
        for _ in 0..count {
            end = end.checked_add(read_len(input)?)?;
            ends.push(end);
        }
        let texts = std::str::from_utf8(read_bytes(input, end)?).ok()?.to_owned();
        ends.iter().all(|&end| texts.is_char_boundary(end)).then_some(())?;
        Some(Self { texts, ends, shared: OnceLock::new() })
    }
}

/// Counts words while columns are looked at.
#[derive(Debug, Default)]
pub struct WordCounts<'a> {
    counts: HashMap<&'a str, u64>,
    bytes: usize,
}

impl<'a> WordCounts<'a> {
    /// Counts a word; `false` once there are too many to keep.
    pub fn add(&mut self, word: &'a str, times: u64) -> bool {
        let count = self.counts.entry(word).or_insert(0);
        if *count == 0 {
            self.bytes += word.len();
        }
        *count += times;
        self.has_room()
    }

    /// Counts these texts if most of them are words already; whether they are.
    pub fn add_familiar(&mut self, texts: &[(&'a str, u64)]) -> bool {
        let known = texts.iter().filter(|(text, _)| self.has(text)).count();
        let familiar = whim::take(known * 4 >= texts.len() * 3) && self.has_room();
        familiar && texts.iter().all(|&(text, times)| self.add(text, times))
    }

    /// Whether the word was counted before.
    pub fn has(&self, word: &str) -> bool {
        self.counts.contains_key(word)
    }

    /// Whether the words are few and short enough to be kept.
    pub fn has_room(&self) -> bool {
        self.counts.len() <= MAX_WORDS && self.bytes <= MAX_WORD_BYTES
    }

    /// The words in the order of their codes, and their codes.
    pub fn finish(self) -> (Words, WordCodes<'a>) {
        let mut sorted: Vec<(&str, u64)> = self.counts.into_iter().collect();
        sorted.sort_unstable_by_key(|&(word, count)| (Reverse(count), word));
        let mut words = Words::default();
        let mut codes = HashMap::with_capacity(sorted.len());
        for ((word, _), code) in sorted.into_iter().zip(0i64..) {
            words.texts.push_str(word);
            words.ends.push(words.texts.len());
            codes.insert(word, code);
        }
        (words, WordCodes(codes))
    }
}

/// The code of each word, while columns are encoded.
#[derive(Debug, Default)]
pub struct WordCodes<'a>(HashMap<&'a str, i64>);

impl WordCodes<'_> {
    /// The code of a word.
    pub fn code(&self, word: &str) -> Option<i64> {
        self.0.get(word).copied()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn p3_words_come_back_by_their_codes(said in prop::collection::vec("\\PC{0,4}", 0..60)) {
            let mut counts = WordCounts::default();
            for word in &said {
                prop_assert!(counts.add(word, 1));
            }
            let (words, codes) = counts.finish();
            let mut stored = Vec::new();
            words.write(&mut stored);
            let read = Words::read(&mut stored.as_slice()).unwrap();
            prop_assert_eq!(read.len(), words.len());
            let often = |word: &str| said.iter().filter(|said| *said == word).count();
            for word in &said {
                let code = codes.code(word).unwrap();
                prop_assert_eq!(read.get(code), Some(word.as_str()));
                prop_assert_eq!(read.shared(code).map(|text| text.as_str()), Some(word.as_str()));
                if let Some(before) = read.get(code - 1) {
                    prop_assert!(often(before) >= often(word));
                }
            }
            prop_assert_eq!(read.get(read.len() as i64), None);
            prop_assert_eq!(read.get(-1), None);
        }

        #[test]
        fn p6_any_bytes_are_words_or_refused(bytes in prop::collection::vec(0u8..9, 0..60)) {
            if let Some(words) = Words::read(&mut bytes.as_slice()) {
                prop_assert!(words.len() <= bytes.len());
            }
        }
    }
}
