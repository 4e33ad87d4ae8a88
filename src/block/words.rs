//! The words of a segment: what texts of different columns say again and again.
//!
//! ```text
//! | words spelled, words of dictionaries | dictionaries | template, column of each |  varints
//! | stretches | of each: words in it, whose they are |  varints
//! | codes in dictionaries, gaps | lengths of the others | their texts |  varints but for the texts
//! ```
//! A word's code is its place. The frequent stand first, so that codes that fit small classes are
//! common whatever the column; among words about as frequent (their counts have as many bits) those
//! of one dictionary stand together, in its order. A stretch is of words spelled here (0), or of the
//! dictionary that serves the column of that number (from 1), each told by how far its code lies
//! behind the one that would follow the word before.

use std::sync::OnceLock;

use crate::base::text::Str;
use crate::base::varint::{read_bytes, read_len, read_u64, write_u64};

/// More words than these, or longer ones in all, are no vocabulary but data.
pub const MAX_WORDS: usize = 1 << 16;
pub const MAX_WORD_BYTES: usize = 1 << 20;

/// Longer texts in all are not read: a list can name one text of a dictionary many times.
const MAX_TOLD_BYTES: usize = 8 << 20;

/// Texts one behind another.
#[derive(Debug, Default)]
pub struct TextList {
    texts: String,
    ends: Vec<usize>,
}

impl TextList {
    /// Appends a text.
    pub fn push(&mut self, text: &str) {
        self.texts.push_str(text);
        self.ends.push(self.texts.len());
    }

    /// The text at a place.
    #[inline]
    fn get(&self, index: usize) -> Option<&str> {
        let begin = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.texts.get(begin..*self.ends.get(index)?)
    }
}

/// The words of a segment, by code.
#[derive(Debug, Default)]
pub struct Words {
    list: TextList,
    /// Words that were asked for as whole values.
    shared: OnceLock<Box<[OnceLock<Str>]>>,
}

impl Words {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.ends.len()
    }

    /// The memory it takes, about.
    pub fn memory_bytes(&self) -> usize {
        let shared = self.shared.get().map_or(0, |cells| size_of_val(&**cells));
        self.list.texts.len() + size_of_val(&*self.list.ends) + shared
    }

    /// The word with this code.
    #[inline]
    pub fn get(&self, code: i64) -> Option<&str> {
        self.list.get(usize::try_from(code).ok()?)
    }

    /// The same, so that many may hold it.
    pub fn shared(&self, code: i64) -> Option<&Str> {
        let cells = self.shared.get_or_init(|| (0..self.len()).map(|_| OnceLock::new()).collect());
        let cell = cells.get(usize::try_from(code).ok()?)?;
        let text = self.get(code)?;
        Some(cell.get_or_init(|| Str::from(text)))
    }
}

/// A dictionary of the tag index: the one that serves the texts of this column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnPlace {
    /// The template's code.
    pub template: u32,
    /// Which of its columns.
    pub column: u32,
}

/// How the words of a segment are stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WordList {
    dictionaries: Vec<ColumnPlace>,
    /// How many words follow one another, and whose they are: 0 for those spelled, else one above
    /// the dictionary's place in the list.
    stretches: Vec<(usize, usize)>,
    /// The codes of the words of dictionaries.
    codes: Vec<u32>,
    /// The other words.
    spelled: String,
    lengths: Vec<usize>,
}

impl WordList {
    /// Adds the next word: its text, or one above the number of its dictionary and its code there.
    pub fn push(&mut self, word: &str, held: Option<(usize, u32)>) {
        let owner = held.map_or(0, |(dictionary, _)| dictionary + 1);
        let ascends =
            held.is_none_or(|(_, code)| self.codes.last().is_none_or(|&last| last < code));
        match self.stretches.last_mut() {
            Some((count, last)) if *last == owner && ascends => *count += 1,
            _ => self.stretches.push((1, owner)),
        }
        match held {
            Some((_, code)) => self.codes.push(code),
            None => {
                self.spelled.push_str(word);
                self.lengths.push(word.len());
            }
        }
    }

    /// Refers to a further dictionary; its place in the list.
    pub fn refer(&mut self, dictionary: ColumnPlace) -> usize {
        self.dictionaries.push(dictionary);
        self.dictionaries.len() - 1
    }

    /// The dictionaries that it refers to.
    pub fn dictionaries(&self) -> &[ColumnPlace] {
        &self.dictionaries
    }

    /// The words, where `texts` are those of the dictionaries; `None` if there is no such text, or
    /// far more of them than a segment may have.
    pub fn tell(&self, texts: &[TextList]) -> Option<Words> {
        let mut list = TextList::default();
        let (mut codes, mut lengths) = (self.codes.iter(), self.lengths.iter());
        let mut rest = self.spelled.as_str();
        for &(count, owner) in &self.stretches {
            for _ in 0..count {
                let word = match owner.checked_sub(1) {
                    Some(dictionary) => texts.get(dictionary)?.get(*codes.next()? as usize)?,
                    None => {
                        let (word, behind) = rest.split_at_checked(*lengths.next()?)?;
                        rest = behind;
                        word
                    }
                };
                list.push(word);
                if list.texts.len() > MAX_TOLD_BYTES {
                    return None;
                }
            }
        }
        list.texts.shrink_to_fit();
        list.ends.shrink_to_fit();
        Some(Words { list, shared: OnceLock::new() })
    }

