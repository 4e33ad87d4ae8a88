//! Which texts become words of a segment, and their codes: see [`crate::block::words`].

use std::cmp::Reverse;

use crate::base::quick::{Quick, QuickMap};
use crate::block::bits::bit_length;
use crate::block::whim;
use crate::block::words::{ColumnPlace, MAX_WORD_BYTES, MAX_WORDS, WordList};

/// Words that a dictionary has to hold before the list refers to it.
const LEAST_KNOWN: usize = 8;

/// Counts words while columns are looked at.
#[derive(Debug, Default)]
pub struct WordCounts<'a> {
    counts: QuickMap<&'a str, u64>,
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

    /// The words in the order of their codes, and their codes. `known` are the dictionaries that
    /// may hold some: their columns, and their texts with the code of each.
    pub fn finish(self, known: &[(ColumnPlace, Vec<(&str, u32)>)]) -> (WordList, WordCodes<'a>) {
        let mut list = WordList::default();
        let held = self.choose(known, &mut list);
        let key = |(word, count): (&'a str, u64)| {
            (Reverse(bit_length(count)), held.get(word).copied(), word)
        };
        let mut sorted: Vec<_> = self.counts.into_iter().map(key).collect();
        sorted.sort_unstable();
        let mut codes = QuickMap::with_capacity_and_hasher(sorted.len(), Quick::default());
        for ((_, place, word), code) in sorted.into_iter().zip(0i64..) {
            list.push(word, place);
            codes.insert(word, code);
        }
        (list, WordCodes(codes))
    }

    /// The same without dictionaries, and the words as they are read.
    #[cfg(test)]
    pub fn told(self) -> (crate::block::words::Words, WordCodes<'a>) {
        let (list, codes) = self.finish(&[]);
        (list.tell(&[]).unwrap_or_default(), codes)
    }

    /// Which dictionary holds a word, by its place in `list`, and the word's code in it: first
    /// the one that holds most words, then the one that holds most of the rest.
    fn choose(
        &self,
        known: &[(ColumnPlace, Vec<(&str, u32)>)],
        list: &mut WordList,
    ) -> QuickMap<&'a str, (usize, u32)> {
        let mut held: QuickMap<&str, (usize, u32)> = QuickMap::default();
        let mut lists: Vec<(ColumnPlace, QuickMap<&str, u32>)> = Vec::new();
        for (place, texts) in known {
            let own =
                |&(text, code): &(&str, u32)| Some((*self.counts.get_key_value(text)?.0, code));
            let words: QuickMap<&'a str, u32> = texts.iter().filter_map(own).collect();
            if whim::take(words.len() >= LEAST_KNOWN) {
                lists.push((*place, words));
            }
        }
        lists.sort_by_key(|(_, words)| Reverse(words.len()));
        for (place, mut words) in lists {
            words.retain(|word, _| !held.contains_key(word));
            if whim::take(words.len() >= LEAST_KNOWN) {
                let chosen = list.refer(place);
                held.extend(words.into_iter().map(|(word, code)| (word, (chosen, code))));
            }
        }
        held
    }
}

/// The code of each word, while columns are encoded.
#[derive(Debug, Default)]
pub struct WordCodes<'a>(QuickMap<&'a str, i64>);

impl WordCodes<'_> {
    /// The code of a word.
    pub fn code(&self, word: &str) -> Option<i64> {
        self.0.get(word).copied()
    }
}
