//! Which texts become words of a segment, and their codes: see [`crate::block::words`].

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::block::bits::bit_length;
use crate::block::whim;
use crate::block::words::{ColumnPlace, MAX_WORD_BYTES, MAX_WORDS, WordList};

/// Words that a dictionary has to hold before the list refers to it.
const LEAST_KNOWN: usize = 8;

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

    /// The words in the order of their codes, and their codes. `known` are the dictionaries that
    /// may hold some: their columns, and the code of each of their texts.
    pub fn finish(self, known: &[(ColumnPlace, HashMap<&str, u32>)]) -> (WordList, WordCodes<'a>) {
        let mut list = WordList::default();
        let held = self.choose(known, &mut list);
        let mut sorted: Vec<(&str, u64)> = self.counts.into_iter().collect();
        let held = |word: &str| held.get(word).copied();
        sorted.sort_unstable_by_key(|&(word, count)| {
            (Reverse(bit_length(count)), held(word).map(|place| (place.0 + 1, place.1)), word)
        });
        let mut codes = HashMap::with_capacity(sorted.len());
        for ((word, _), code) in sorted.into_iter().zip(0i64..) {
            list.push(word, held(word));
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
        known: &[(ColumnPlace, HashMap<&str, u32>)],
        list: &mut WordList,
    ) -> HashMap<&'a str, (usize, u32)> {
        let mut held: HashMap<&str, (usize, u32)> = HashMap::new();
        let mut lists: Vec<_> = known
            .iter()
            .map(|(place, texts)| {
                (self.counts.keys().filter(|w| texts.contains_key(**w)).count(), place, texts)
            })
            .filter(|&(holds, ..)| whim::take(holds >= LEAST_KNOWN))
            .collect();
        lists.sort_by_key(|&(holds, ..)| Reverse(holds));
        for (_, place, texts) in lists {
            let code = |word: &&'a str| Some((*word, *texts.get(*word)?));
            let left = self.counts.keys().filter(|word| !held.contains_key(**word));
            let new: Vec<(&str, u32)> = left.filter_map(code).collect();
            if whim::take(new.len() >= LEAST_KNOWN) {
                let chosen = list.refer(*place);
                held.extend(new.into_iter().map(|(word, code)| (word, (chosen, code))));
            }
        }
        held
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