    /// Appends the list.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_u64(out, self.lengths.len() as u64);
        write_u64(out, self.codes.len() as u64);
        write_u64(out, self.dictionaries.len() as u64);
        for place in &self.dictionaries {
            write_u64(out, place.template.into());
            write_u64(out, place.column.into());
        }
        write_u64(out, self.stretches.len() as u64);
        for &(count, owner) in &self.stretches {
            write_u64(out, count as u64);
            write_u64(out, owner as u64);
        }
        let mut codes = self.codes.iter();
        for &(count, _) in self.stretches.iter().filter(|(_, owner)| *owner > 0) {
            let mut next = 0;
            for &code in codes.by_ref().take(count) {
                write_u64(out, u64::from(code).saturating_sub(next));
                next = u64::from(code) + 1;
            }
        }
        self.lengths.iter().for_each(|&length| write_u64(out, length as u64));
        out.extend_from_slice(self.spelled.as_bytes());
    }

    /// Reads what [`Self::write`] wrote.
    pub fn read(input: &mut &[u8]) -> Option<Self> {
        let (spelled, held) = (read_len(input)?, read_len(input)?);
        let words = spelled.checked_add(held);
        let words = words.filter(|&words| words <= MAX_WORDS.min(input.len()))?;
        let mut list = Self::default();
        // Each entry takes a byte at least: a false count ends with the input.
        for _ in 0..read_len(input)? {
            let (template, column) = (read_u64(input)?, read_u64(input)?);
            let (template, column) = (template.try_into().ok()?, column.try_into().ok()?);
            list.dictionaries.push(ColumnPlace { template, column });
        }
        let mut counted = 0usize;
        for _ in 0..read_len(input)? {
            let (count, owner) = (read_len(input)?, read_len(input)?);
            counted = counted.checked_add(count)?;
            let sound = count > 0 && counted <= words && owner <= list.dictionaries.len();
            list.stretches.push(sound.then_some((count, owner))?);
        }
        for &(count, _) in list.stretches.iter().filter(|(_, owner)| *owner > 0) {
            let mut next = 0u64;
            for _ in 0..count {
                let code = u32::try_from(next.checked_add(read_u64(input)?)?).ok()?;
                list.codes.push(code);
                next = u64::from(code) + 1;
            }
        }
        if counted != words || list.codes.len() != held {
            return None;
        }
        let mut bytes = 0usize;
        for _ in 0..spelled {
            let length = read_len(input)?;
            bytes = bytes.checked_add(length)?;
            list.lengths.push(length);
        }
        list.spelled = std::str::from_utf8(read_bytes(input, bytes)?).ok()?.to_owned();
        Some(list)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::block::vocabulary::WordCounts;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Texts of a dictionary, in order, and their codes.
    fn codes_of(texts: &BTreeSet<String>) -> Vec<(&str, u32)> {
        texts.iter().map(String::as_str).zip(0..).collect()
    }

    fn text_list<'a>(texts: impl IntoIterator<Item = &'a String>) -> TextList {
        let mut list = TextList::default();
        texts.into_iter().for_each(|text| list.push(text));
        list
    }

    proptest! {
        #[test]
        fn p3_words_come_back_by_their_codes(
            said in prop::collection::vec("\\PC{0,4}|[a-f]{1,2}", 0..60),
            texts in prop::collection::vec(prop::collection::btree_set("[a-f]{1,2}", 0..40), 0..3),
        ) {
            let mut counts = WordCounts::default();
            for word in &said {
                prop_assert!(counts.add(word, 1));
            }
            let place = |column| ColumnPlace { template: 7, column };
            let known: Vec<_> = (0..).map(place).zip(texts.iter().map(codes_of)).collect();
            let (list, codes) = counts.finish(&known);
            let mut stored = Vec::new();
            list.write(&mut stored);
            let read = WordList::read(&mut stored.as_slice()).unwrap();
            prop_assert_eq!(&read, &list);
            let of = |place: &ColumnPlace| text_list(&texts[place.column as usize]);
            let texts: Vec<TextList> = read.dictionaries().iter().map(of).collect();
            let words = read.tell(&texts).unwrap();
            let often = |word: &str| said.iter().filter(|said| *said == word).count();
            for word in &said {
                let code = codes.code(word).unwrap();
                prop_assert_eq!(words.get(code), Some(word.as_str()));
                prop_assert_eq!(words.shared(code).map(|text| text.as_str()), Some(word.as_str()));
                if let Some(before) = words.get(code - 1) {
                    prop_assert!(often(before).ilog2() >= often(word).ilog2());
                }
            }
            prop_assert_eq!(words.get(words.len() as i64), None);
            prop_assert_eq!(words.get(-1), None);
        }

        #[test]
        fn p6_any_bytes_are_words_or_refused(
            bytes in prop::collection::vec(0u8..9, 0..60), texts in 0usize..6,
        ) {
            if let Some(list) = WordList::read(&mut bytes.as_slice()) {
                let word = "word".to_owned();
                let told = || text_list(std::iter::repeat_n(&word, texts));
                let texts: Vec<TextList> = list.dictionaries().iter().map(|_| told()).collect();
                if let Some(words) = list.tell(&texts) {
                    prop_assert!(words.len() <= bytes.len());
                }
            }
        }
    }

    #[test]
    fn p6_one_long_text_is_not_told_without_end() {
        let mut list = WordList::default();
        (0..MAX_WORDS).for_each(|_| list.push("", Some((0, 0))));
        assert!(list.tell(&[text_list(&["x".repeat(4096)])]).is_none());
        assert!(list.tell(&[text_list(&["x".to_owned()])]).is_some());
    }
}
